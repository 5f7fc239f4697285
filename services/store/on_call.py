"""Whom to tell: the care team, then who covers for them, then every lead, then everybody."""

from sqlalchemy import select

from services.store.tables.people import CARE_TEAM, CLINICIANS
from services.store.transaction import Transaction

LEAD = "lead"
CLINIC = "clinic"
"""The clinic's own address: told when there is nobody else, so that a page is never lost."""


async def recipients(tx: Transaction, patient_id: str, *, rung: int) -> tuple[str, ...]:
    """Return the clinician ids to tell at this rung, never empty.

    Rung 0: the active clinicians of the care team, or who covers for those away. Rung 1: who
    covers for them, or the leads. From rung 2: everybody active. Each rung adds people.
    """
    team = select(CARE_TEAM.c.clinician_id).where(CARE_TEAM.c.patient_id == patient_id)
    own = set((await tx.session.execute(team)).scalars())
    rows = (
        await tx.session.execute(
            select(CLINICIANS).where(CLINICIANS.c.active).order_by(CLINICIANS.c.clinician_id)
        )
    ).all()
    active = {row.clinician_id: row for row in rows}
    members = [row for row in rows if row.clinician_id in own]
    covers = [row.cover_clinician_id for row in members if row.cover_clinician_id in active]
    leads = [row.clinician_id for row in rows if LEAD in row.roles]
    groups = ([row.clinician_id for row in members], covers or leads, list(active))
    told = [who for group in groups[: rung + 1] for who in group]
    return tuple(dict.fromkeys(told or leads or list(active))) or (CLINIC,)
