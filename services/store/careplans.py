"""What the patient-clinician loop waits for, read from the record."""

from datetime import datetime

from services.loop_results import CareplanState, GoalStatus
from services.store import goals, snapshots, visits
from services.store.stability import stability
from services.store.transaction import Transaction


async def state(tx: Transaction, patient_id: str, *, now: datetime) -> CareplanState:
    """Return visits, envelope, open goals and stability. Raises: NotInRecord."""
    snapshot, envelope = await snapshots.build(tx, patient_id, now=now)
    planned = await visits.next_visit(tx, patient_id)
    held = await visits.last_held(tx, patient_id)
    in_force = envelope if envelope is not None and envelope.revoked_at is None else None
    open_goals = [
        goal.goal_id
        for goal in await goals.list_for(tx, patient_id)
        if goal.status == GoalStatus.PROPOSED.value
    ]
    return CareplanState(
        patient_id=patient_id,
        stability=stability(snapshot),
        last_visit_at=None if held is None else held.closed_at,
        next_visit_at=None if planned is None else planned.planned_for,
        visit_fixed=planned is not None and planned.reason != visits.BY_STABILITY,
        envelope_id=None if in_force is None else in_force.envelope_id,
        envelope_expires_at=None if in_force is None else in_force.expires_at,
        open_goal_ids=tuple(open_goals),
    )
