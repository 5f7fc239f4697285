"""Readings are stored once each, read back as they were, and only by whom they concern."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from services.clinical.patient import Sex
from services.clinical.readings import Posture
from services.clinical.units import Mmhg
from services.store import Acting, NotInRecord, Role, patients, readings
from services.store.rows import Identity, NewPatient, NewReading, PatientFacts
from tests.stack import StoreFactory

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def new_patient(name: str = "Ada Example") -> NewPatient:
    return NewPatient(
        identity=Identity(name, date(1960, 1, 2), Sex.FEMALE, (("urn:mrn", "12345"),)),
        facts=PatientFacts(date(1960, 1, 2), Sex.FEMALE),
        clinic_id="clinic",
        timezone="Europe/Berlin",
        simulated=True,
        clinician_id=None,
    )


def reading(client_id: str, systolic: int = 142) -> NewReading:
    return NewReading(client_id, Mmhg(systolic), Mmhg(88), 70, NOW - timedelta(hours=1), 60)


async def test_a_reading_uploaded_twice_is_stored_once(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.GATEWAY)
    async with store.transaction(Acting("clinician", "c1", None)) as tx:
        patient = await patients.enrol(tx, new_patient(), now=NOW)
    acting = Acting("device", "d1", patient.patient_id)
    async with store.transaction(acting) as tx:
        first = await readings.record(
            tx, patient.patient_id, [reading("a"), reading("b"), reading("a", 150)], now=NOW
        )
    async with store.transaction(acting) as tx:
        again = await readings.record(
            tx, patient.patient_id, [reading("a"), reading("b", 150), reading("c")], now=NOW
        )
        kept = await readings.between(
            tx, patient.patient_id, NOW - timedelta(days=1), NOW + timedelta(days=1)
        )
    assert [item.status for item in first] == ["stored", "stored", "conflict"]
    assert [item.status for item in again] == ["duplicate", "conflict", "stored"]
    assert again[0].item_id == first[0].item_id
    assert len(kept) == 3
    assert kept[0].posture is Posture.SITTING
    assert kept[0].taken_at == NOW - timedelta(hours=1)


async def test_reading_exactly_at_the_end_of_a_span_is_outside(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.GATEWAY)
    async with store.transaction(Acting("clinician", "c1", None)) as tx:
        patient = await patients.enrol(tx, new_patient(), now=NOW)
        item = replace(reading("a"), taken_at=NOW)
        await readings.record(tx, patient.patient_id, [item], now=NOW)
        early = await readings.between(tx, patient.patient_id, NOW - timedelta(days=1), NOW)
        exact = await readings.between(tx, patient.patient_id, NOW, NOW + timedelta(days=1))
    assert (len(early), len(exact)) == (0, 1)


async def test_a_transaction_cannot_be_bound_to_an_unknown_patient(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.GATEWAY)
    with pytest.raises(NotInRecord):
        async with store.transaction(Acting("device", "d1", "nobody")):
            pass
    async with store.transaction(Acting("device", "d1", None)) as tx:
        with pytest.raises(NotInRecord):
            tx.subject_id("nobody")


async def test_a_device_is_told_from_another_by_a_mark_that_is_not_its_id(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.GATEWAY)
    async with store.transaction(Acting("clinician", "c1", None)) as tx:
        patient = await patients.enrol(tx, new_patient(), now=NOW)
    who = patient.patient_id
    items = [
        replace(reading(client_id), device_id=device)
        for client_id, device in (("a", "cuff-1"), ("b", "cuff-1"), ("c", "cuff-2"), ("d", None))
    ]
    async with store.transaction(Acting("device", "d1", who)) as tx:
        await readings.record(tx, who, items, now=NOW)
        stored = await readings.stored_between(tx, who, NOW - timedelta(days=1), NOW)
    marks = {item.client_id: item.pressure.device_id for item in stored}
    assert marks["a"] == marks["b"] != marks["c"] and marks["d"] is None
    assert not {"cuff-1", "cuff-2"} & set(marks.values())
