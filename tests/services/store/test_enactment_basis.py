"""What a step rests on must still hold when it is carried out: in time, under the same plan."""

from datetime import datetime, timedelta

from services.clinical.titration import Titrator
from services.loop_results import EnactBasis, EnactKind, EnactOutcome
from services.store import advice, readings, regimen, reviews
from services.store.loop_records import LoopRecords
from tests.services.store.people import (
    NOW,
    Person,
    acting_as,
    enrol_treated,
    envelope,
    sign_envelope,
    week_of_readings,
)
from tests.services.store.test_loop_records import accepted_advice, decide, opened
from tests.stack import StoreFactory


async def enact(
    records: LoopRecords, person: Person, basis: EnactBasis, basis_id: str, now: datetime
) -> EnactOutcome:
    return await records.enact(
        person.patient_id, key="enact", basis=basis, basis_id=basis_id, now=now
    )


async def test_accepted_advice_is_not_enacted_once_its_time_is_over(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person, advice_id = await accepted_advice(store, records)
    late = NOW + timedelta(days=7)
    outcome = await enact(records, person, EnactBasis.ADVICE, advice_id, late)
    assert (outcome.kind, outcome.reasons) == (EnactKind.REFUSED, ("advice_not_open",))


async def test_accepted_advice_is_not_enacted_under_a_plan_that_was_replaced(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person, advice_id = await accepted_advice(store, records)
    renewed = envelope(person.patient_id)
    async with acting_as(store, person) as tx:
        await sign_envelope(tx, renewed, person.clinician_id)
    outcome = await enact(records, person, EnactBasis.ADVICE, advice_id, NOW)
    assert (outcome.kind, outcome.reasons) == (EnactKind.REFUSED, ("envelope_replaced",))
    async with acting_as(store, person) as tx:
        assert await regimen.changes(tx, person.patient_id) == ()


async def test_a_replaced_plan_has_its_step_offered_anew(store_factory: StoreFactory) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store)
    first = await records.assess(person.patient_id, key="a", predictor=Titrator(), now=NOW)
    renewed = envelope(person.patient_id)
    async with acting_as(store, person) as tx:
        await sign_envelope(tx, renewed, person.clinician_id)
    second = await records.assess(person.patient_id, key="b", predictor=Titrator(), now=NOW)
    assert first.advice_id is not None and second.advice_id is not None
    async with acting_as(store, person) as tx:
        before = await advice.get(tx, first.advice_id)
        after = await advice.get(tx, second.advice_id)
    assert before.outcome == "withdrawn"
    assert (after.status, after.body.envelope_id) == ("open", renewed.envelope_id)


async def test_a_decision_is_too_old_for_an_increase_after_a_week(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store, stage=None)
    asked = await records.assess(person.patient_id, key="a", predictor=Titrator(), now=NOW)
    assert asked.review_id is not None
    decision = await decide(store, person, asked.review_id, "accept")
    late = NOW + timedelta(days=8)
    # Fresh readings: nothing but the age of the decision speaks against it.
    async with acting_as(store, person) as tx:
        fresh = week_of_readings(152, late, days=8)
        await readings.record(tx, person.patient_id, fresh, now=late)
    outcome = await enact(records, person, EnactBasis.DECISION, decision.decision_id, late)
    assert (outcome.kind, outcome.reasons[0]) == (EnactKind.REFUSED, "proposal_expired")


async def test_a_decision_on_a_review_that_was_closed_otherwise_is_not_enacted(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store, stage=None)
    asked = await records.assess(person.patient_id, key="a", predictor=Titrator(), now=NOW)
    assert asked.review_id is not None
    decision = await decide(store, person, asked.review_id, "accept")
    async with acting_as(store, person) as tx:
        await reviews.close(tx, asked.review_id, outcome="withdrawn", now=NOW)
    outcome = await enact(records, person, EnactBasis.DECISION, decision.decision_id, NOW)
    assert (outcome.kind, outcome.reasons) == (EnactKind.REFUSED, ("review_closed",))
