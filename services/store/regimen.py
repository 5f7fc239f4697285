"""The regimen: a sealed document in versions, and the dose changes that led to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, insert, select

from services.audit.actions import Action
from services.clinical.formulary import Drug
from services.clinical.patient import DoseChangeRecord, Prescription
from services.clinical.units import Micrograms
from services.ids import new_id
from services.outbox_messages import recorded
from services.store import documents
from services.store.errors import NotInRecord
from services.store.tables.treatment import DOSE_CHANGES, REGIMENS
from services.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Regimen:
    """What is prescribed now, one drug once."""

    prescriptions: tuple[Prescription, ...]


async def current(tx: Transaction, patient_id: str) -> tuple[Prescription, ...]:
    """Return the regimen as it stands; empty when nothing is prescribed."""
    statement = (
        select(REGIMENS.c.version, REGIMENS.c.body_sealed)
        .where(REGIMENS.c.patient_id == patient_id)
        .order_by(REGIMENS.c.version.desc())
        .limit(1)
    )
    row = (await tx.session.execute(statement)).first()
    if row is None:
        return ()
    place = f"{patient_id}@{row.version}"
    body = tx.vault.unseal("regimens", "body_sealed", place, row.body_sealed, patient_id)
    return documents.load(Regimen, body).prescriptions


async def noted_at(tx: Transaction, patient_id: str) -> datetime | None:
    """Return when the regimen was last written; None when it never was."""
    newest = select(func.max(REGIMENS.c.at)).where(REGIMENS.c.patient_id == patient_id)
    moment: datetime | None = (await tx.session.execute(newest)).scalar()
    return moment


async def changes(tx: Transaction, patient_id: str) -> tuple[DoseChangeRecord, ...]:
    """Return every dose change that took effect, oldest first."""
    statement = (
        select(DOSE_CHANGES.c.change_id, DOSE_CHANGES.c.body_sealed)
        .where(DOSE_CHANGES.c.patient_id == patient_id)
        .order_by(DOSE_CHANGES.c.effective_at, DOSE_CHANGES.c.change_id)
    )
    return tuple(
        documents.load(
            DoseChangeRecord,
            tx.vault.unseal(
                "dose_changes", "body_sealed", row.change_id, row.body_sealed, patient_id
            ),
        )
        for row in (await tx.session.execute(statement)).all()
    )


async def import_prescriptions(
    tx: Transaction, patient_id: str, prescriptions: Sequence[Prescription], *, now: datetime
) -> None:
    """Replace the regimen with what a clinician reconciled or a bundle said."""
    await replace_all(tx, patient_id, prescriptions, now=now)
    await tx.event(
        Action.RECORD_UPDATED,
        now=now,
        subject_type="Regimen",
        subject_id=patient_id,
        payload={"orders": [item.order_id for item in prescriptions]},
        details=(("count", len(prescriptions)),),
        patient_id=patient_id,
    )
    await tx.send(recorded(patient_id, "regimen"), now=now)


async def set_supply(
    tx: Transaction,
    patient_id: str,
    drug: Drug,
    *,
    tablets_in_hand: int,
    tablet_strength_ug: Micrograms | None,
    now: datetime,
) -> None:
    """Note the tablets that the patient has in hand. Raises: NotInRecord: not prescribed."""
    items = await current(tx, patient_id)
    if drug not in {item.drug for item in items}:
        raise NotInRecord("this drug is not prescribed")
    supplied = [
        replace(item, tablets_in_hand=tablets_in_hand, tablet_strength_ug=tablet_strength_ug)
        if item.drug is drug
        else item
        for item in items
    ]
    await import_prescriptions(tx, patient_id, supplied, now=now)


async def replace_all(
    tx: Transaction, patient_id: str, prescriptions: Sequence[Prescription], *, now: datetime
) -> None:
    """Append a version of the regimen; the caller notes the event."""
    newest = select(func.max(REGIMENS.c.version)).where(REGIMENS.c.patient_id == patient_id)
    version = ((await tx.session.execute(newest)).scalar() or 0) + 1
    body = documents.dump(Regimen, Regimen(tuple(prescriptions)))
    sealed = tx.vault.seal("regimens", "body_sealed", f"{patient_id}@{version}", body, patient_id)
    await tx.session.execute(
        insert(REGIMENS).values(patient_id=patient_id, version=version, body_sealed=sealed, at=now)
    )


async def note_changes(
    tx: Transaction, patient_id: str, records: Sequence[DoseChangeRecord]
) -> None:
    """Append dose changes that took effect; the caller notes the event."""
    rows = []
    for record in records:
        change_id = new_id()
        body = documents.dump(DoseChangeRecord, record)
        rows.append(
            {
                "change_id": change_id,
                "patient_id": patient_id,
                "body_sealed": tx.vault.seal(
                    "dose_changes", "body_sealed", change_id, body, patient_id
                ),
                "effective_at": record.effective_at,
            }
        )
    if rows:
        await tx.session.execute(insert(DOSE_CHANGES), rows)
