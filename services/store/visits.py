"""Visits: one planned at a time; moving it closes the old plan and keeps it."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import insert, select, update

from services.audit.actions import Action
from services.ids import new_id
from services.outbox_messages import careplan_changed
from services.store.entries import VisitEntry
from services.store.errors import NotOpen
from services.store.tables.together import VISITS
from services.store.transaction import Transaction

BY_STABILITY = "stability"


async def plan(
    tx: Transaction, patient_id: str, *, at: datetime, chosen_by: str | None, now: datetime
) -> VisitEntry:
    """Plan or move the next visit. `chosen_by` None: by stability. The same again: as it stands."""
    standing = await next_visit(tx, patient_id)
    reason = BY_STABILITY if chosen_by is None else "person"
    if standing is not None and (standing.planned_for, standing.reason) == (at, reason):
        return standing
    if standing is not None:
        await _close(tx, standing.visit_id, "moved", now=now)
    actor = chosen_by or tx.acting.actor_id
    visit = VisitEntry(new_id(), patient_id, at, now, actor, reason, "planned", None)
    await tx.session.execute(
        insert(VISITS).values(
            visit_id=visit.visit_id,
            patient_id=patient_id,
            planned_for=at,
            planned_at=now,
            by_id=actor,
            reason=reason,
            status=visit.status,
        )
    )
    await _note(tx, Action.VISIT_PLANNED, visit, now=now)
    return visit


async def next_visit(tx: Transaction, patient_id: str) -> VisitEntry | None:
    """Return the planned visit, if any."""
    return await _one(tx, patient_id, "planned")


async def last_held(tx: Transaction, patient_id: str) -> VisitEntry | None:
    """Return the visit that was held last, if any; its `closed_at` is when."""
    return await _one(tx, patient_id, "held")


async def hold(tx: Transaction, patient_id: str, *, now: datetime) -> VisitEntry:
    """Note that the planned visit took place. Raises: NotOpen: none is planned."""
    visit = await next_visit(tx, patient_id)
    if visit is None:
        raise NotOpen("no visit is planned")
    await _close(tx, visit.visit_id, "held", now=now)
    await _note(tx, Action.VISIT_HELD, visit, now=now)
    return replace(visit, status="held", closed_at=now)


async def _one(tx: Transaction, patient_id: str, status: str) -> VisitEntry | None:
    statement = (
        select(VISITS)
        .where(VISITS.c.patient_id == patient_id, VISITS.c.status == status)
        .order_by(VISITS.c.planned_for.desc())
        .limit(1)
    )
    row = (await tx.session.execute(statement)).first()
    return None if row is None else VisitEntry(*row)


async def _close(tx: Transaction, visit_id: str, status: str, *, now: datetime) -> None:
    await tx.session.execute(
        update(VISITS).where(VISITS.c.visit_id == visit_id).values(status=status, closed_at=now)
    )


async def _note(tx: Transaction, action: Action, visit: VisitEntry, *, now: datetime) -> None:
    await tx.event(
        action,
        now=now,
        subject_type="Appointment",
        subject_id=visit.visit_id,
        details=(("reason", visit.reason),),
        patient_id=visit.patient_id,
    )
    await tx.send(careplan_changed(visit.patient_id), now=now)
