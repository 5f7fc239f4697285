"""The outbox: messages to the loops, committed with what they tell of, delivered at least once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, text, update

from services.outbox_messages import (
    ClaimedMessage,
    OutboxMessage,
    Priority,
    Queue,
    Signal,
    Workflow,
)
from services.store.tables.log import OUTBOX

if TYPE_CHECKING:
    from services.store.transaction import Transaction

CHANNEL = "clinaiops_outbox"
"""NOTIFY channel: something may have been committed."""


async def append(tx: "Transaction", messages: Sequence[tuple[OutboxMessage, datetime]]) -> None:
    """Write messages and wake the relay when this transaction commits."""
    await tx.session.execute(insert(OUTBOX), [_row(message, now) for message, now in messages])
    await tx.session.execute(text(f"NOTIFY {CHANNEL}"))


async def claim_batch(
    tx: "Transaction", *, limit: int, lease_s: float, now: datetime
) -> tuple[ClaimedMessage, ...]:
    """Take undelivered messages for `lease_s`: priority 1 first, then oldest first."""
    table = OUTBOX
    waiting = (
        select(table.c.message_id)
        .where(
            table.c.delivered_at.is_(None),
            table.c.failed_at.is_(None),
            (table.c.claimed_until.is_(None)) | (table.c.claimed_until <= now),
        )
        .order_by(table.c.priority, table.c.message_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(table)
        .where(table.c.message_id.in_(waiting.scalar_subquery()))
        .values(claimed_until=now + timedelta(seconds=lease_s), attempts=table.c.attempts + 1)
        .returning(*table.c)
    )
    rows = (await tx.session.execute(taken)).all()
    ordered = sorted(rows, key=lambda row: (row.priority, row.message_id))
    return tuple(_claimed(row) for row in ordered)


async def mark_delivered(tx: "Transaction", sequences: Sequence[int], *, now: datetime) -> None:
    """These arrived; they are never offered again."""
    await _change(tx, sequences, delivered_at=now)


async def mark_failed(tx: "Transaction", sequence: int, *, error_code: str, now: datetime) -> None:
    """This one cannot be delivered as it is written; it is kept apart for a person to see."""
    await _change(tx, [sequence], failed_at=now, error_code=error_code)


async def release(tx: "Transaction", sequences: Sequence[int]) -> None:
    """Offer these again at once."""
    await _change(tx, sequences, claimed_until=None)


async def waiting_count(tx: "Transaction") -> int:
    """Return how many messages are not delivered yet, for the metrics."""
    statement = text("SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND failed_at IS NULL")
    return int((await tx.session.execute(statement)).scalar_one())


async def _change(tx: "Transaction", sequences: Sequence[int], **values: object) -> None:
    await tx.session.execute(
        update(OUTBOX)
        .where(OUTBOX.c.message_id.in_(sequences), OUTBOX.c.delivered_at.is_(None))
        .values(**values)
    )


def _row(message: OutboxMessage, now: datetime) -> dict[str, object]:
    return {
        "workflow": message.workflow.value,
        "workflow_id": message.workflow_id,
        "start": message.start,
        "signal": message.signal.value,
        "payload": dict(message.payload),
        "queue": message.queue.value,
        "priority": int(message.priority),
        "coalesce_key": message.coalesce_key,
        "created_at": now,
        "attempts": 0,
    }


def _claimed(row: Any) -> ClaimedMessage:
    message = OutboxMessage(
        workflow=Workflow(row.workflow),
        workflow_id=row.workflow_id,
        signal=Signal(row.signal),
        payload=row.payload,
        start=row.start,
        queue=Queue(row.queue),
        priority=Priority(row.priority),
        coalesce_key=row.coalesce_key,
    )
    return ClaimedMessage(
        sequence=row.message_id, message=message, written_at=row.created_at, attempts=row.attempts
    )
