"""Outcomes: what the last enacted step came to, noted once; and the counts that show drift."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from services.clinical.drift import COUNTED_FOR, SHOWN_AFTER, Effect, effect_of, has_drifted
from services.clinical.moves import Move
from services.clinical.regimen import last_change_at
from services.loop_results import EnactBasis, EnactKind
from services.metrics import STEP_EFFECTS
from services.store import advice, assessments, choices, reviews
from services.store.enactment_basis import decided_move
from services.store.entries import AssessmentDocument
from services.store.tables.outcomes import STEP_OUTCOMES
from services.store.tables.treatment import ENACTMENTS
from services.store.transaction import Transaction


async def note(tx: Transaction, patient_id: str, *, now: datetime) -> Effect | None:
    """Note what the patient's last step came to, when it can be known; None: nothing to note.

    The newest assessment tells: its average lies wholly after the last change of any drug. A step
    after which another change was made says nothing alone, and is not counted.
    """
    step = await _last_step(tx, patient_id, before=now - SHOWN_AFTER)
    newest = await assessments.latest(tx, patient_id)
    if step is None or newest is None or newest.made_at < step.at + SHOWN_AFTER:
        return None
    seen = await assessments.document(tx, newest.assessment_id)
    if last_change_at(seen.snapshot) != step.at or seen.assessment.average.kind != "sufficient":
        return None
    move, ranked_in = await _enacted(tx, EnactBasis(step.basis), step.basis_id)
    ranking = ranked_in.assessment.ranking
    effect = effect_of(move, ranked_in.assessment, seen.snapshot, seen.assessment)
    await tx.session.execute(
        insert(STEP_OUTCOMES)
        .values(
            basis_id=step.basis_id, model=choices.model_of(ranking), effect=effect.value, at=now
        )
        .on_conflict_do_nothing()
    )
    STEP_EFFECTS.labels(effect.value).inc()
    return effect


async def drifted(tx: Transaction, model: str, *, now: datetime) -> bool:
    """Say whether a model's steps of the last half-year show drift."""
    columns = STEP_OUTCOMES.c
    statement = (
        select(columns.effect, func.count())
        .where(columns.model == model, columns.at > now - COUNTED_FOR)
        .group_by(columns.effect)
    )
    rows = (await tx.session.execute(statement)).all()
    return has_drifted({Effect(effect): count for effect, count in rows})


async def _last_step(tx: Transaction, patient_id: str, *, before: datetime) -> Any:
    """Return the patient's last enacted step, if it is older than that and not noted yet."""
    steps, noted = ENACTMENTS.c, STEP_OUTCOMES.c
    newest = (
        select(steps.basis, steps.basis_id, steps.at, noted.effect)
        .join(STEP_OUTCOMES, noted.basis_id == steps.basis_id, isouter=True)
        .where(steps.patient_id == patient_id, steps.outcome == EnactKind.ENACTED.value)
        .order_by(steps.at.desc())
        .limit(1)
    )
    row = (await tx.session.execute(newest)).first()
    return None if row is None or row.at > before or row.effect is not None else row


async def _enacted(
    tx: Transaction, basis: EnactBasis, basis_id: str
) -> tuple[Move, AssessmentDocument]:
    """Return the move that was carried out and the assessment that had ranked it."""
    if basis is EnactBasis.ADVICE:
        entry = await advice.get(tx, basis_id)
        return entry.body.move, await assessments.document(tx, entry.assessment_id)
    decision = await reviews.decision(tx, basis_id)
    review = await reviews.get(tx, decision.review_id)
    document = await assessments.document(tx, review.assessment_id)
    return decided_move(decision, document), document
