"""A snapshot holds what is known at its moment, and nothing that was dated well after it."""

from datetime import timedelta

from services.clinical.patient import ConsentPurpose, Lab, Symptom
from services.clinical.units import Mmhg
from services.store import Role, halts, labs, patients, readings, snapshots, symptoms, weights
from services.store.rows import NewReading, NewSymptom, NewWeight
from tests.services.store.people import NOW, TARGET, acting_as, amlodipine, enrol, enrol_treated
from tests.stack import StoreFactory


async def test_a_new_patient_is_mostly_unknown(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    async with acting_as(store, person) as tx:
        snapshot, envelope = await snapshots.build(tx, person.patient_id, now=NOW)
    assert envelope is None
    assert snapshot.adherence is None
    assert snapshot.consent == frozenset()
    assert (snapshot.readings, snapshot.labs, snapshot.regimen, snapshot.changes) == ((),) * 4
    assert (snapshot.open_alarm, snapshot.halted) == (False, False)


async def test_everything_on_record_is_in_the_snapshot(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol_treated(store)
    async with acting_as(store, person) as tx:
        await labs.order(tx, person.patient_id, [Lab.POTASSIUM, Lab.POTASSIUM], now=NOW)
        reported = NewSymptom("s", Symptom.DIZZINESS, NOW - timedelta(hours=1))
        await symptoms.report(tx, person.patient_id, [reported], now=NOW)
        await weights.record(tx, person.patient_id, [NewWeight("w", 81_500, NOW)], now=NOW)
        await halts.set_halt(tx, None, by_kind="operator", actor_id="o", reason="x", now=NOW)
        snapshot, envelope = await snapshots.build(tx, person.patient_id, now=NOW)
    assert envelope is not None
    assert (envelope.version, envelope.patient_id) == (1, person.patient_id)
    assert snapshot.consent == {ConsentPurpose.MONITORING, ConsentPurpose.TITRATION}
    assert snapshot.regimen == (amlodipine(),)
    assert snapshot.target == TARGET
    assert {item.lab for item in snapshot.labs} >= {Lab.POTASSIUM, Lab.EGFR}
    assert [item.lab for item in snapshot.pending_labs] == [Lab.POTASSIUM]
    assert [(item.symptom, item.open) for item in snapshot.symptoms] == [(Symptom.DIZZINESS, True)]
    assert [item.grams for item in snapshot.weights] == [81_500]
    assert snapshot.adherence is not None
    assert snapshot.halted
    taken = [item.taken_at for item in snapshot.readings]
    assert taken == sorted(taken)
    assert len(taken) == 32


async def test_a_symptom_from_before_enrolment_is_history(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    minute = timedelta(minutes=1)
    async with acting_as(store, person) as tx:
        enrolled_at = (await patients.get(tx, person.patient_id)).enrolled_at
        given = (
            NewSymptom("before", Symptom.CHEST_PAIN, enrolled_at - minute),
            NewSymptom("since", Symptom.COUGH, enrolled_at),
        )
        await symptoms.report(tx, person.patient_id, given, now=NOW)
        snapshot, _ = await snapshots.build(tx, person.patient_id, now=NOW)
    assert {item.symptom: item.history for item in snapshot.symptoms} == {
        Symptom.CHEST_PAIN: True,
        Symptom.COUGH: False,
    }


async def test_what_is_dated_later_than_a_clock_may_run_ahead_is_not_seen(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    now_and_later = [
        NewReading(str(minutes), Mmhg(140), Mmhg(80), 70, NOW + timedelta(minutes=minutes), 0)
        for minutes in (0, 10, 11)
    ]
    async with acting_as(store, person) as tx:
        await readings.record(tx, person.patient_id, now_and_later, now=NOW)
        snapshot, _ = await snapshots.build(tx, person.patient_id, now=NOW)
    ahead = NOW + timedelta(minutes=10)
    assert [item.taken_at for item in snapshot.readings] == [NOW, ahead]
