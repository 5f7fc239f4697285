"""The shadow never holds up, changes or breaks a verdict."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.clinical.propensity import Agreement, LoggedChoice
from services.clinical.proposal import Predictor
from services.metrics import SHADOW_RANKINGS
from tests.workflows.clinic import NoPredictor
from tests.workflows.fake_records import FakeRecords
from workflows import activity_requests as ask
from workflows.activities import RecordActivities
from workflows.shadow import Shadow

NOW = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)


@dataclass
class Ranked:
    """What was ranked; it waits for the gate and breaks when told to."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)
    breaks: bool = False
    same_first: bool = True

    async def rank_in_shadow(
        self, patient_id: str, assessment_id: str, *, candidate: Predictor, now: datetime
    ) -> LoggedChoice:
        self.asked.append(assessment_id)
        await self.gate.wait()
        if self.breaks:
            raise ArithmeticError("the candidate broke")
        agrees = Agreement(self.same_first, 900)
        return LoggedChoice("shadow", "clinician", (), "keep", 1, "m", "1", "f", None, agrees)


def counted(result: str) -> float:
    return float(SHADOW_RANKINGS.labels(result)._value.get())


async def test_the_verdict_is_there_while_the_candidate_still_ranks() -> None:
    ranked = Ranked()
    shadow = Shadow(ranked, NoPredictor(), lambda: NOW)
    running = asyncio.ensure_future(shadow.run())
    activities = RecordActivities(FakeRecords(), NoPredictor(), lambda: NOW, shadow)
    before = counted("same_first")
    outcomes = [await activities.assess(ask.Assess("p", f"k{n}", None)) for n in range(3)]
    assert [o.assessment_id for o in outcomes] == ["assessment"] * 3
    assert counted("same_first") == before
    ranked.gate.set()
    await shadow.finished()
    running.cancel()
    assert ranked.asked == ["assessment"] * 3
    assert counted("same_first") == before + 3


async def test_a_candidate_that_breaks_is_counted_and_the_next_is_ranked() -> None:
    ranked = Ranked(breaks=True)
    ranked.gate.set()
    shadow = Shadow(ranked, NoPredictor(), lambda: NOW)
    running = asyncio.ensure_future(shadow.run())
    failed, other = counted("failed"), counted("other_first")
    shadow.offer("p", "a")
    await shadow.finished()
    ranked.breaks, ranked.same_first = False, False
    shadow.offer("p", "b")
    await shadow.finished()
    running.cancel()
    assert (counted("failed"), counted("other_first")) == (failed + 1, other + 1)


async def test_a_full_line_drops_and_counts_instead_of_waiting() -> None:
    shadow = Shadow(Ranked(), NoPredictor(), lambda: NOW, most_waiting=2)
    before = counted("dropped")
    for number in range(5):
        shadow.offer("p", str(number))
    assert counted("dropped") == before + 3
