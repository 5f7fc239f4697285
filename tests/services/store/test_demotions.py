"""A plan's stage falls by itself with a setback; only a signature raises it again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from services.clinical.autonomy import Setback
from services.clinical.envelope import Stage
from services.clinical.moves import Move, MoveKind
from services.clinical.patient import Lab, Snapshot, Target
from services.clinical.proposal import Predictor, PredictorUnavailable, Ranking
from services.clinical.titration import Titrator
from services.clinical.units import Mmhg
from services.loop_results import AssessOutcome, TaskKind, VerdictKind
from services.store import (
    Acting,
    Role,
    Store,
    assessments,
    envelopes,
    events,
    labs,
    readings,
    resources,
    tasks,
)
from services.store.loop_records import LoopRecords
from services.store.rows import NewLab, NewReading, SignedEnvelope
from services.store.tables.treatment import ENVELOPE_DEMOTIONS, ENVELOPES
from tests.services.store.people import (
    NOW,
    Person,
    acting_as,
    enrol_treated,
    envelope,
    sign_envelope,
)
from tests.stack import StoreFactory


@dataclass(frozen=True)
class Named:
    """The titrator's order under another name."""

    version: str

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        ranked = Titrator().rank(snapshot, moves, target, now)
        return replace(ranked, model_id="other", model_version=self.version)


class Silent:
    """Gives no answer."""

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        raise PredictorUnavailable("no answer")


async def assessed(
    worker: Store, person: Person, key: str = "a", predictor: Predictor | None = None
) -> AssessOutcome:
    records = LoopRecords(worker)
    used = Titrator() if predictor is None else predictor
    return await records.assess(person.patient_id, key=key, predictor=used, now=NOW)


async def newest(store: Store, person: Person) -> SignedEnvelope:
    async with acting_as(store, person) as tx:
        return (await envelopes.history(tx, person.patient_id))[0]


async def test_harm_lowers_the_plan_tells_the_team_and_leaves_what_was_signed(
    store_factory: StoreFactory,
) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    person = await enrol_treated(store)
    patient_id = person.patient_id
    async with acting_as(store, person) as tx:
        high = NewLab("lab-high", Lab.POTASSIUM, 6300, NOW - timedelta(hours=1))
        await labs.record(tx, patient_id, [high], now=NOW)
    assert (await assessed(worker, person)).advice_id is None
    await assessed(worker, person, "again")
    async with acting_as(store, person) as tx:
        current = await envelopes.current(tx, patient_id)
        [signed] = await envelopes.history(tx, patient_id)
        [task] = [
            item
            for item in await tasks.list_open(tx, patient_id)
            if item.task_kind == TaskKind.LOOK_AT_LOWERED_PLAN.value
        ]
        acts = [entry.action for entry in await events.timeline(tx, patient_id)]
        plan = await resources.get(tx, "CarePlan", signed.envelope.envelope_id)
    assert current is not None and (current.stage, current.version) == (Stage.PROPOSE_ONLY, 1)
    assert signed.envelope.stage is Stage.BOUNDED_STEPS
    assert [item.setbacks for item in signed.lowered] == [(Setback.HARM,)]
    assert task.cause == "harm"
    assert acts.count("envelope.demoted") == 1
    assert plan.version == 2


async def test_who_was_harmed_is_still_proposed_a_step_down(store_factory: StoreFactory) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    person = await enrol_treated(store, systolic=86, stage=None)
    async with acting_as(store, person) as tx:
        plan = replace(envelope(person.patient_id), valid_from=NOW - timedelta(days=9))
        await sign_envelope(tx, plan, person.clinician_id)
    outcome = await assessed(worker, person)
    found = await newest(store, person)
    assert Setback.HARM in found.lowered[0].setbacks
    assert outcome.verdict_kind is VerdictKind.ASK and outcome.review_id is not None
    async with acting_as(store, person) as tx:
        document = await assessments.document(tx, outcome.assessment_id)
    assert document.assessment.proposal.move.kind in (MoveKind.STEP_DOWN, MoveKind.STOP)


async def test_a_change_of_monitor_lowers_the_plan_before_a_step_is_offered(
    store_factory: StoreFactory,
) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    person = await enrol_treated(store)
    async with acting_as(store, person) as tx:
        at = NOW - timedelta(hours=2)
        item = NewReading("new", Mmhg(150), Mmhg(84), 70, at, 0, device_id="another")
        checked = replace(item, device_validated=True, cuff_fits=True)
        await readings.record(tx, person.patient_id, [checked], now=NOW)
    assert (await assessed(worker, person)).verdict_kind is not VerdictKind.ADVISE
    found = await newest(store, person)
    assert (found.in_effect.stage, found.lowered[0].setbacks) == (
        Stage.PROPOSE_ONLY,
        (Setback.DEVICE_CHANGED,),
    )


async def test_another_model_than_before_offers_nothing_under_the_old_signature(
    store_factory: StoreFactory,
) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    person = await enrol_treated(store)
    offered = await assessed(worker, person, "a", Named("1"))
    silent = await assessed(worker, person, "b", Silent())
    assert offered.verdict_kind is silent.verdict_kind is VerdictKind.ADVISE
    same = await assessed(worker, person, "c", Named("1"))
    assert same.verdict_kind is VerdictKind.ADVISE
    changed = await assessed(worker, person, "d", Named("2"))
    assert changed.verdict_kind is not VerdictKind.ADVISE
    found = await newest(store, person)
    assert [item.setbacks for item in found.lowered] == [(Setback.MODEL_CHANGED,)]


async def test_only_a_new_signature_raises_the_stage_again(store_factory: StoreFactory) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    person = await enrol_treated(store)
    await assessed(worker, person, "a", Named("1"))
    await assessed(worker, person, "b", Named("2"))
    back = await assessed(worker, person, "c", Named("1"))
    assert back.verdict_kind is not VerdictKind.ADVISE
    async with acting_as(store, person) as tx:
        await sign_envelope(tx, envelope(person.patient_id), person.clinician_id)
    assert (await newest(store, person)).in_effect.stage is Stage.BOUNDED_STEPS
    async with worker.transaction(Acting("worker", "w", person.patient_id)) as tx:
        in_force = await envelopes.current(tx, person.patient_id)
        assert in_force is not None
        unchanged = await envelopes.demote(tx, in_force, frozenset(), now=NOW)
    assert unchanged == in_force


async def test_a_loop_can_write_no_plan_and_no_demotion_that_permits(
    store_factory: StoreFactory,
) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    person = await enrol_treated(store)
    acting = Acting("worker", "w", person.patient_id)
    row = {"patient_id": person.patient_id, "version": 1, "at": NOW, "setbacks_sealed": b"x"}
    with pytest.raises(DBAPIError, match="demotion_is_lower"):
        async with worker.transaction(acting) as tx:
            raised = insert(ENVELOPE_DEMOTIONS).values(stage="bounded_steps", **row)
            await tx.session.execute(raised)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with worker.transaction(acting) as tx:
            await tx.session.execute(insert(ENVELOPES).values(patient_id="p", version=9))
