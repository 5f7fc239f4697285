"""Enrolment is whole or not at all; facts are kept in versions; identity is sealed."""

import pytest
from sqlalchemy import select

from services.clinical.patient import Condition, Pregnancy
from services.outbox_messages import careplan_changed, recorded
from services.store import Acting, NotInRecord, Role, outbox, patients
from services.store.rows import PatientFacts
from services.store.tables.people import PATIENT_FACTS, PATIENTS
from tests.services.store.people import NAME, NOW, acting_as, enrol, new_patient
from tests.stack import StoreFactory


async def test_an_enrolled_patient_reads_back_and_their_loops_start(
    store_factory: StoreFactory,
) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    person = await enrol(store)
    async with acting_as(store, person) as tx:
        row = await patients.get(tx, person.patient_id)
        identity = await patients.identity(tx, person.patient_id)
        team = await patients.care_team(tx, person.patient_id)
    assert (row.simulated, row.timezone, row.enrolled_at) == (True, "UTC", NOW)
    assert identity == new_patient().identity
    assert team == (person.clinician_id,)
    async with worker.transaction(Acting("system", "relay", None)) as tx:
        sent = await outbox.claim_batch(tx, limit=9, lease_s=1, now=NOW)
    expected = [recorded(person.patient_id, "enrolment"), careplan_changed(person.patient_id)]
    assert [item.message for item in sent] == expected


async def test_facts_are_appended_never_overwritten(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    first = new_patient().facts
    second = PatientFacts(
        birth_date=None,
        sex=first.sex,
        conditions=frozenset({Condition.GOUT, Condition.ASTHMA}),
        pregnancy=Pregnancy.NOT_APPLICABLE,
    )
    async with acting_as(store, person) as tx:
        assert await patients.facts(tx, person.patient_id) == first
        assert await patients.set_facts(tx, person.patient_id, second, now=NOW) == 2
        assert await patients.facts(tx, person.patient_id) == second
        kept = (await tx.session.execute(select(PATIENT_FACTS.c.version))).scalars().all()
    assert sorted(kept) == [1, 2]


async def test_neither_name_nor_subject_is_readable_in_the_row(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    async with acting_as(store, person) as tx:
        row = (await tx.session.execute(select(PATIENTS))).one()
        subject = tx.subject_id(person.patient_id)
    text = repr(tuple(row))
    assert NAME not in text
    assert subject not in text


async def test_a_failed_enrolment_leaves_no_patient(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.GATEWAY)
    with pytest.raises(RuntimeError):
        async with store.transaction(Acting("clinician", "c", None)) as tx:
            row = await patients.enrol(tx, new_patient(), now=NOW)
            raise RuntimeError("crash")
    with pytest.raises(NotInRecord):
        async with store.transaction(Acting("device", "d", row.patient_id)):
            pass


async def test_identities_of_a_list_come_in_one_go(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    async with store.transaction(Acting("clinician", person.clinician_id, None)) as tx:
        found = await patients.identities(tx, [person.patient_id])
        with pytest.raises(NotInRecord):
            await patients.identities(tx, [person.patient_id, "nobody"])
    assert found[person.patient_id].name == NAME
