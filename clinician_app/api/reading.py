"""What the read routes share: a transaction bound to one patient, its snapshot, its log event."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Path

from clinician_app.api.bodies import PatientHeader
from clinician_app.api.caller import Caller
from clinician_app.api.headers import read_header
from services.audit.actions import Action
from services.clinical.envelope import Envelope
from services.clinical.patient import Snapshot
from services.store import Transaction, snapshots

Id = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


@dataclass(frozen=True, slots=True)
class Reading:
    """One patient as they stand now, inside a transaction."""

    tx: Transaction
    snapshot: Snapshot
    envelope: Envelope | None
    header: PatientHeader


@asynccontextmanager
async def bound(caller: Caller, patient_id: str) -> AsyncIterator[Transaction]:
    """A transaction bound to a patient of this clinician's.

    Raises:
        NotInRecord: no such patient, or not on this clinician's care team; the attempt is logged.
    """
    async with caller.door.store.transaction(caller.acting(patient_id)) as tx:
        yield tx


@asynccontextmanager
async def patient_shown(
    caller: Caller, patient_id: str, subject_type: str, subject_id: str
) -> AsyncIterator[Reading]:
    """Read a patient for showing; that somebody looked is logged in the same transaction."""
    async with bound(caller, patient_id) as tx:
        snapshot, envelope = await snapshots.build(tx, patient_id, now=caller.now)
        shown = await read_header(tx, snapshot, envelope, now=caller.now)
        await note_read(tx, caller, subject_type, subject_id, patient_id=patient_id)
        yield Reading(tx, snapshot, envelope, shown)


async def note_read(
    tx: Transaction,
    caller: Caller,
    subject_type: str,
    subject_id: str,
    *,
    patient_id: str | None,
    action: Action = Action.RECORD_READ,
) -> None:
    """Log that this clinician looked."""
    await tx.event(
        action,
        now=caller.now,
        subject_type=subject_type,
        subject_id=subject_id,
        details=(("purpose", "care"),),
        patient_id=patient_id,
    )
