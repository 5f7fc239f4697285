"""Who died, or took back the agreement to be monitored, is left alone by the loops."""

from datetime import date

import pytest

from services.clinical.patient import ConsentPurpose
from services.clinical.titration import Titrator
from services.loop_results import EnactBasis, EnactKind, ReminderReason, Standing, TaskKind
from services.outbox_messages import Signal
from services.store import (
    Acting,
    Role,
    Store,
    Transaction,
    advice,
    consents,
    halts,
    messages,
    monitoring,
    outbox,
    patients,
    reviews,
    tasks,
)
from services.store.loop_records import LoopRecords
from tests.services.store.people import NOW, Person, acting_as, enrol, enrol_treated
from tests.services.store.test_loop_records import accepted_advice, opened
from tests.stack import StoreFactory

PREDICTOR = Titrator()


async def note(tx: Transaction, person: Person, died_on: date | None) -> None:
    await monitoring.note_death(
        tx, person.patient_id, died_on=died_on, clinician_id=person.clinician_id, now=NOW
    )


async def told(worker: Store, person: Person) -> list[Signal]:
    async with worker.transaction(Acting("system", "relay", None)) as tx:
        claimed = await outbox.claim_batch(tx, limit=100, lease_s=1, now=NOW)
    name = f"patient/{person.patient_id}"
    return [item.message.signal for item in claimed if item.message.workflow_id == name]


async def test_a_death_withdraws_what_was_offered_and_stops_everything(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person, advice_id = await accepted_advice(store, records)
    async with acting_as(store, person) as tx:
        for died_on in (None, date(2026, 3, 1), None):
            await note(tx, person, died_on)
        facts = await patients.facts(tx, person.patient_id)
        offered = await advice.get(tx, advice_id)
        stopped = await halts.active(tx, person.patient_id)
    assert (facts.deceased, facts.died_on) == (True, date(2026, 3, 1))
    assert (offered.status, offered.outcome) == ("closed", "withdrawn")
    assert [halt.by_kind for halt in stopped] == ["clinician"]
    assert await records.standing(person.patient_id) == Standing(halted=True, monitored=False)
    outcome = await records.enact(
        person.patient_id, key="e", basis=EnactBasis.ADVICE, basis_id=advice_id, now=NOW
    )
    assert outcome.kind is EnactKind.REFUSED
    assert Signal.MONITORING_CHANGED in await told(await store_factory(Role.WORKER), person)


async def test_a_death_withdraws_the_review_that_waits(store_factory: StoreFactory) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store, stage=None)
    outcome = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    assert outcome.review_id is not None
    async with acting_as(store, person) as tx:
        await note(tx, person, None)
        review = await reviews.get(tx, outcome.review_id)
    assert (review.status, review.outcome) == ("closed", "withdrawn")


async def test_nobody_is_reminded_of_or_sent_to_one_who_died(store_factory: StoreFactory) -> None:
    store, records = await opened(store_factory)
    person = await enrol(store)
    p = person.patient_id
    async with acting_as(store, person) as tx:
        await note(tx, person, None)
    await records.remind(p, key="k", reason=ReminderReason.READINGS_DUE, now=NOW)
    who = await records.open_task(p, key="t", task=TaskKind.HOLD_VISIT, about_id=None, now=NOW)
    async with acting_as(store, person) as tx:
        assert await messages.list_for(tx, p, limit=9) == ()
        assert await tasks.list_open(tx, p) == ()
    assert who == ()


async def test_a_death_noted_in_error_is_taken_back_and_the_halt_stays(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person = await enrol(store)
    async with acting_as(store, person) as tx:
        await note(tx, person, date(2026, 3, 1))
        await monitoring.take_back_death(tx, person.patient_id, now=NOW)
        facts = await patients.facts(tx, person.patient_id)
    assert (facts.deceased, facts.died_on) == (False, None)
    assert await records.standing(person.patient_id) == Standing(halted=True, monitored=True)


@pytest.mark.parametrize("purpose", [ConsentPurpose.MONITORING, ConsentPurpose.TITRATION])
async def test_advice_is_withdrawn_with_the_consent_that_it_rests_on(
    store_factory: StoreFactory, purpose: ConsentPurpose
) -> None:
    store, records = await opened(store_factory)
    person, advice_id = await accepted_advice(store, records)
    async with acting_as(store, person) as tx:
        await consents.withdraw(tx, person.patient_id, purpose, now=NOW)
        offered = await advice.get(tx, advice_id)
    assert (offered.status, offered.outcome) == ("closed", "withdrawn")


async def test_monitoring_stops_with_its_consent_and_goes_on_with_it(
    store_factory: StoreFactory,
) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    records = LoopRecords(worker)
    person = await enrol(store)
    seen = [(await records.standing(person.patient_id)).monitored]
    for change in (consents.grant, consents.withdraw, consents.grant):
        async with acting_as(store, person) as tx:
            await change(tx, person.patient_id, ConsentPurpose.MONITORING, now=NOW)
        seen.append((await records.standing(person.patient_id)).monitored)
    assert seen == [True, True, False, True]
    assert (await told(worker, person)).count(Signal.MONITORING_CHANGED) == 3
