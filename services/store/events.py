"""The audit log read back: a patient's timeline, leaves in order, checkpoints."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, tuple_

from services.audit.actions import Action
from services.audit.event import SALT_BYTES, AuditEvent, parse_leaf
from services.store.rows import TimelineEntry
from services.store.tables.log import CHECKPOINTS, COSIGNATURES, EVENTS, LEAVES, TREE_NODES
from services.store.transaction import Transaction
from services.store.vault import SYSTEM

_READS = (Action.RECORD_READ.value, Action.RECORD_SEARCHED.value)


async def timeline(
    tx: Transaction,
    patient_id: str,
    *,
    limit: int = 200,
    payloads: bool = False,
    reads: bool = True,
) -> tuple[TimelineEntry, ...]:
    """Return what happened on a patient's record, newest first; without `reads`, what changed."""
    statement = (
        select(EVENTS, LEAVES.c.leaf_index)
        .join(LEAVES, LEAVES.c.event_id == EVENTS.c.event_id, isouter=True)
        .where(EVENTS.c.patient_id == patient_id)
        .order_by(EVENTS.c.occurred_at.desc(), EVENTS.c.event_id)
        .limit(limit)
    )
    if not reads:
        statement = statement.where(EVENTS.c.action.not_in(_READS))
    rows = (await tx.session.execute(statement)).all()
    return tuple(_entry(tx, row, payloads=payloads) for row in rows)


async def leaves(tx: Transaction, first: int, end: int) -> tuple[bytes, ...]:
    """Return the exact leaf bytes of indices [first, end), in log order."""
    statement = (
        select(EVENTS.c.leaf)
        .join(LEAVES, LEAVES.c.event_id == EVENTS.c.event_id)
        .where(LEAVES.c.leaf_index >= first, LEAVES.c.leaf_index < end)
        .order_by(LEAVES.c.leaf_index)
    )
    return tuple((await tx.session.execute(statement)).scalars())


async def leaf_indices(tx: Transaction, event_ids: Sequence[str]) -> dict[str, int]:
    """Return the index of each event that is sealed."""
    statement = select(LEAVES.c.event_id, LEAVES.c.leaf_index).where(
        LEAVES.c.event_id.in_(event_ids)
    )
    return {event_id: index for event_id, index in (await tx.session.execute(statement)).all()}


async def tree_size(tx: Transaction) -> int:
    """Return the number of leaves."""
    newest = (await tx.session.execute(select(func.max(LEAVES.c.leaf_index)))).scalar()
    return 0 if newest is None else int(newest) + 1


async def nodes(tx: Transaction, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Return stored subtree hashes by (level, index)."""
    table = TREE_NODES
    statement = select(table).where(tuple_(table.c.level, table.c.node_index).in_(list(wanted)))
    rows = (await tx.session.execute(statement)).all()
    return {(row.level, row.node_index): row.node_hash for row in rows}


async def newest_checkpoint(tx: Transaction) -> bytes | None:
    """Return the newest signed note."""
    statement = select(CHECKPOINTS.c.note).order_by(CHECKPOINTS.c.size.desc()).limit(1)
    found: bytes | None = (await tx.session.execute(statement)).scalar()
    return found


async def checkpoints(tx: Transaction) -> tuple[tuple[int, bytes], ...]:
    """Return (size, note) of every checkpoint, smallest first."""
    statement = select(CHECKPOINTS.c.size, CHECKPOINTS.c.note).order_by(CHECKPOINTS.c.size)
    return tuple((row.size, row.note) for row in (await tx.session.execute(statement)).all())


async def add_cosignature(
    tx: Transaction, size: int, witness: str, line: str, *, now: datetime
) -> None:
    """Keep a witness's signature line over the checkpoint of this size."""
    await tx.session.execute(
        insert(COSIGNATURES).values(size=size, witness=witness, line=line, at=now)
    )


async def cosignatures(tx: Transaction, size: int) -> tuple[str, ...]:
    """Return the witnesses' lines over the checkpoint of this size."""
    statement = (
        select(COSIGNATURES.c.line)
        .where(COSIGNATURES.c.size == size)
        .order_by(COSIGNATURES.c.witness)
    )
    return tuple((await tx.session.execute(statement)).scalars())


async def cosigned_size(tx: Transaction) -> int:
    """Return the size of the largest checkpoint that a witness has cosigned; 0: none."""
    largest = (await tx.session.execute(select(func.max(COSIGNATURES.c.size)))).scalar()
    return 0 if largest is None else int(largest)


async def opened_payload(tx: Transaction, event_id: str) -> tuple[AuditEvent, bytes, bytes] | None:
    """Return an event with its salt and payload bytes, for a dossier; None without a payload.

    The transaction must be bound to the event's patient.
    """
    row = (await tx.session.execute(select(EVENTS).where(EVENTS.c.event_id == event_id))).first()
    if row is None or row.payload_sealed is None:
        return None
    body = _payload(tx, row)
    return parse_leaf(row.leaf), body[:SALT_BYTES], body[SALT_BYTES:]


def _payload(tx: Transaction, row: Any) -> bytes:
    holder = row.patient_id or SYSTEM
    return tx.vault.unseal("events", "payload_sealed", row.event_id, row.payload_sealed, holder)


def _entry(tx: Transaction, row: Any, *, payloads: bool) -> TimelineEntry:
    payload = None
    if payloads and row.payload_sealed is not None:
        payload = json.loads(_payload(tx, row)[SALT_BYTES:])
    occurred_at: datetime = row.occurred_at
    return TimelineEntry(
        event_id=row.event_id,
        occurred_at=occurred_at,
        action=row.action,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        outcome=row.outcome,
        details=parse_leaf(row.leaf).details,
        leaf_index=row.leaf_index,
        payload=payload,
    )
