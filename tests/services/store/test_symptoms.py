"""A symptom stays open until somebody closes it."""

from datetime import timedelta

import pytest

from services.clinical.patient import Symptom
from services.store import NotInRecord, Role, symptoms
from services.store.rows import NewSymptom
from tests.services.store.people import NOW, acting_as, enrol
from tests.stack import StoreFactory

LONG_AGO = NOW - timedelta(days=300)


async def test_an_open_symptom_is_seen_however_old_and_closed_once(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    p = person.patient_id
    async with acting_as(store, person) as tx:
        reported = [
            NewSymptom("a", Symptom.COUGH, LONG_AGO),
            NewSymptom("b", Symptom.FALL, LONG_AGO, open=False),
        ]
        results = await symptoms.report(tx, p, reported, now=NOW)
        seen = await symptoms.since(tx, p, NOW - timedelta(days=1))
        assert [item.symptom for item in seen] == [Symptom.COUGH]
        assert results[0].item_id is not None
        for minutes in (1, 2):
            moment = NOW + timedelta(minutes=minutes)
            await symptoms.close(tx, p, results[0].item_id, now=moment)
        everything = await symptoms.since(tx, p, LONG_AGO)
        with pytest.raises(NotInRecord):
            await symptoms.close(tx, p, "nothing", now=NOW)
    closed = {item.symptom: item.closed_at for item in everything}
    assert closed == {Symptom.COUGH: NOW + timedelta(minutes=1), Symptom.FALL: NOW}


async def test_the_phone_closes_what_it_reported(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    first = NewSymptom("a", Symptom.DIZZINESS, NOW)
    async with acting_as(store, person) as tx:
        for is_open in (True, False):
            item = NewSymptom(first.client_id, first.symptom, first.reported_at, is_open)
            await symptoms.report(tx, person.patient_id, [item], now=NOW)
        (entry,) = await symptoms.since(tx, person.patient_id, NOW)
    assert (entry.closed_at, entry.closed_by) == (NOW, "clinician")
