"""One open alarm per patient and cause; the same evidence never raises one twice."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.clinical.alarm_labs import lab_alarms
from services.clinical.alarms import Alarm, AlarmCause, Urgency
from services.clinical.patient import Lab, LabResult
from services.clinical.titration import Titrator
from services.clinical.units import Mmhg
from services.loop_results import AlarmOutcome, AlarmStatus, AlarmUrgency, RepeatKind
from services.store import Acting, NotOpen, Role, Store, alarms, events, outbox, readings
from services.store.entries import AlarmEntry
from services.store.loop_records import LoopRecords
from services.store.rows import NewReading
from tests.services.clinical.examples import snapshot
from tests.services.store.people import NOW, Person, acting_as, enrol, enrol_treated
from tests.stack import StoreFactory

LATER = NOW + timedelta(minutes=10)


def crisis(*evidence: str, urgency: Urgency = Urgency.REPEAT) -> Alarm:
    return Alarm(AlarmCause.CRISIS_READING, urgency, NOW, evidence)


async def raised(store: Store, person: Person, alarm: Alarm) -> AlarmEntry:
    async with acting_as(store, person) as tx:
        return await alarms.raise_or_merge(tx, person.patient_id, alarm, now=NOW)


async def messages_to_alarms(store: Store) -> list[str]:
    async with store.transaction(Acting("system", "relay", None)) as tx:
        taken = await outbox.claim_batch(tx, limit=100, lease_s=1, now=NOW)
    return [item.message.signal.value for item in taken if item.message.workflow == "AlarmLoop"]


async def test_new_evidence_of_the_same_cause_is_counted_not_raised_again(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    first = await raised(store, person, crisis("r1"))
    same = await raised(store, person, crisis("r1"))
    more = await raised(store, person, crisis("r2"))
    assert first.alarm_id == same.alarm_id == more.alarm_id
    assert (first.repeats, same.repeats, more.repeats) == (0, 0, 1)
    assert more.evidence_ids == ("r1", "r2")
    assert await messages_to_alarms(await store_factory(Role.WORKER)) == ["alarm_raised"]


async def test_what_was_dealt_with_is_not_raised_again_but_new_evidence_is(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    first = await raised(store, person, crisis("r1"))
    async with acting_as(store, person) as tx:
        assert await alarms.close(tx, first.alarm_id, outcome="acknowledged", now=NOW)
        assert not await alarms.close(tx, first.alarm_id, outcome="acknowledged", now=NOW)
    again = await raised(store, person, crisis("r1"))
    new = await raised(store, person, crisis("r2"))
    assert (again.alarm_id, again.status) == (first.alarm_id, "closed")
    assert (new.status, new.repeats) == ("open", 0)
    assert new.alarm_id != first.alarm_id


async def test_a_taken_alarm_is_resolved_once_and_an_untaken_one_not_at_all(
    store_factory: StoreFactory,
) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    person = await enrol(store)
    alarm_id = (await raised(store, person, crisis("r1"))).alarm_id
    with pytest.raises(NotOpen):
        async with acting_as(store, person) as tx:
            await alarms.resolve(tx, alarm_id, now=NOW)
    async with acting_as(store, person) as tx:
        assert await alarms.is_any_open(tx, person.patient_id)
        await alarms.acknowledge(tx, alarm_id, clinician_id=person.clinician_id, now=NOW)
    async with acting_as(store, person) as tx:
        assert await alarms.resolve(tx, alarm_id, now=LATER)
        assert not await alarms.resolve(tx, alarm_id, now=LATER)
    async with acting_as(store, person) as tx:
        assert not await alarms.is_any_open(tx, person.patient_id)
        entry = await alarms.get(tx, alarm_id)
        timeline = await events.timeline(tx, person.patient_id)
    assert (entry.status, entry.outcome, entry.closed_at) == ("closed", "acknowledged", LATER)
    assert [e.action for e in timeline].count("alarm.closed") == 1
    async with worker.transaction(Acting("system", "relay", None)) as tx:
        taken = await outbox.claim_batch(tx, limit=100, lease_s=1, now=LATER)
    told = [item.message.payload for item in taken if item.message.workflow == "PatientLoop"]
    assert [payload for payload in told if "alarm" in payload.values()]


async def test_two_at_the_same_moment_make_one_alarm(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    entries = await asyncio.gather(*(raised(store, person, crisis(f"r{n}")) for n in range(4)))
    assert len({entry.alarm_id for entry in entries}) == 1
    async with acting_as(store, person) as tx:
        (entry,) = await alarms.list_open(tx, person.patient_id)
    assert set(entry.evidence_ids) == {"r0", "r1", "r2", "r3"}
    assert entry.repeats == 3


async def test_rising_urgency_starts_the_ladder_again_and_never_falls(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    first = await raised(store, person, crisis("r1"))
    risen = await raised(store, person, crisis("r2", urgency=Urgency.EMERGENCY))
    milder = await raised(store, person, crisis("r3", urgency=Urgency.QUEUE))
    assert (first.urgency, risen.urgency, milder.urgency) == ("repeat", "emergency", "emergency")
    assert await messages_to_alarms(await store_factory(Role.WORKER)) == ["alarm_raised"] * 2


async def test_the_first_who_takes_an_alarm_stays_and_a_queued_one_is_closed_by_it(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    paged = await raised(store, person, crisis("r1"))
    queued = await raised(
        store, person, Alarm(AlarmCause.LOW_DIASTOLIC, Urgency.QUEUE, NOW, ("r2",))
    )
    async with acting_as(store, person) as tx:
        for who in ("first", "second"):
            taken = await alarms.acknowledge(
                tx, paged.alarm_id, clinician_id=who, note="called them", now=NOW
            )
        closed = await alarms.acknowledge(tx, queued.alarm_id, clinician_id="first", now=NOW)
    assert (taken.acknowledged_by, taken.status, taken.note) == (
        "first",
        "acknowledged",
        "called them",
    )
    assert (closed.status, closed.outcome) == ("closed", "acknowledged")


async def test_what_is_new_after_an_alarm_was_taken_pages_by_itself(
    store_factory: StoreFactory,
) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    person = await enrol(store)
    first = await raised(store, person, crisis("r1", urgency=Urgency.SAME_DAY))
    async with acting_as(store, person) as tx:
        await alarms.acknowledge(tx, first.alarm_id, clinician_id=person.clinician_id, now=NOW)
    same = await raised(store, person, crisis("r1"))
    assert (same.alarm_id, same.status) == (first.alarm_id, "acknowledged")
    assert await messages_to_alarms(worker) == ["alarm_raised"]
    new = await raised(store, person, crisis("r2"))
    assert (new.status, new.acknowledged_at, new.rung) == ("open", None, 0)
    assert new.alarm_id != first.alarm_id
    async with acting_as(store, person) as tx:
        before = await alarms.get(tx, first.alarm_id)
    assert (before.status, before.outcome) == ("closed", "acknowledged")
    assert before.acknowledged_by == person.clinician_id
    async with worker.transaction(Acting("system", "relay", None)) as tx:
        taken = await outbox.claim_batch(tx, limit=100, lease_s=1, now=NOW)
    alarm_ids = [item.message.payload.get("alarm_id") for item in taken]
    assert new.alarm_id in alarm_ids


async def test_a_worse_result_is_raised_though_a_milder_one_was_dealt_with(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    taken_at = NOW - timedelta(hours=20)
    mild = Alarm(AlarmCause.POTASSIUM_HIGH, Urgency.QUEUE, taken_at, ("potassium",))
    first = await raised(store, person, mild)
    async with acting_as(store, person) as tx:
        await alarms.acknowledge(tx, first.alarm_id, clinician_id=person.clinician_id, now=NOW)
    # Drawn before the first result was seen, reported after it was dealt with.
    worse = replace(mild, urgency=Urgency.SAME_DAY, since=NOW - timedelta(hours=2))
    again = await raised(store, person, worse)
    assert (again.status, again.urgency) == ("open", "same_day")


async def test_a_second_sample_drawn_before_the_first_was_told_of_is_raised(
    store_factory: StoreFactory,
) -> None:
    def seen(hours_ago: int) -> Alarm:
        result = LabResult(Lab.POTASSIUM, 6200, NOW - timedelta(hours=hours_ago))
        (alarm,) = lab_alarms(snapshot(as_of=NOW, labs=(result,)), NOW)
        return alarm

    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    first = await raised(store, person, seen(20))
    async with acting_as(store, person) as tx:
        await alarms.close(tx, first.alarm_id, outcome="acknowledged", now=NOW)
    assert (await raised(store, person, seen(20))).alarm_id == first.alarm_id
    second = await raised(store, person, seen(2))
    assert (second.status, second.alarm_id != first.alarm_id) == ("open", True)


async def test_a_normal_reading_before_a_new_crisis_does_not_close_its_alarm(
    store_factory: StoreFactory,
) -> None:
    store, records = (
        await store_factory(Role.CLINICIAN),
        LoopRecords(await store_factory(Role.WORKER)),
    )
    person = await enrol(store)
    late_at = NOW - timedelta(days=3)
    given = [
        NewReading("late", Mmhg(190), Mmhg(100), 80, late_at, 0),
        NewReading("well", Mmhg(138), Mmhg(85), 80, NOW - timedelta(days=1), 0),
        NewReading("new", Mmhg(195), Mmhg(115), 80, NOW, 0),
    ]
    async with acting_as(store, person) as tx:
        results = await readings.record(tx, person.patient_id, given, now=NOW)
    late, _, new = (str(result.item_id) for result in results)
    queued = Alarm(AlarmCause.CRISIS_READING, Urgency.QUEUE, late_at, (late,))
    await raised(store, person, queued)
    alarm = await raised(store, person, crisis(new))
    assert (alarm.since, alarm.urgency) == (late_at, "repeat")
    assert await records.repeat_outcome(alarm.alarm_id, now=NOW) is RepeatKind.NONE


async def test_a_repeat_is_told_and_says_normal_or_confirmed(store_factory: StoreFactory) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    records = LoopRecords(worker)
    for systolic, expected in ((138, RepeatKind.NORMAL), (192, RepeatKind.CONFIRMED)):
        person = await enrol(store)
        first = NewReading("first", Mmhg(190), Mmhg(100), 80, NOW, 0)
        async with acting_as(store, person) as tx:
            (result,) = await readings.record(tx, person.patient_id, [first], now=NOW)
        assert result.item_id is not None
        alarm = await raised(store, person, crisis(result.item_id))
        assert await records.repeat_outcome(alarm.alarm_id, now=NOW) is RepeatKind.NONE
        repeat = NewReading("repeat", Mmhg(systolic), Mmhg(85), 80, LATER, 0)
        async with acting_as(store, person) as tx:
            await readings.record(tx, person.patient_id, [repeat], now=LATER)
            await alarms.tell_of_repeat(tx, person.patient_id, now=LATER)
        assert await records.repeat_outcome(alarm.alarm_id, now=LATER) is expected
        assert "repeat_recorded" in await messages_to_alarms(worker)


async def test_no_repeat_pages_the_same_day(store_factory: StoreFactory) -> None:
    store, records = (
        await store_factory(Role.CLINICIAN),
        LoopRecords(await store_factory(Role.WORKER)),
    )
    person = await enrol(store)
    alarm = await raised(store, person, crisis("r1"))
    for _ in range(2):
        await records.raise_to_same_day(alarm.alarm_id, now=LATER)
    state = await records.alarm_state(alarm.alarm_id)
    assert (state.urgency, state.status) == (AlarmUrgency.SAME_DAY, AlarmStatus.OPEN)
    told = await records.escalate_alarm(alarm.alarm_id, rung=1, now=LATER)
    assert told.still_open
    assert told.notify == (person.clinician_id,)
    taken = await records.acknowledge_alarm(
        alarm.alarm_id, clinician_id=person.clinician_id, now=LATER
    )
    assert taken.status is AlarmStatus.ACKNOWLEDGED
    assert not (await records.escalate_alarm(alarm.alarm_id, rung=2, now=LATER)).still_open
    for _ in range(2):
        await records.close_alarm(alarm.alarm_id, outcome=AlarmOutcome.ACKNOWLEDGED, now=LATER)


async def test_an_assessment_raises_what_it_sees_once(store_factory: StoreFactory) -> None:
    store, records = (
        await store_factory(Role.CLINICIAN),
        LoopRecords(await store_factory(Role.WORKER)),
    )
    person = await enrol_treated(store)
    low = [
        NewReading(f"low{n}", Mmhg(86), Mmhg(56), 60, NOW - timedelta(hours=n + 1), 0)
        for n in range(2)
    ]
    async with acting_as(store, person) as tx:
        await readings.record(tx, person.patient_id, low, now=NOW)
    first = await records.assess(person.patient_id, key="a", predictor=Titrator(), now=NOW)
    second = await records.assess(person.patient_id, key="b", predictor=Titrator(), now=LATER)
    assert first.alarm_ids
    assert first.alarm_ids == second.alarm_ids
    assert first.advice_id is None
    async with acting_as(store, person) as tx:
        found = await alarms.list_for(tx, person.patient_id)
    assert [item.repeats for item in found] == [0] * len(found)
