"""Doses as the patient confirmed them, and the adherence that they show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from services.audit.actions import Action
from services.clinical.formulary import Drug
from services.clinical.patient import Adherence, Prescription
from services.clinical.units import Micrograms
from services.ids import new_id
from services.store import narrow, regimen
from services.store.narrow import Kind
from services.store.rows import ItemResult, NewDose
from services.store.tables.measurements import DOSES
from services.store.transaction import Transaction

# Source: adherence is looked at over the last 28 days (services.clinical.patient.Adherence).
ADHERENCE_DAYS = 28

KIND = Kind(
    table=DOSES,
    id_column="dose_id",
    time_column="taken_at",
    compared=("drug", "intake_dose_ug", "taken", "taken_at"),
    action=Action.DOSE_RECORDED,
    word="doses",
)


@dataclass(frozen=True, slots=True)
class DoseEntry:
    """One dose as confirmed: taken, or said to be missed."""

    drug: Drug
    intake_dose_ug: Micrograms
    taken: bool
    taken_at: datetime


async def record(
    tx: Transaction, patient_id: str, items: Sequence[NewDose], *, now: datetime
) -> tuple[ItemResult, ...]:
    """Store doses; one result for each, in order."""
    rows: list[dict[str, object]] = [
        {
            "dose_id": new_id(),
            "client_id": item.client_id,
            "drug": item.drug.value,
            "intake_dose_ug": item.intake_dose_ug,
            "taken": item.taken,
            "taken_at": item.taken_at,
            "received_at": now,
        }
        for item in items
    ]
    return await narrow.record(tx, patient_id, KIND, rows, now=now)


async def between(
    tx: Transaction, patient_id: str, start: datetime, end: datetime
) -> tuple[DoseEntry, ...]:
    """Return the doses of [start, end), oldest first."""
    rows = await narrow.between(tx, patient_id, KIND, start, end)
    return tuple(
        DoseEntry(Drug(row.drug), Micrograms(row.intake_dose_ug), row.taken, row.taken_at)
        for row in rows
    )


async def adherence(tx: Transaction, patient_id: str, *, now: datetime) -> Adherence | None:
    """Return doses taken and due in the last 28 days; None when nothing was ever confirmed."""
    prescriptions = await regimen.current(tx, patient_id)
    return await adherence_to(tx, patient_id, prescriptions, now=now)


async def adherence_to(
    tx: Transaction, patient_id: str, prescriptions: Sequence[Prescription], *, now: datetime
) -> Adherence | None:
    """Return doses taken and due in the last 28 days of this regimen."""
    subject_id = tx.subject_id(patient_id)
    first = select(func.min(DOSES.c.taken_at)).where(DOSES.c.subject_id == subject_id)
    began: datetime | None = (await tx.session.execute(first)).scalar()
    if began is None:
        return None
    start = max(now - timedelta(days=ADHERENCE_DAYS), began)
    doses = await between(tx, patient_id, start, now)
    return count(prescriptions, doses, start=start, now=now)


def count(
    prescriptions: Sequence[Prescription],
    doses: Sequence[DoseEntry],
    *,
    start: datetime,
    now: datetime,
) -> Adherence | None:
    """Return doses taken and due in [start, now) by whole days; None when none was due.

    A dose that nobody confirmed was due and not taken. A drug counts from `start`, or from its
    first confirmed dose or prescription when that came later; not while it is paused.
    """
    taken, due = 0, 0
    for item in prescriptions:
        own = [dose for dose in doses if dose.drug is item.drug]
        began = max(start, min([item.since, *(dose.taken_at for dose in own)]))
        ended = now if item.paused_since is None else max(began, item.paused_since)
        drug_due = max((ended - began) // timedelta(days=1) * item.times_a_day, len(own))
        due += drug_due
        taken += min(sum(dose.taken for dose in own), drug_due)
    return Adherence(taken, due) if due > 0 else None
