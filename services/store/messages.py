"""Messages between patient and care team, and the reminders that the loops put before a patient."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.audit.actions import Action
from services.ids import new_id
from services.store.entries import MessageEntry
from services.store.errors import NotInRecord
from services.store.tables.together import MESSAGES, REMINDERS
from services.store.transaction import Transaction

SYSTEM_SENDER = "system"
"""Sender of reminders: their text is a reason code, which the door puts into words."""


async def send(tx: Transaction, patient_id: str, text: str, *, now: datetime) -> MessageEntry:
    """Send a message as the one who acts."""
    is_patient = tx.acting.kind in ("patient", "device")
    kind = "patient" if is_patient else tx.acting.kind
    return await _append(tx, patient_id, kind, tx.acting.actor_id, text, now=now)


async def remind(tx: Transaction, patient_id: str, *, key: str, reason: str, now: datetime) -> bool:
    """Put a reminder before the patient, once a key; False when it was there."""
    statement = (
        upsert(REMINDERS)
        .values(reminder_id=key, patient_id=patient_id, reason=reason, at=now)
        .on_conflict_do_nothing()
        .returning(REMINDERS.c.reminder_id)
    )
    if (await tx.session.execute(statement)).first() is None:
        return False
    await _append(tx, patient_id, SYSTEM_SENDER, tx.acting.actor_id, reason, now=now)
    return True


async def list_for(
    tx: Transaction, patient_id: str, *, limit: int = 100
) -> tuple[MessageEntry, ...]:
    """Return the patient's messages, newest first."""
    statement = (
        select(MESSAGES)
        .where(MESSAGES.c.patient_id == patient_id)
        .order_by(MESSAGES.c.sent_at.desc(), MESSAGES.c.message_id)
        .limit(limit)
    )
    return tuple(_entry(tx, row) for row in (await tx.session.execute(statement)).all())


async def mark_read(tx: Transaction, message_id: str, *, now: datetime) -> None:
    """Note that a message was read; read before: the first time stands. Raises: NotInRecord."""
    columns = MESSAGES.c
    statement = (
        update(MESSAGES)
        .where(columns.message_id == message_id, columns.read_at.is_(None))
        .values(read_at=now)
        .returning(columns.message_id)
    )
    if (await tx.session.execute(statement)).first() is not None:
        return
    there = select(columns.message_id).where(columns.message_id == message_id)
    if (await tx.session.execute(there)).first() is None:
        raise NotInRecord(f"no message {message_id}")


async def _append(
    tx: Transaction, patient_id: str, from_kind: str, from_id: str, text: str, *, now: datetime
) -> MessageEntry:
    message = MessageEntry(new_id(), patient_id, from_kind, from_id, now, None, text)
    await tx.session.execute(
        insert(MESSAGES).values(
            message_id=message.message_id,
            patient_id=patient_id,
            from_kind=from_kind,
            from_id=from_id,
            sent_at=now,
            body_sealed=tx.vault.seal(
                "messages", "body_sealed", message.message_id, text.encode(), patient_id
            ),
        )
    )
    await tx.event(
        Action.MESSAGE_SENT,
        now=now,
        subject_type="Communication",
        subject_id=message.message_id,
        payload={"text": text},
        details=(("sender", from_kind),),
        patient_id=patient_id,
    )
    return message


def _entry(tx: Transaction, row: Any) -> MessageEntry:
    text = tx.vault.unseal(
        "messages", "body_sealed", row.message_id, row.body_sealed, row.patient_id
    )
    return MessageEntry(
        message_id=row.message_id,
        patient_id=row.patient_id,
        from_kind=row.from_kind,
        from_id=row.from_id,
        sent_at=row.sent_at,
        read_at=row.read_at,
        text=text.decode(),
    )
