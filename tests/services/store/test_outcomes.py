"""What a step came to is noted once, when it can be known; a drifted model lowers plans."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from services.clinical.autonomy import Setback
from services.clinical.drift import Effect
from services.clinical.envelope import Stage
from services.ids import new_id
from services.loop_results import EnactBasis, EnactKind, VerdictKind
from services.store import Acting, Role, Store, choices, doses, envelopes, readings, regimen
from services.store.loop_records import LoopRecords
from services.store.rows import NewDose
from services.store.tables.outcomes import STEP_OUTCOMES
from tests.services.store.people import (
    NOW,
    Person,
    acting_as,
    enrol_treated,
    week_of_readings,
)
from tests.services.store.test_loop_records import PREDICTOR, accepted_advice, decide, opened
from tests.stack import StoreFactory

LATER = NOW + timedelta(days=29)
WORKER = Acting("worker", "w", None)


async def noted(worker: Store) -> list[tuple[str, str, str]]:
    columns = STEP_OUTCOMES.c
    async with worker.transaction(WORKER) as tx:
        query = select(columns.basis_id, columns.model, columns.effect)
        return [tuple(row) for row in (await tx.session.execute(query)).all()]


async def measure(store: Store, person: Person, systolic: int) -> None:
    """Four weeks later: a week of readings and every dose taken."""
    async with acting_as(store, person) as tx:
        week = week_of_readings(systolic, LATER, days=8)
        await readings.record(tx, person.patient_id, week, now=LATER)
        daily = [
            NewDose(
                client_id=f"later-{taken.drug.value}-{day}",
                drug=taken.drug,
                intake_dose_ug=taken.daily_dose_ug,
                taken=True,
                taken_at=LATER - timedelta(days=day, minutes=30),
            )
            for taken in await regimen.current(tx, person.patient_id)
            for day in range(28)
        ]
        await doses.record(tx, person.patient_id, daily, now=LATER)


async def stepped(store: Store, records: LoopRecords) -> tuple[Person, str]:
    person, advice_id = await accepted_advice(store, records)
    done = await records.enact(
        person.patient_id, key="e", basis=EnactBasis.ADVICE, basis_id=advice_id, now=NOW
    )
    assert done.kind is EnactKind.ENACTED
    return person, advice_id


@pytest.mark.parametrize(
    ("systolic", "effect"),
    [(120, Effect.MORE_FALL), (147, Effect.AS_EXPECTED), (165, Effect.LESS_FALL)],
)
async def test_a_step_is_held_against_its_ranking_once_the_next_window_is_there(
    store_factory: StoreFactory, systolic: int, effect: Effect
) -> None:
    store, records = await opened(store_factory)
    worker = await store_factory(Role.WORKER)
    person, advice_id = await stepped(store, records)
    await records.after_assessing(person.patient_id, now=NOW)
    early = NOW + timedelta(days=27)
    await records.assess(person.patient_id, key="early", predictor=PREDICTOR, now=early)
    await records.after_assessing(person.patient_id, now=early)
    await records.after_assessing(person.patient_id, now=LATER)
    assert await noted(worker) == []
    await measure(store, person, systolic)
    await records.assess(person.patient_id, key="later", predictor=PREDICTOR, now=LATER)
    for _ in range(2):
        await records.after_assessing(person.patient_id, now=LATER)
    ((basis_id, model, found),) = await noted(worker)
    assert (basis_id, found) == (advice_id, effect.value)
    assert model.startswith("titrator")


async def test_a_clinicians_step_counts_and_one_that_another_followed_does_not(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    worker = await store_factory(Role.WORKER)
    asked = {}
    for name in ("alone", "followed"):
        person = await enrol_treated(store, stage=Stage.PROPOSE_ONLY)
        made = await records.assess(person.patient_id, key=name, predictor=PREDICTOR, now=NOW)
        assert made.review_id is not None
        decision = await decide(store, person, made.review_id, "accept")
        await records.enact(
            person.patient_id,
            key=f"e-{name}",
            basis=EnactBasis.DECISION,
            basis_id=decision.decision_id,
            now=NOW,
        )
        asked[name] = (person, decision.decision_id)
    followed, _ = asked["followed"]
    async with acting_as(store, followed) as tx:
        first, *others = await regimen.current(tx, followed.patient_id)
        elsewhere = replace(first, since=NOW + timedelta(days=3), order_id="elsewhere")
        await regimen.replace_all(tx, followed.patient_id, (elsewhere, *others), now=NOW)
    for person, _ in asked.values():
        await measure(store, person, 140)
        key = f"later-{person.patient_id}"
        await records.assess(person.patient_id, key=key, predictor=PREDICTOR, now=LATER)
        await records.after_assessing(person.patient_id, now=LATER)
    ((basis_id, _, _),) = await noted(worker)
    assert basis_id == asked["alone"][1]


async def test_a_model_whose_steps_fall_short_offers_nothing_alone(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    worker = await store_factory(Role.WORKER)
    person = await enrol_treated(store)
    first = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    assert first.verdict_kind is VerdictKind.ADVISE
    model = await _model_in_charge(worker, person)
    for kind, at in (("other model", NOW), (model, NOW - timedelta(days=183))):
        await _count(worker, kind, Effect.LESS_FALL, at=at)
        same = await records.assess(person.patient_id, key=kind, predictor=PREDICTOR, now=NOW)
        assert same.verdict_kind is VerdictKind.ADVISE
    await _count(worker, model, Effect.LESS_FALL, at=NOW)
    lowered = await records.assess(person.patient_id, key="b", predictor=PREDICTOR, now=NOW)
    assert lowered.verdict_kind is not VerdictKind.ADVISE and lowered.advice_id is None
    async with acting_as(store, person) as tx:
        (signed,) = await envelopes.history(tx, person.patient_id)
    assert [item.setbacks for item in signed.lowered] == [(Setback.DRIFT,)]
    assert signed.in_effect.stage is Stage.PROPOSE_ONLY


async def test_no_door_reads_outcomes_and_nobody_changes_one(store_factory: StoreFactory) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    await _count(worker, "m", Effect.AS_EXPECTED, at=NOW)
    with pytest.raises(DBAPIError, match="permission denied"):
        await noted(store)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with worker.transaction(WORKER) as tx:
            await tx.session.execute(STEP_OUTCOMES.update().values(effect="less_fall"))


async def _model_in_charge(worker: Store, person: Person) -> str:
    async with worker.transaction(Acting("worker", "w", person.patient_id)) as tx:
        found = await choices.last_model(tx, person.patient_id, since=NOW - timedelta(days=9))
    assert found is not None
    return found


async def _count(worker: Store, model: str, effect: Effect, *, at: datetime) -> None:
    rows = [
        {"basis_id": new_id(), "model": model, "effect": effect.value, "at": at} for _ in range(6)
    ]
    async with worker.transaction(WORKER) as tx:
        await tx.session.execute(insert(STEP_OUTCOMES), rows)
