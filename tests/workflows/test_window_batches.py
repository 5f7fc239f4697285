"""Batches: claimed, extracted apart, completed once, through a killed signal process."""

import os
import signal
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

import psutil
import pytest

from tests.workflows.clinic import holds, wall_clock
from tests.workflows.test_window_features import pulse_wave, window
from workflows.window_batches import WindowBatches, signal_process
from workflows.window_features import WaitingWindow, WindowResult


@dataclass
class Waiting:
    """Windows that wait, in memory."""

    windows: list[WaitingWindow] = field(default_factory=list)
    taken: list[WaitingWindow] = field(default_factory=list)
    results: dict[str, WindowResult] = field(default_factory=dict)

    async def claim(
        self, *, limit: int, lease_s: float, now: datetime
    ) -> tuple[WaitingWindow, ...]:
        batch, self.windows = self.windows[:limit], self.windows[limit:]
        self.taken += batch
        return tuple(batch)

    async def count(self) -> int:
        return len(self.windows) + len(self.taken)

    async def complete(
        self, windows: Sequence[WaitingWindow], results: Sequence[WindowResult], *, now: datetime
    ) -> int:
        new = [result for result in results if result.window_id not in self.results]
        self.results |= {result.window_id: result for result in new}
        self.taken = [item for item in self.taken if item.window_id not in self.results]
        return len(new)


def some(count: int) -> list[WaitingWindow]:
    return [window(f"w{n}", "ppg", pulse_wave(60 + n), patient_id=f"p{n}") for n in range(count)]


async def test_a_batch_is_completed_and_says_whether_more_wait() -> None:
    waiting = Waiting(some(3))
    batches = WindowBatches(waiting, ThreadPoolExecutor)
    first = await batches.process_batch(limit=2, now=wall_clock())
    last = await batches.process_batch(limit=2, now=wall_clock())
    batches.close()
    assert (first.completed, first.more_pending) == (2, True)
    assert (last.completed, last.more_pending) == (1, False)
    assert sorted(waiting.results) == ["w0", "w1", "w2"]


async def test_windows_that_another_worker_holds_are_said_to_be_held() -> None:
    waiting = Waiting(taken=some(1))
    outcome = await WindowBatches(waiting, ThreadPoolExecutor).process_batch(
        limit=5, now=wall_clock()
    )
    assert outcome.held_elsewhere
    assert not outcome.more_pending


async def test_unreadable_windows_are_counted_and_completed() -> None:
    waiting = Waiting([replace(window("w", "ppg", pulse_wave(70)), samples=b"")])
    outcome = await WindowBatches(waiting, ThreadPoolExecutor).process_batch(
        limit=5, now=wall_clock()
    )
    assert (outcome.completed, outcome.unreadable) == (1, 1)


async def test_a_killed_signal_process_is_replaced() -> None:
    made: list[Executor] = []

    def make() -> Executor:
        made.append(signal_process())
        return made[-1]

    waiting = Waiting(some(1))
    batches = WindowBatches(waiting, make)
    try:
        await batches.process_batch(limit=1, now=wall_clock())
        [child] = [c for c in psutil.Process().children() if "spawn_main" in " ".join(c.cmdline())]
        os.kill(child.pid, signal.SIGKILL)
        await holds(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
        waiting.windows = [window("again", "ppg", pulse_wave(64))]
        with pytest.raises(BrokenExecutor):
            await batches.process_batch(limit=1, now=wall_clock())
        waiting.windows, waiting.taken = waiting.taken, []
        outcome = await batches.process_batch(limit=1, now=wall_clock())
        assert outcome.completed == 1
        assert len(made) == 2
    finally:
        batches.close()
