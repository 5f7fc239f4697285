"""Narrow rows under a subject id: one way to store a batch once, one way to read a span back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert

from services.audit.actions import Action
from services.ids import new_id
from services.outbox_messages import recorded
from services.store.rows import ItemResult
from services.store.transaction import Transaction

Row: TypeAlias = Any
"""A SQLAlchemy row: its attributes are the table's columns."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of measurement. `compared`: columns that must agree for an upload to be the same."""

    table: Table
    id_column: str
    time_column: str
    compared: tuple[str, ...]
    action: Action
    word: str


async def record(
    tx: Transaction,
    patient_id: str,
    kind: Kind,
    rows: Sequence[dict[str, object]],
    *,
    now: datetime,
) -> tuple[ItemResult, ...]:
    """Store what is new, recognise what is not; one log event and one message for the batch.

    A client id twice in one batch: the first is stored, the second compared with it.
    """
    if not rows:
        return ()
    subject_id = tx.subject_id(patient_id)
    firsts = {row["client_id"]: row for row in reversed(rows)}
    stored = await _insert(tx, kind, [{**row, "subject_id": subject_id} for row in firsts.values()])
    known = await _existing(tx, kind, subject_id, [key for key in firsts if key not in stored])
    results = tuple(_result(kind, row, firsts, stored, known) for row in rows)
    if stored:
        await _note(tx, patient_id, kind, tuple(stored.values()), now=now)
    return results


async def between(
    tx: Transaction, patient_id: str, kind: Kind, start: datetime, end: datetime
) -> Sequence[Row]:
    """Return the rows of one patient in [start, end), oldest first."""
    when = kind.table.c[kind.time_column]
    statement = (
        select(kind.table)
        .where(kind.table.c.subject_id == tx.subject_id(patient_id), when >= start, when < end)
        .order_by(when, kind.table.c[kind.id_column])
    )
    return (await tx.session.execute(statement)).all()


async def between_many(
    tx: Transaction, patient_ids: Sequence[str], kind: Kind, start: datetime, end: datetime
) -> dict[str, list[Row]]:
    """Return the rows of several patients in [start, end), oldest first, in one query."""
    await tx.bind(patient_ids)
    who = {tx.subject_id(patient_id): patient_id for patient_id in patient_ids}
    when = kind.table.c[kind.time_column]
    statement = (
        select(kind.table)
        .where(kind.table.c.subject_id.in_(who), when >= start, when < end)
        .order_by(when, kind.table.c[kind.id_column])
    )
    found: dict[str, list[Row]] = {patient_id: [] for patient_id in patient_ids}
    for row in (await tx.session.execute(statement)).all():
        found[who[row.subject_id]].append(row)
    return found


async def _insert(
    tx: Transaction, kind: Kind, rows: Sequence[dict[str, object]]
) -> dict[object, str]:
    statement = (
        insert(kind.table)
        .values(list(rows))
        .on_conflict_do_nothing(index_elements=["subject_id", "client_id"])
        .returning(kind.table.c.client_id, kind.table.c[kind.id_column])
    )
    return {row[0]: row[1] for row in (await tx.session.execute(statement)).all()}


async def _existing(
    tx: Transaction, kind: Kind, subject_id: str, client_ids: Sequence[object]
) -> dict[object, Row]:
    if not client_ids:
        return {}
    statement = select(kind.table).where(
        kind.table.c.subject_id == subject_id, kind.table.c.client_id.in_(client_ids)
    )
    return {row.client_id: row for row in (await tx.session.execute(statement)).all()}


def _result(
    kind: Kind,
    row: dict[str, object],
    firsts: Mapping[object, dict[str, object]],
    stored: Mapping[object, str],
    known: Mapping[object, Row],
) -> ItemResult:
    client_id = row["client_id"]
    if client_id in stored:
        first = firsts[client_id]
        if first is row:
            return ItemResult(str(client_id), "stored", stored[client_id])
        same = all(first[name] == row[name] for name in kind.compared)
        item_id = stored[client_id]
    else:
        there = known[client_id]
        same = all(getattr(there, name) == row[name] for name in kind.compared)
        item_id = getattr(there, kind.id_column)
    return ItemResult(str(client_id), "duplicate" if same else "conflict", item_id)


async def _note(
    tx: Transaction, patient_id: str, kind: Kind, item_ids: Iterable[str], *, now: datetime
) -> None:
    """The event names a batch of its own: an item's id beside a patient's would tie the two."""
    ids = sorted(item_ids)
    await tx.event(
        kind.action,
        now=now,
        subject_type=f"{kind.word.capitalize()}Batch",
        subject_id=new_id(),
        payload={kind.id_column: ids},
        details=(("count", len(ids)),),
        patient_id=patient_id,
    )
    await tx.send(recorded(patient_id, kind.word), now=now)
