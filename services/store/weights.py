"""Body weights in grams."""

from collections.abc import Sequence
from datetime import datetime

from services.audit.actions import Action
from services.clinical.patient import Weight
from services.ids import new_id
from services.store import narrow
from services.store.narrow import Kind
from services.store.rows import ItemResult, NewWeight
from services.store.tables.measurements import WEIGHTS
from services.store.transaction import Transaction

KIND = Kind(
    table=WEIGHTS,
    id_column="weight_id",
    time_column="taken_at",
    compared=("grams", "taken_at"),
    action=Action.RECORD_CREATED,
    word="weights",
)


async def record(
    tx: Transaction, patient_id: str, items: Sequence[NewWeight], *, now: datetime
) -> tuple[ItemResult, ...]:
    """Store weights; one result for each, in order."""
    rows: list[dict[str, object]] = [
        {
            "weight_id": new_id(),
            "client_id": item.client_id,
            "grams": item.grams,
            "taken_at": item.taken_at,
            "received_at": now,
        }
        for item in items
    ]
    return await narrow.record(tx, patient_id, KIND, rows, now=now)


async def between(
    tx: Transaction, patient_id: str, start: datetime, end: datetime
) -> tuple[Weight, ...]:
    """Return the weights taken in [start, end), oldest first."""
    rows = await narrow.between(tx, patient_id, KIND, start, end)
    return tuple(Weight(row.grams, row.taken_at) for row in rows)
