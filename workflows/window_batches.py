"""Window batches: takes waiting windows, has them extracted apart, completes each once."""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from datetime import datetime
from typing import Protocol

from services.loop_results import WindowBatchOutcome
from workflows.policy import WINDOW_LEASE
from workflows.window_features import (
    UNREADABLE,
    WaitingWindow,
    WindowResult,
    extract_waiting,
)


class WaitingWindows(Protocol):
    """The record's waiting windows."""

    async def claim(
        self, *, limit: int, lease_s: float, now: datetime
    ) -> tuple[WaitingWindow, ...]:
        """Take windows, oldest first; others do not see them for `lease_s`."""
        ...

    async def count(self) -> int:
        """Return how many windows wait, taken or not."""
        ...

    async def complete(
        self, windows: Sequence[WaitingWindow], results: Sequence[WindowResult], *, now: datetime
    ) -> int:
        """Keep the features of windows that still wait, in one transaction; return how many."""
        ...


class WindowBatches:
    """The `WindowProcessor` of the ingest loop.

    A batch lost with its worker is offered again when its lease ends; a window that two workers
    extracted is completed by the first.
    """

    def __init__(self, windows: WaitingWindows, make_executor: Callable[[], Executor]) -> None:
        self._windows = windows
        self._make_executor = make_executor
        self._executor: Executor | None = None

    async def process_batch(self, *, limit: int, now: datetime) -> WindowBatchOutcome:
        """Claim, extract and complete one batch."""
        waiting = await self._windows.claim(
            limit=limit, lease_s=WINDOW_LEASE.total_seconds(), now=now
        )
        if not waiting:
            held = await self._windows.count() > 0
            return WindowBatchOutcome(0, 0, more_pending=False, held_elsewhere=held)
        results = await self._extract(waiting)
        completed = await self._windows.complete(waiting, results, now=now)
        unreadable = sum(result.grade == UNREADABLE for result in results)
        return WindowBatchOutcome(completed, unreadable, more_pending=len(waiting) == limit)

    def close(self) -> None:
        """End the process of the arrays."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def _extract(self, waiting: Sequence[WaitingWindow]) -> tuple[WindowResult, ...]:
        if self._executor is None:
            self._executor = self._make_executor()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, extract_waiting, waiting)
        except BrokenExecutor:
            # Killed, by the system or for its memory: the next attempt gets a fresh one.
            self._executor = None
            raise


def signal_process() -> ProcessPoolExecutor:
    """Return a process of its own for the arrays: they must not delay a verdict next door."""
    return ProcessPoolExecutor(
        max_workers=1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_end_with_parent,
    )


def _end_with_parent() -> None:
    """A worker that is killed takes its signal process along: no orphan holds memory."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
