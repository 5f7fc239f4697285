"""Whom to tell: the care team, then who covers for them, then every lead, then everybody.

Whoever is told may look and act, also outside the care team: for some days, and on the log.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.audit.actions import Action
from services.store.tables.people import CALLED_IN, CARE_TEAM, CLINICIANS
from services.store.transaction import Transaction

LEAD = "lead"
TREATS = frozenset({"clinician", LEAD})
"""Only they may take an alarm or decide: a registrar or an auditor is never paged."""
CLINIC = "clinic"
"""The clinic's own address: told when there is nobody else, so that a page is never lost."""

# Long enough to see through what a page asked for; a page late in this time begins it anew.
CALLED_IN_FOR = timedelta(days=7)
LEFT_AT_LEAST = timedelta(days=1)


async def tell(
    tx: Transaction, patient_id: str, *, about_id: str, rung: int, now: datetime
) -> tuple[str, ...]:
    """Return whom to tell at this rung, each of whom may now read and act on the patient.

    `about_id`: the alarm, review or task that they are told of, kept as the reason.
    """
    told = await recipients(tx, patient_id, rung=rung, now=now)
    await _call_in(tx, patient_id, told, about_id=about_id, rung=rung, now=now)
    return told


async def recipients(
    tx: Transaction, patient_id: str, *, rung: int, now: datetime
) -> tuple[str, ...]:
    """Return the clinician ids to tell at this rung, never empty. Each rung adds people.

    Rung 0: the active clinicians of the care team, or who covers for those away now. Rung 1: who
    covers for them, or the leads. From rung 2: everybody active who treats.
    """
    own = await _care_team(tx, patient_id)
    everybody = select(CLINICIANS).where(CLINICIANS.c.active).order_by(CLINICIANS.c.clinician_id)
    rows = [row for row in (await tx.session.execute(everybody)).all() if TREATS & set(row.roles)]
    active = {row.clinician_id for row in rows}
    members = [row for row in rows if row.clinician_id in own]
    leads = [row.clinician_id for row in rows if LEAD in row.roles]
    first = [_present(row, active, now) for row in members]
    covers = [row.cover_clinician_id for row in members if row.cover_clinician_id in active]
    groups = (first, covers or leads, sorted(active))
    told = [who for group in groups[: rung + 1] for who in group]
    return tuple(dict.fromkeys(told or leads or sorted(active))) or (CLINIC,)


async def _care_team(tx: Transaction, patient_id: str) -> set[str]:
    team = select(CARE_TEAM.c.clinician_id).where(CARE_TEAM.c.patient_id == patient_id)
    return set((await tx.session.execute(team)).scalars())


async def _call_in(
    tx: Transaction,
    patient_id: str,
    told: Sequence[str],
    *,
    about_id: str,
    rung: int,
    now: datetime,
) -> None:
    """Let those of them in who are outside the care team; one event for each."""
    inside = {CLINIC, *await _care_team(tx, patient_id), *await _in_already(tx, patient_id, now)}
    for clinician_id in told:
        if clinician_id in inside:
            continue
        row = insert(CALLED_IN).values(
            patient_id=patient_id,
            clinician_id=clinician_id,
            since=now,
            until=now + CALLED_IN_FOR,
            about_id=about_id,
            rung=rung,
        )
        await tx.session.execute(row.on_conflict_do_nothing())
        await tx.event(
            Action.ACCESS_GRANTED,
            now=now,
            subject_type="Clinician",
            subject_id=clinician_id,
            details=(("reason", "called_in"), ("about", about_id), ("rung", rung)),
            patient_id=patient_id,
        )


async def _in_already(tx: Transaction, patient_id: str, now: datetime) -> set[str]:
    statement = select(CALLED_IN.c.clinician_id).where(
        CALLED_IN.c.patient_id == patient_id, CALLED_IN.c.until > now + LEFT_AT_LEAST
    )
    return set((await tx.session.execute(statement)).scalars())


def _present(row: Any, active: Collection[str], now: datetime) -> str:
    """The clinician, or while they are away the active one who covers."""
    is_away = row.away_until is not None and row.away_until > now
    covered = row.cover_clinician_id in active
    return str(row.cover_clinician_id if is_away and covered else row.clinician_id)
