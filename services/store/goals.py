"""Goals: proposed by one side, agreed when both sides have."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from services.audit.actions import Action
from services.ids import new_id
from services.loop_results import GoalStatus, Side
from services.outbox_messages import careplan_changed
from services.store.entries import GoalEntry
from services.store.errors import NotInRecord
from services.store.tables.together import GOALS
from services.store.transaction import Transaction


async def propose(tx: Transaction, patient_id: str, text: str, *, now: datetime) -> GoalEntry:
    """Propose a goal; the acting side thereby agrees to it."""
    is_patient = tx.acting.kind in ("patient", "device")
    goal = GoalEntry(
        goal_id=new_id(),
        patient_id=patient_id,
        proposed_by_kind=Side.PATIENT.value if is_patient else Side.CLINICIAN.value,
        proposed_by_id=tx.acting.actor_id,
        proposed_at=now,
        status=GoalStatus.PROPOSED.value,
        text=text,
        patient_agreed_at=now if is_patient else None,
        clinician_agreed_at=None if is_patient else now,
        clinician_id=None if is_patient else tx.acting.actor_id,
        closed_at=None,
    )
    await tx.session.execute(
        insert(GOALS).values(
            goal_id=goal.goal_id,
            patient_id=patient_id,
            proposed_by_kind=goal.proposed_by_kind,
            proposed_by_id=goal.proposed_by_id,
            proposed_at=now,
            status=goal.status,
            body_sealed=tx.vault.seal(
                "goals", "body_sealed", goal.goal_id, text.encode(), patient_id
            ),
            patient_agreed_at=goal.patient_agreed_at,
            clinician_agreed_at=goal.clinician_agreed_at,
            clinician_id=goal.clinician_id,
        )
    )
    await _note(tx, Action.GOAL_PROPOSED, goal, now=now)
    return goal


async def answer(
    tx: Transaction, goal_id: str, *, side: Side, actor_id: str, agree: bool, now: datetime
) -> GoalStatus:
    """Take one side's answer. Answered or lapsed before: as it stands. Raises: NotInRecord."""
    goal = await _locked(tx, goal_id)
    if goal.status != GoalStatus.PROPOSED.value:
        return GoalStatus(goal.status)
    if not agree:
        return await _close(tx, goal, GoalStatus.DECLINED, Action.GOAL_DECLINED, now=now)
    if side is Side.PATIENT:
        changed = replace(goal, patient_agreed_at=goal.patient_agreed_at or now)
    else:
        agreed_at = goal.clinician_agreed_at or now
        changed = replace(goal, clinician_agreed_at=agreed_at, clinician_id=actor_id)
    await tx.session.execute(
        update(GOALS)
        .where(GOALS.c.goal_id == goal_id)
        .values(
            patient_agreed_at=changed.patient_agreed_at,
            clinician_agreed_at=changed.clinician_agreed_at,
            clinician_id=changed.clinician_id,
        )
    )
    if changed.patient_agreed_at is None or changed.clinician_agreed_at is None:
        return GoalStatus.PROPOSED
    return await _close(tx, changed, GoalStatus.AGREED, Action.GOAL_AGREED, now=now)


async def lapse(tx: Transaction, goal_id: str, *, now: datetime) -> GoalStatus:
    """Nobody answered in time: a proposed goal lapses. Raises: NotInRecord."""
    goal = await _locked(tx, goal_id)
    if goal.status != GoalStatus.PROPOSED.value:
        return GoalStatus(goal.status)
    return await _close(tx, goal, GoalStatus.LAPSED, Action.GOAL_DECLINED, now=now)


async def get(tx: Transaction, goal_id: str) -> GoalEntry:
    """Return one goal. Raises: NotInRecord."""
    row = (await tx.session.execute(select(GOALS).where(GOALS.c.goal_id == goal_id))).first()
    if row is None:
        raise NotInRecord(f"no goal {goal_id}")
    await tx.bind([row.patient_id])
    return _entry(tx, row)


async def list_for(tx: Transaction, patient_id: str) -> tuple[GoalEntry, ...]:
    """Return the patient's goals, newest first."""
    statement = (
        select(GOALS).where(GOALS.c.patient_id == patient_id).order_by(GOALS.c.proposed_at.desc())
    )
    return tuple(_entry(tx, row) for row in (await tx.session.execute(statement)).all())


async def _locked(tx: Transaction, goal_id: str) -> GoalEntry:
    statement = select(GOALS).where(GOALS.c.goal_id == goal_id).with_for_update()
    row = (await tx.session.execute(statement)).first()
    if row is None:
        raise NotInRecord(f"no goal {goal_id}")
    await tx.bind([row.patient_id])
    return _entry(tx, row)


async def _close(
    tx: Transaction, goal: GoalEntry, status: GoalStatus, action: Action, *, now: datetime
) -> GoalStatus:
    await tx.session.execute(
        update(GOALS)
        .where(GOALS.c.goal_id == goal.goal_id)
        .values(status=status.value, closed_at=now)
    )
    await _note(tx, action, replace(goal, status=status.value), now=now)
    return status


async def _note(tx: Transaction, action: Action, goal: GoalEntry, *, now: datetime) -> None:
    await tx.event(
        action,
        now=now,
        subject_type="Goal",
        subject_id=goal.goal_id,
        payload={"text": goal.text},
        details=(("status", goal.status),),
        patient_id=goal.patient_id,
    )
    await tx.send(careplan_changed(goal.patient_id), now=now)


def _entry(tx: Transaction, row: Any) -> GoalEntry:
    text = tx.vault.unseal("goals", "body_sealed", row.goal_id, row.body_sealed, row.patient_id)
    return GoalEntry(
        goal_id=row.goal_id,
        patient_id=row.patient_id,
        proposed_by_kind=row.proposed_by_kind,
        proposed_by_id=row.proposed_by_id,
        proposed_at=row.proposed_at,
        status=row.status,
        text=text.decode(),
        patient_agreed_at=row.patient_agreed_at,
        clinician_agreed_at=row.clinician_agreed_at,
        clinician_id=row.clinician_id,
        closed_at=row.closed_at,
    )
