"""Activities: they take the time when they run, and answer what the record says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from services.loop_results import AlarmState, EnactBasis, EnactKind, EnactOutcome, HaltedBy
from services.metrics import ENACTMENTS, VERDICT_LATENCY, VERDICTS
from tests.workflows.clinic import NoPredictor
from tests.workflows.fake_records import FakeNotifier, FakeRecords
from workflows import activity_requests as ask
from workflows.activities import PagingActivities, RecordActivities

START = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)


class Timed(FakeRecords):
    """Notes the moment it was given."""

    given: datetime | None = None

    async def acknowledge_alarm(
        self, alarm_id: str, *, clinician_id: str, now: datetime
    ) -> AlarmState:
        self.given = now
        return await super().acknowledge_alarm(alarm_id, clinician_id=clinician_id, now=now)


def ticking() -> Iterator[datetime]:
    moment = START
    while True:
        yield moment
        moment += timedelta(hours=1)


async def test_a_retry_after_an_outage_takes_the_present_not_the_moment_it_was_asked() -> None:
    records = Timed()
    clock = ticking()
    activities = RecordActivities(records, NoPredictor(), lambda: next(clock))
    request = ask.AcknowledgeAlarm("a", "c")
    with pytest.raises(KeyError):
        await activities.acknowledge_alarm(request)
    assert records.given == START
    with pytest.raises(KeyError):
        await activities.acknowledge_alarm(request)
    assert records.given == START + timedelta(hours=1)


async def test_a_verdict_is_counted_with_how_long_its_reading_waited() -> None:
    activities = RecordActivities(FakeRecords(), NoPredictor(), lambda: START)
    held = VERDICTS.labels("hold")
    before, waited = held._value.get(), VERDICT_LATENCY._sum.get()
    await activities.assess(ask.Assess("p", "k", START - timedelta(seconds=2)))
    assert held._value.get() == before + 1
    assert VERDICT_LATENCY._sum.get() == pytest.approx(waited + 2)


async def test_a_refused_step_is_counted_as_refused() -> None:
    records = FakeRecords(enactment=EnactOutcome(EnactKind.REFUSED))
    activities = RecordActivities(records, NoPredictor(), lambda: START)
    refused = ENACTMENTS.labels("advice", "refused")
    before = refused._value.get()
    await activities.enact(ask.Enact("p", "k", EnactBasis.ADVICE, "advice"))
    assert refused._value.get() == before + 1


async def test_lifting_a_halt_answers_what_holds_afterwards() -> None:
    activities = RecordActivities(FakeRecords(), NoPredictor(), lambda: START)
    assert await activities.change_halt(ask.ChangeHalt("p", True, HaltedBy.CLINICIAN, "c"))
    assert await activities.change_halt(ask.ChangeHalt("p", False, HaltedBy.PATIENT, "p"))
    assert not await activities.change_halt(ask.ChangeHalt("p", False, HaltedBy.CLINICIAN, "c"))


async def test_a_page_that_no_channel_takes_is_an_error_and_not_silence() -> None:
    with pytest.raises(ConnectionError):
        await PagingActivities(FakeNotifier(broken=True)).page(
            ask.Page("k", "c", "alarm", "a", urgent=True)
        )
