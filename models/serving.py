"""Serving: a ranker behind `Predictor` that answers in time or not at all, many patients at once.

One thread ranks; whoever asks waits for it, but never longer than the limit. An answer that comes
later is thrown away: the titrator has ranked by then, on the same snapshot. Nothing is remembered
from one asking to the next, so that no stale ranking can be given.
"""

import queue
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from threading import Thread
from typing import Final, Protocol

from models.breaker import Breaker
from models.predict import Asked
from services.clinical.moves import Move
from services.clinical.patient import Snapshot, Target
from services.clinical.proposal import PredictorUnavailable, Ranking
from services.metrics import RANKING_BATCH, RANKING_LATENCY, RANKING_UNAVAILABLE


class BatchRanker(Protocol):
    """Ranks for several patients; one that cannot be ranked is answered by its error."""

    def rank_each(self, asked: Sequence[Asked]) -> Sequence[Ranking | Exception]:
        """Return one answer for each, in order."""
        ...


class TooSlow(PredictorUnavailable):
    """No answer within the limit."""


class TooBusy(PredictorUnavailable):
    """More wait already than can be answered in time."""


class Failed(PredictorUnavailable):
    """The ranker broke on this patient."""


class Stopped(PredictorUnavailable):
    """It failed half of the time and is left alone for a while, or the process ends."""


@dataclass(frozen=True, slots=True)
class Limits:
    """An assessment may rank twice (patient's path, clinician's), within 500 ms together."""

    answer_within_s: float = 0.2
    gather_s: float = 0.002
    """How long the first of a batch waits for others."""
    most_together: int = 32
    most_waiting: int = 128


LIMITS: Final = Limits()


@dataclass(slots=True)
class _Waiting:
    asked: Asked
    answer: Future[Ranking] = field(default_factory=Future)


class Served:
    """A `Predictor` in front of one ranking thread. Close it at the end."""

    def __init__(self, ranker: BatchRanker, limits: Limits = LIMITS) -> None:
        self._ranker = ranker
        self._limits = limits
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(limits.most_waiting)
        self._breaker = Breaker(time.monotonic)
        self._thread = Thread(target=self._work, name="ranking", daemon=True)
        self._thread.start()

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        """Return every given move ranked.

        Raises:
            TooSlow, TooBusy, Failed, Stopped: kinds of PredictorUnavailable.
        """
        try:
            return self._answered(_Waiting(Asked(snapshot, moves, target, now)))
        except PredictorUnavailable as err:
            RANKING_UNAVAILABLE.labels(type(err).__name__).inc()
            raise

    def close(self) -> None:
        """Stop ranking: what waits is answered first, what comes later is refused."""
        self._waiting.put(None)
        self._thread.join()

    def _answered(self, waiting: _Waiting) -> Ranking:
        if not self._breaker.lets_through() or not self._thread.is_alive():
            raise Stopped("the ranker is not asked now")
        started = time.monotonic()
        try:
            self._waiting.put_nowait(waiting)
            ranking = waiting.answer.result(self._limits.answer_within_s)
        except queue.Full as err:
            self._breaker.note(worked=False)
            raise TooBusy(f"{self._limits.most_waiting} wait") from err
        except TimeoutError as err:
            waiting.answer.cancel()
            self._breaker.note(worked=False)
            raise TooSlow(f"no answer in {self._limits.answer_within_s:g} s") from err
        except Failed:
            self._breaker.note(worked=False)
            raise
        self._breaker.note(worked=True)
        RANKING_LATENCY.observe(time.monotonic() - started)
        return ranking

    def _work(self) -> None:
        more = True
        while more:
            batch, more = self._gather()
            # Whoever stopped waiting is not ranked: the time belongs to those who still do.
            batch = [item for item in batch if item.answer.set_running_or_notify_cancel()]
            if batch:
                RANKING_BATCH.observe(len(batch))
                self._rank(batch)

    def _gather(self) -> tuple[list[_Waiting], bool]:
        """Return what waits, once the first has waited for others; and whether to go on."""
        batch: list[_Waiting] = []
        until = None
        while len(batch) < self._limits.most_together:
            left = None if until is None else max(0.0, until - time.monotonic())
            try:
                item = self._waiting.get(timeout=left)
            except queue.Empty:
                break
            if item is None:
                return batch, False
            batch.append(item)
            until = until or time.monotonic() + self._limits.gather_s
        return batch, True

    def _rank(self, batch: list[_Waiting]) -> None:
        try:
            answers = self._ranker.rank_each([item.asked for item in batch])
        except Exception as err:  # noqa: BLE001 - the edge of the thread: it must go on for others
            answers = [err] * len(batch)
        for item, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                failed = Failed(type(answer).__name__)
                failed.__cause__ = answer
                item.answer.set_exception(failed)
            else:
                item.answer.set_result(answer)
