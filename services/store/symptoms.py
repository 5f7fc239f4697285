"""Symptoms: reported by the patient, open until the patient or a clinician closes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from services.audit.actions import Action
from services.clinical.patient import Symptom
from services.ids import new_id
from services.outbox_messages import recorded
from services.store import narrow
from services.store.errors import NotInRecord
from services.store.narrow import Kind
from services.store.rows import ItemResult, NewSymptom, SymptomEntry
from services.store.tables.measurements import SYMPTOMS
from services.store.transaction import Transaction

KIND = Kind(
    table=SYMPTOMS,
    id_column="symptom_id",
    time_column="reported_at",
    compared=("symptom", "reported_at"),
    action=Action.SYMPTOM_RECORDED,
    word="symptoms",
)


async def report(
    tx: Transaction, patient_id: str, items: Sequence[NewSymptom], *, now: datetime
) -> tuple[ItemResult, ...]:
    """Store reports. One with `open` False closes the symptom of the same client id."""
    rows: list[dict[str, object]] = [
        {
            "symptom_id": new_id(),
            "client_id": item.client_id,
            "symptom": item.symptom.value,
            "reported_at": item.reported_at,
            "received_at": now,
        }
        for item in items
    ]
    results = await narrow.record(tx, patient_id, KIND, rows, now=now)
    for item, result in zip(items, results, strict=True):
        if not item.open and result.item_id is not None and result.status != "conflict":
            await close(tx, patient_id, result.item_id, now=now)
    return results


async def since(tx: Transaction, patient_id: str, start: datetime) -> tuple[SymptomEntry, ...]:
    """Return what was reported since `start` and whatever is open still, oldest first."""
    columns = SYMPTOMS.c
    statement = (
        select(SYMPTOMS)
        .where(
            columns.subject_id == tx.subject_id(patient_id),
            (columns.reported_at >= start) | (columns.closed_at.is_(None)),
        )
        .order_by(columns.reported_at, columns.symptom_id)
    )
    return tuple(_entry(row) for row in (await tx.session.execute(statement)).all())


async def close(tx: Transaction, patient_id: str, symptom_id: str, *, now: datetime) -> None:
    """Close a symptom; closed already: nothing happens. Raises: NotInRecord."""
    columns = SYMPTOMS.c
    own = (columns.symptom_id == symptom_id) & (columns.subject_id == tx.subject_id(patient_id))
    statement = (
        update(SYMPTOMS)
        .where(own, columns.closed_at.is_(None))
        .values(closed_at=now, closed_by=tx.acting.kind)
        .returning(columns.symptom_id)
    )
    if (await tx.session.execute(statement)).first() is None:
        if (await tx.session.execute(select(columns.symptom_id).where(own))).first() is None:
            raise NotInRecord(f"no symptom {symptom_id}")
        return
    await tx.event(
        Action.RECORD_UPDATED,
        now=now,
        subject_type="SymptomBatch",
        subject_id=new_id(),
        payload={"symptom_id": symptom_id, "closed": True},
        patient_id=patient_id,
    )
    await tx.send(recorded(patient_id, "symptoms"), now=now)


def _entry(row: Any) -> SymptomEntry:
    return SymptomEntry(
        symptom_id=row.symptom_id,
        symptom=Symptom(row.symptom),
        reported_at=row.reported_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
    )
