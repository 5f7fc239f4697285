"""A circuit breaker: who fails half of the time is not asked for a while."""

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Final

# Source: opens at 50 % errors in 10 s, tries again after 30 s [operating practice].
WITHIN_S: Final = 10.0
SHUT_FOR_S: Final = 30.0
FEWEST: Final = 4


class Breaker:
    """Open it means: do not ask. Thread-safe."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._now_s = clock_s
        self._lock = Lock()
        self._seen: deque[tuple[float, bool]] = deque()
        self._again_at_s: float | None = None

    def lets_through(self) -> bool:
        """Whether to ask now. After the wait one is let through to try; the rest still wait."""
        with self._lock:
            if self._again_at_s is None:
                return True
            now_s = self._now_s()
            if now_s < self._again_at_s:
                return False
            self._again_at_s = now_s + SHUT_FOR_S
            return True

    def note(self, *, worked: bool) -> None:
        """Tell how an asking ended."""
        with self._lock:
            now_s = self._now_s()
            if self._again_at_s is not None:
                # The one that tried decides; late answers to earlier askings count with it.
                if worked:
                    self._again_at_s = None
                    self._seen.clear()
                return
            self._seen.append((now_s, worked))
            while self._seen and self._seen[0][0] < now_s - WITHIN_S:
                self._seen.popleft()
            failed = sum(not ok for _, ok in self._seen)
            if len(self._seen) >= FEWEST and 2 * failed >= len(self._seen):
                self._again_at_s = now_s + SHUT_FOR_S
