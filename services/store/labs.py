"""Laboratory results and the tests that are awaited."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, insert, select, update

from services.audit.actions import Action
from services.clinical.patient import Lab, LabResult, PendingLab
from services.ids import new_id
from services.store import narrow
from services.store.narrow import Kind
from services.store.rows import ItemResult, NewLab
from services.store.tables.measurements import LAB_ORDERS, LABS
from services.store.transaction import Transaction

KIND = Kind(
    table=LABS,
    id_column="lab_id",
    time_column="taken_at",
    compared=("lab", "value_thousandths", "taken_at"),
    action=Action.LAB_RECORDED,
    word="labs",
)


async def record(
    tx: Transaction, patient_id: str, items: Sequence[NewLab], *, now: datetime
) -> tuple[ItemResult, ...]:
    """Store results; a result taken after an order answers it."""
    rows: list[dict[str, object]] = [
        {
            "lab_id": new_id(),
            "client_id": item.client_id,
            "lab": item.lab.value,
            "value_thousandths": item.value_thousandths,
            "taken_at": item.taken_at,
            "received_at": now,
        }
        for item in items
    ]
    results = await narrow.record(tx, patient_id, KIND, rows, now=now)
    newest = {item.lab: item.taken_at for item in sorted(items, key=lambda item: item.taken_at)}
    for lab, taken_at in newest.items():
        await _answer(tx, patient_id, lab, taken_at, now=now)
    return results


async def order(
    tx: Transaction, patient_id: str, labs: Sequence[Lab], *, now: datetime
) -> tuple[str, ...]:
    """Note that tests were ordered; one already awaited is not ordered again. Return new ids."""
    awaited = {item.lab for item in await pending(tx, patient_id, now=now)}
    rows = [
        {
            "lab_order_id": new_id(),
            "subject_id": tx.subject_id(patient_id),
            "lab": lab.value,
            "ordered_at": now,
        }
        for lab in dict.fromkeys(labs)
        if lab not in awaited
    ]
    if not rows:
        return ()
    await tx.session.execute(insert(LAB_ORDERS), rows)
    await tx.event(
        Action.RECORD_CREATED,
        now=now,
        subject_type="LabOrderBatch",
        subject_id=new_id(),
        payload={"labs": [row["lab"] for row in rows]},
        details=(("count", len(rows)),),
        patient_id=patient_id,
    )
    return tuple(str(row["lab_order_id"]) for row in rows)


async def between(
    tx: Transaction, patient_id: str, start: datetime, end: datetime
) -> tuple[LabResult, ...]:
    """Return the results taken in [start, end), oldest first; of one sample as they arrived."""
    rows = await narrow.between(tx, patient_id, KIND, start, end)
    rows = sorted(rows, key=lambda row: (row.taken_at, row.received_at))
    return tuple(LabResult(Lab(row.lab), row.value_thousandths, row.taken_at) for row in rows)


async def ids_between(
    tx: Transaction, patient_id: str, start: datetime, end: datetime
) -> tuple[tuple[str, Lab], ...]:
    """Return (lab id, lab) of the results taken in [start, end), oldest first."""
    rows = await narrow.between(tx, patient_id, KIND, start, end)
    return tuple((row.lab_id, Lab(row.lab)) for row in rows)


async def pending(tx: Transaction, patient_id: str, *, now: datetime) -> tuple[PendingLab, ...]:
    """Return the tests that were ordered and have no result yet at `now`, oldest first."""
    statement = (
        select(LAB_ORDERS.c.lab, func.min(LAB_ORDERS.c.ordered_at).label("ordered_at"))
        .where(
            LAB_ORDERS.c.subject_id == tx.subject_id(patient_id),
            LAB_ORDERS.c.answered_at.is_(None) | (LAB_ORDERS.c.answered_at > now),
        )
        .group_by(LAB_ORDERS.c.lab)
        .order_by("ordered_at")
    )
    rows = (await tx.session.execute(statement)).all()
    return tuple(PendingLab(Lab(row.lab), row.ordered_at) for row in rows)


async def _answer(
    tx: Transaction, patient_id: str, lab: Lab, taken_at: datetime, *, now: datetime
) -> None:
    await tx.session.execute(
        update(LAB_ORDERS)
        .where(
            LAB_ORDERS.c.subject_id == tx.subject_id(patient_id),
            LAB_ORDERS.c.lab == lab.value,
            LAB_ORDERS.c.answered_at.is_(None),
            LAB_ORDERS.c.ordered_at <= taken_at,
        )
        # A result that is dated ahead of us is not seen before its time, and answers nothing.
        .values(answered_at=max(now, taken_at))
    )
