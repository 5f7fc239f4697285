"""Whom to tell: the care team, then who covers for them, then every lead, then everybody."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select

from services.store.tables.people import CARE_TEAM, CLINICIANS
from services.store.transaction import Transaction

LEAD = "lead"
CLINIC = "clinic"
"""The clinic's own address: told when there is nobody else, so that a page is never lost."""


async def recipients(
    tx: Transaction, patient_id: str, *, rung: int, now: datetime
) -> tuple[str, ...]:
    """Return the clinician ids to tell at this rung, never empty. Each rung adds people.

    Rung 0: the active clinicians of the care team, or who covers for those away now. Rung 1: who
    covers for them, or the leads. From rung 2: everybody active.
    """
    team = select(CARE_TEAM.c.clinician_id).where(CARE_TEAM.c.patient_id == patient_id)
    own = set((await tx.session.execute(team)).scalars())
    everybody = select(CLINICIANS).where(CLINICIANS.c.active).order_by(CLINICIANS.c.clinician_id)
    rows = (await tx.session.execute(everybody)).all()
    active = {row.clinician_id for row in rows}
    members = [row for row in rows if row.clinician_id in own]
    leads = [row.clinician_id for row in rows if LEAD in row.roles]
    first = [_present(row, active, now) for row in members]
    covers = [row.cover_clinician_id for row in members if row.cover_clinician_id in active]
    groups = (first, covers or leads, sorted(active))
    told = [who for group in groups[: rung + 1] for who in group]
    return tuple(dict.fromkeys(told or leads or sorted(active))) or (CLINIC,)


def _present(row: Any, active: Collection[str], now: datetime) -> str:
    """The clinician, or while they are away the active one who covers."""
    is_away = row.away_until is not None and row.away_until > now
    covered = row.cover_clinician_id in active
    return str(row.cover_clinician_id if is_away and covered else row.clinician_id)
