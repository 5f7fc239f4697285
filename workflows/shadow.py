"""The shadow: a candidate ranks what was judged, after the verdict is on record and beside it.

Best effort by design. It is asked only once the assessment is committed, waits in a short line, and
whatever goes wrong with it is counted and goes no further: no verdict waits for it or sees it.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from services.clinical.propensity import LoggedChoice
from services.clinical.proposal import Predictor
from services.metrics import SHADOW_CORRELATION, SHADOW_RANKINGS

logger = logging.getLogger(__name__)

MOST_WAITING: Final = 256


class ShadowRecords(Protocol):
    """The record, as the shadow uses it."""

    async def rank_in_shadow(
        self, patient_id: str, assessment_id: str, *, candidate: Predictor, now: datetime
    ) -> LoggedChoice:
        """Have the candidate rank an assessment's snapshot and moves, and keep the result."""
        ...


class Shadow:
    """One candidate and those who wait to be ranked by it."""

    def __init__(
        self,
        records: ShadowRecords,
        candidate: Predictor,
        clock: Callable[[], datetime],
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._records = records
        self._candidate = candidate
        self._now = clock
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue(most_waiting)

    def offer(self, patient_id: str, assessment_id: str) -> None:
        """Put an assessment in line and return at once; a full line drops it, counted."""
        try:
            self._waiting.put_nowait((patient_id, assessment_id))
        except asyncio.QueueFull:
            SHADOW_RANKINGS.labels("dropped").inc()

    async def run(self) -> None:
        """Rank whatever is in line, one at a time, until cancelled."""
        while True:
            patient_id, assessment_id = await self._waiting.get()
            try:
                await self._rank(patient_id, assessment_id)
            finally:
                self._waiting.task_done()

    async def finished(self) -> None:
        """Wait until nobody is in line."""
        await self._waiting.join()

    async def _rank(self, patient_id: str, assessment_id: str) -> None:
        try:
            choice = await self._records.rank_in_shadow(
                patient_id, assessment_id, candidate=self._candidate, now=self._now()
            )
        except Exception as err:  # noqa: BLE001 - the edge of the shadow: its faults end here
            SHADOW_RANKINGS.labels("failed").inc()
            logger.warning(
                "shadow_failed",
                extra={"assessment_id": assessment_id, "cause": type(err).__name__},
            )
            return
        _count(choice)


def _count(choice: LoggedChoice) -> None:
    agrees = choice.agreement
    if choice.abstained is not None or agrees is None:
        SHADOW_RANKINGS.labels("abstained").inc()
        return
    SHADOW_RANKINGS.labels("same_first" if agrees.same_first else "other_first").inc()
    if agrees.correlation_thousandths is not None:
        SHADOW_CORRELATION.observe(agrees.correlation_thousandths / 1000)
