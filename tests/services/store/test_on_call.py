"""Somebody is always told: the team, who covers, the leads, everybody, at last the clinic.

Whoever was told can act on it. When access ends the database says, so these use its present.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services import clock
from services.clinical.alarms import Alarm, AlarmCause, Urgency
from services.ids import new_id
from services.store import Acting, NotInRecord, Role, Store, alarms, credentials, events, patients
from services.store.loop_records import LoopRecords
from services.store.on_call import CALLED_IN_FOR, CLINIC, recipients
from tests.services.store.people import NOW, Person, acting_as, clinician, enrol, new_patient
from tests.stack import StoreFactory


async def add(store: Store, *roles: str) -> str:
    """Make an account that belongs to no patient's care team; return its id."""
    clinician_id = f"c-{new_id()}"
    async with store.transaction(Acting("system", "test", None)) as tx:
        await credentials.add_clinician(tx, clinician(clinician_id, None, *roles), now=NOW)
    return clinician_id


async def alarm_of(store: Store, person: Person, now: datetime) -> str:
    """Raise a crisis alarm and return its id."""
    crisis = Alarm(AlarmCause.CRISIS_READING, Urgency.SAME_DAY, now, ("r1",))
    async with acting_as(store, person) as tx:
        return (await alarms.raise_or_merge(tx, person.patient_id, crisis, now=now)).alarm_id


async def alarms_seen(store: Store, clinician_id: str) -> list[str]:
    """Return the open alarms that this clinician finds on their list."""
    async with store.transaction(Acting("clinician", clinician_id, None)) as tx:
        return [entry.alarm_id for entry in await alarms.list_open(tx)]


async def grants(store: Store, person: Person) -> list[str]:
    """Return whom the patient's log says was let in, in order of id."""
    async with acting_as(store, person) as tx:
        timeline = await events.timeline(tx, person.patient_id)
    return sorted(e.subject_id for e in timeline if e.action == "access.granted")


async def test_each_rung_adds_people_and_absence_goes_to_cover(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    async with store.transaction(Acting("clinician", "own", None)) as tx:
        row = await patients.enrol(tx, new_patient("own"), now=NOW)
        p = row.patient_id
        assert await recipients(tx, p, rung=0, now=NOW) == (CLINIC,)
        own = clinician("own", "cover")
        for one in (own, clinician("cover"), clinician("boss", None, "lead"), clinician("x")):
            await credentials.add_clinician(tx, one, now=NOW)
        assert await recipients(tx, p, rung=0, now=NOW) == ("own",)
        assert await recipients(tx, p, rung=1, now=NOW) == ("own", "cover")
        assert set(await recipients(tx, p, rung=2, now=NOW)) == {"own", "cover", "boss", "x"}
        away = replace(own, away_until=NOW + timedelta(days=1))
        await credentials.change_clinician(tx, away, now=NOW)
        assert await recipients(tx, p, rung=0, now=NOW) == ("cover",)
        back = NOW + timedelta(days=2)
        assert await recipients(tx, p, rung=0, now=back) == ("own",)
        await credentials.change_clinician(tx, replace(own, active=False), now=NOW)
        assert await recipients(tx, p, rung=0, now=NOW) == ("boss",)


async def test_who_is_told_of_an_alarm_at_a_later_rung_sees_it_and_takes_it(
    store_factory: StoreFactory,
) -> None:
    store, records = (
        await store_factory(Role.CLINICIAN),
        LoopRecords(await store_factory(Role.WORKER)),
    )
    now = clock.now()
    person, other = await enrol(store), await enrol(store)
    lead, colleague = await add(store, "lead"), await add(store)
    alarm_id = await alarm_of(store, person, now)
    told = await records.escalate_alarm(alarm_id, rung=0, now=now)
    assert told.notify == (person.clinician_id,)
    assert await alarms_seen(store, lead) == []
    told = await records.escalate_alarm(alarm_id, rung=1, now=now)
    assert lead in told.notify
    assert await alarms_seen(store, lead) == [alarm_id]
    assert await alarms_seen(store, colleague) == []
    for _ in range(2):
        told = await records.escalate_alarm(alarm_id, rung=2, now=now)
    assert {lead, colleague, other.clinician_id} <= set(told.notify)
    async with store.transaction(Acting("clinician", colleague, None)) as tx:
        taken = await alarms.acknowledge(tx, alarm_id, clinician_id=colleague, now=now)
    assert taken.acknowledged_by == colleague
    async with acting_as(store, Person(person.patient_id, colleague)) as tx:
        assert await alarms.resolve(tx, alarm_id, now=now)
    assert await grants(store, person) == sorted([lead, colleague, other.clinician_id])
    with pytest.raises(NotInRecord):
        async with acting_as(store, Person(other.patient_id, colleague)):
            pass


async def test_who_was_called_in_is_let_in_for_some_days_only(
    store_factory: StoreFactory,
) -> None:
    store, records = (
        await store_factory(Role.CLINICIAN),
        LoopRecords(await store_factory(Role.WORKER)),
    )
    person, lead = await enrol(store), await add(store, "lead")
    now = clock.now()
    alarm_id = await alarm_of(store, person, now)
    long_ago = now - CALLED_IN_FOR - timedelta(minutes=1)
    await records.escalate_alarm(alarm_id, rung=1, now=long_ago)
    assert await alarms_seen(store, lead) == []
    await records.escalate_alarm(alarm_id, rung=1, now=now)
    assert await alarms_seen(store, lead) == [alarm_id]


async def test_who_may_not_treat_is_never_told(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    others = {await add(store, role) for role in ("registrar", "auditor")}
    async with acting_as(store, person) as tx:
        told = await recipients(tx, person.patient_id, rung=2, now=NOW)
    assert person.clinician_id in told
    assert not others & set(told)
