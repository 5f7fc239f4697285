"""Halts: all recommendations stopped, for one patient or for everybody."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import insert, select, update

from services.audit.actions import Action
from services.ids import new_id
from services.outbox_messages import halt_changed
from services.store.entries import HaltEntry
from services.store.tables.people import PATIENTS
from services.store.tables.treatment import HALTS
from services.store.transaction import Transaction
from services.store.vault import SYSTEM

HaltedByKind = Literal["patient", "clinician", "operator"]


async def set_halt(
    tx: Transaction,
    patient_id: str | None,
    *,
    by_kind: HaltedByKind,
    actor_id: str,
    reason: str | None = None,
    now: datetime,
) -> bool:
    """Stop recommendations; False when this kind of person had stopped them already."""
    standing = [halt for halt in await _active(tx, patient_id) if halt.by_kind == by_kind]
    if standing:
        return False
    halt_id = new_id()
    if patient_id is None:
        await tx.bind_system(now=now)
    sealed = None
    if reason is not None:
        holder = patient_id or SYSTEM
        sealed = tx.vault.seal("halts", "reason_sealed", halt_id, reason.encode(), holder)
    await tx.session.execute(
        insert(HALTS).values(
            halt_id=halt_id,
            patient_id=patient_id,
            by_kind=by_kind,
            by_id=actor_id,
            reason_sealed=sealed,
            set_at=now,
        )
    )
    await _note(tx, Action.HALT_SET, halt_id, patient_id, by_kind, now=now)
    return True


async def lift(
    tx: Transaction,
    patient_id: str | None,
    *,
    by_kind: HaltedByKind,
    actor_id: str,
    now: datetime,
) -> bool:
    """Lift the halts that this person may lift; False when one stays.

    Only a clinician (or the operator) lifts what a clinician set; a patient lifts their own.
    """
    standing = await _active(tx, patient_id)
    mine = [halt for halt in standing if halt.by_kind == "patient" or by_kind != "patient"]
    for halt in mine:
        await tx.session.execute(
            update(HALTS)
            .where(HALTS.c.halt_id == halt.halt_id, HALTS.c.lifted_at.is_(None))
            .values(lifted_at=now, lifted_by=actor_id)
        )
        await _note(tx, Action.HALT_LIFTED, halt.halt_id, patient_id, by_kind, now=now)
    return len(mine) == len(standing)


async def active(tx: Transaction, patient_id: str | None) -> tuple[HaltEntry, ...]:
    """Return the halts that bind this patient now, those for everybody included."""
    own = () if patient_id is None else await _active(tx, patient_id)
    return (*own, *await _active(tx, None))


async def is_halted(tx: Transaction, patient_id: str) -> bool:
    """Return whether this patient, or everybody, is halted."""
    columns = HALTS.c
    statement = select(columns.halt_id).where(
        columns.lifted_at.is_(None),
        (columns.patient_id == patient_id) | (columns.patient_id.is_(None)),
    )
    return (await tx.session.execute(statement.limit(1))).first() is not None


async def _active(tx: Transaction, patient_id: str | None) -> tuple[HaltEntry, ...]:
    columns = HALTS.c
    whose = columns.patient_id.is_(None) if patient_id is None else columns.patient_id == patient_id
    statement = select(HALTS).where(whose, columns.lifted_at.is_(None)).order_by(columns.set_at)
    rows = (await tx.session.execute(statement)).all()
    if patient_id is None and any(row.reason_sealed is not None for row in rows):
        await tx.bind_system(now=rows[0].set_at)
    return tuple(_entry(tx, row) for row in rows)


def _entry(tx: Transaction, row: Any) -> HaltEntry:
    reason = None
    if row.reason_sealed is not None:
        holder = row.patient_id or SYSTEM
        reason = tx.vault.unseal(
            "halts", "reason_sealed", row.halt_id, row.reason_sealed, holder
        ).decode()
    return HaltEntry(
        halt_id=row.halt_id,
        patient_id=row.patient_id,
        by_kind=row.by_kind,
        by_id=row.by_id,
        reason=reason,
        set_at=row.set_at,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
    )


async def _note(
    tx: Transaction,
    action: Action,
    halt_id: str,
    patient_id: str | None,
    by_kind: str,
    *,
    now: datetime,
) -> None:
    await tx.event(
        action,
        now=now,
        subject_type="Halt",
        subject_id=halt_id,
        details=(("by", by_kind), ("everybody", patient_id is None)),
        patient_id=patient_id,
    )
    affected = [patient_id] if patient_id is not None else await _everybody(tx)
    for one in affected:
        await tx.send(halt_changed(one), now=now)


async def _everybody(tx: Transaction) -> list[str]:
    """The patients whom the one who acts may see; the loops read the halt itself in any case."""
    return list((await tx.session.execute(select(PATIENTS.c.patient_id))).scalars())
