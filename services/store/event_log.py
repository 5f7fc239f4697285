"""Audit events: made by a transaction, written with it, and read back as a timeline."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert

from services.audit.actions import Action
from services.audit.event import (
    SALT_BYTES,
    ActorKind,
    AuditEvent,
    Detail,
    Outcome,
    commitment,
    leaf_bytes,
    pseudonym,
)
from services.ids import new_id, new_secret
from services.store.roles import Acting
from services.store.tables.log import EVENTS
from services.store.vault import SYSTEM

if TYPE_CHECKING:
    from services.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An act that a transaction has noted and not yet written."""

    event_id: str
    acting: Acting
    action: Action
    occurred_at: datetime
    subject_type: str
    subject_id: str
    payload: bytes | None
    outcome: Outcome
    details: tuple[Detail, ...]
    patient_id: str | None

    @classmethod
    def make(  # noqa: PLR0913 - the fields of an event
        cls,
        acting: Acting,
        action: Action,
        *,
        now: datetime,
        subject_type: str,
        subject_id: str,
        payload: Mapping[str, object] | None,
        outcome: str,
        details: tuple[Detail, ...],
        patient_id: str | None,
    ) -> "NewEvent":
        """Return the event with its payload as bytes, so that later changes cannot reach it."""
        body = None if payload is None else json.dumps(payload, sort_keys=True).encode()
        return cls(
            event_id=new_id(),
            acting=acting,
            action=action,
            occurred_at=now,
            subject_type=subject_type,
            subject_id=subject_id,
            payload=body,
            outcome=Outcome(outcome),
            details=details,
            patient_id=patient_id,
        )


async def append(tx: "Transaction", events: Sequence[NewEvent]) -> None:
    """Write the events; a trigger queues each for the sealer.

    Raises:
        InvalidEvent: a field has a form that the log refuses; the transaction must fail.
    """
    await tx.session.execute(insert(EVENTS), [_row(tx, event) for event in events])


def _row(tx: "Transaction", event: NewEvent) -> dict[str, object]:
    key = tx.store.pseudonym_key
    salt = new_secret(SALT_BYTES)
    payload = event.payload
    leaf = leaf_bytes(
        AuditEvent(
            event_id=event.event_id,
            occurred_at=event.occurred_at,
            action=event.action,
            actor_kind=ActorKind(event.acting.kind),
            actor_pseudonym=pseudonym(key, event.acting.actor_id),
            patient_pseudonym=None
            if event.patient_id is None
            else pseudonym(key, event.patient_id),
            subject_type=event.subject_type,
            subject_id=event.subject_id,
            payload_commitment=None if payload is None else commitment(salt, payload),
            outcome=event.outcome,
            details=event.details,
        )
    )
    sealed = None
    if payload is not None:
        sealed = tx.vault.seal(
            "events", "payload_sealed", event.event_id, salt + payload, event.patient_id or SYSTEM
        )
    return {
        "event_id": event.event_id,
        "patient_id": event.patient_id,
        "occurred_at": event.occurred_at,
        "action": event.action.value,
        "actor_kind": event.acting.kind,
        "actor_id": event.acting.actor_id,
        "subject_type": event.subject_type,
        "subject_id": event.subject_id,
        "outcome": event.outcome.value,
        "request_id": event.acting.request_id,
        "leaf": leaf,
        "payload_sealed": sealed,
    }


def _pseudonym_or_none(key: bytes, identifier: str | None) -> str | None:
    return None if identifier is None else pseudonym(key, identifier)
