"""What is remembered for ever about one act: who, what, which record, how it ended.

An event becomes one leaf of the log. It can hold no name, value or free text: people are keyed
pseudonyms, the payload is a salted commitment, and every text field has a form without spaces.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from services.audit.actions import Action
from services.audit.canonical import NotCanonical, canonical_bytes, parse_canonical

SCHEMA: Final = "audit-event/1"
SALT_BYTES: Final = 32
PSEUDONYM_KEY_BYTES: Final = 32
DETAILS_LIMIT: Final = 16

Detail = tuple[str, str | int | bool]

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
_DETAIL_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DETAIL_CODE: Final = re.compile(r"[A-Za-z0-9._:/@+|,#=-]{0,200}")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


class InvalidEvent(ValueError):
    """The event cannot be logged as it stands. Refuse the write that it belongs to."""


class ActorKind(StrEnum):
    """Who acted."""

    PATIENT = "patient"
    CLINICIAN = "clinician"
    DEVICE = "device"
    WORKER = "worker"
    SYSTEM = "system"
    AUDITOR = "auditor"


class Outcome(StrEnum):
    """How it ended. A refusal is the system saying no; a failure is the system being unable."""

    SUCCESS = "success"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One leaf's content. Raises InvalidEvent on construction when any field has another form.

    `event_id`: UUID text, lower case. `occurred_at`: aware UTC. `actor_pseudonym`,
    `patient_pseudonym`: from `pseudonym`. `subject_type`, `subject_id`: the record touched, such as
    ("MedicationRequest", "<id>@<version>"). `payload_commitment`: from `commitment`, None when
    there is no payload. `details`: codes, rule ids and versions, sorted by key.
    """

    event_id: str
    occurred_at: datetime
    action: Action
    actor_kind: ActorKind
    actor_pseudonym: str
    patient_pseudonym: str | None
    subject_type: str
    subject_id: str
    payload_commitment: str | None
    outcome: Outcome
    details: tuple[Detail, ...] = ()

    def __post_init__(self) -> None:
        """Hold every field to its form."""
        _require(self.event_id, _UUID, "event_id")
        if self.occurred_at.utcoffset() != timedelta(0):
            raise InvalidEvent("occurred_at: not in UTC")
        _require(self.actor_pseudonym, _DIGEST, "actor_pseudonym")
        if self.patient_pseudonym is not None:
            _require(self.patient_pseudonym, _DIGEST, "patient_pseudonym")
        _require(self.subject_type, _TYPE, "subject_type")
        _require(self.subject_id, _REFERENCE, "subject_id")
        if self.payload_commitment is not None:
            _require(self.payload_commitment, _DIGEST, "payload_commitment")
        _check_details(self.details)


def leaf_bytes(event: AuditEvent) -> bytes:
    """Return the exact bytes that are stored and hashed as the leaf: canonical JSON, no newline."""
    return canonical_bytes(
        {
            "action": event.action.value,
            "actor_kind": event.actor_kind.value,
            "actor_pseudonym": event.actor_pseudonym,
            "details": dict(event.details),
            "event_id": event.event_id,
            "occurred_at": _instant_text(event.occurred_at),
            "outcome": event.outcome.value,
            "patient_pseudonym": event.patient_pseudonym,
            "payload_commitment": event.payload_commitment,
            "schema": SCHEMA,
            "subject_id": event.subject_id,
            "subject_type": event.subject_type,
        }
    )


def parse_leaf(leaf: bytes) -> AuditEvent:
    """Return the event whose leaf is exactly `leaf`.

    Raises:
        InvalidEvent: not canonical JSON, another schema, an unknown or missing field, a bad form.
    """
    try:
        fields = parse_canonical(leaf)
    except NotCanonical as err:
        raise InvalidEvent("leaf is not canonical JSON") from err
    if not isinstance(fields, dict) or fields.get("schema") != SCHEMA:
        raise InvalidEvent(f"leaf is not {SCHEMA}")
    try:
        event = _from_fields(fields)
    except (KeyError, ValueError) as err:
        raise InvalidEvent(f"leaf field: {err}") from err
    # Equality of bytes refuses unknown fields and every second spelling in one rule.
    if leaf_bytes(event) != leaf:
        raise InvalidEvent("leaf holds fields that the schema does not know")
    return event


def commitment(salt: bytes, payload: bytes) -> str:
    """Return the salted commitment to `payload`, 64 hex digits.

    `salt` is 32 random bytes kept with the encrypted payload; without it, and with the payload
    destroyed, the commitment says nothing. Raises: InvalidEvent for a salt of another length.
    """
    if len(salt) != SALT_BYTES:
        raise InvalidEvent(f"salt of {len(salt)} bytes")
    return hashlib.sha256(b"audit-commitment/v1\n" + salt + payload).hexdigest()


def pseudonym(key: bytes, identifier: str) -> str:
    """Return the keyed pseudonym of a person, device or process, 64 hex digits.

    The same key and identifier always give the same pseudonym; destroying the key cuts the link.
    Raises: InvalidEvent for a key that is not 32 bytes.
    """
    if len(key) != PSEUDONYM_KEY_BYTES:
        raise InvalidEvent(f"pseudonym key of {len(key)} bytes")
    message = b"audit-pseudonym/v1\n" + identifier.encode("utf-8")
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def _instant_text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _instant(text: str) -> datetime:
    if _INSTANT.fullmatch(text) is None:
        raise InvalidEvent("occurred_at: not RFC 3339 with microseconds and Z")
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)


def _from_fields(fields: Mapping[str, object]) -> AuditEvent:
    return AuditEvent(
        event_id=_text(fields, "event_id"),
        occurred_at=_instant(_text(fields, "occurred_at")),
        action=Action(_text(fields, "action")),
        actor_kind=ActorKind(_text(fields, "actor_kind")),
        actor_pseudonym=_text(fields, "actor_pseudonym"),
        patient_pseudonym=_text_or_none(fields, "patient_pseudonym"),
        subject_type=_text(fields, "subject_type"),
        subject_id=_text(fields, "subject_id"),
        payload_commitment=_text_or_none(fields, "payload_commitment"),
        outcome=Outcome(_text(fields, "outcome")),
        details=_details(fields["details"]),
    )


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise InvalidEvent(f"{name}: not text")
    return value


def _text_or_none(fields: Mapping[str, object], name: str) -> str | None:
    return None if fields[name] is None else _text(fields, name)


def _details(value: object) -> tuple[Detail, ...]:
    if not isinstance(value, dict):
        raise InvalidEvent("details: not an object")
    details: list[Detail] = []
    for key, item in value.items():
        if not isinstance(item, str | int):
            raise InvalidEvent(f"details.{key}: neither text, integer nor boolean")
        details.append((key, item))
    return tuple(details)


def _require(value: str, form: re.Pattern[str], name: str) -> None:
    if form.fullmatch(value) is None:
        raise InvalidEvent(f"{name}: not of the form {form.pattern}")


def _check_details(details: tuple[Detail, ...]) -> None:
    keys = [key for key, _ in details]
    if keys != sorted(set(keys)) or len(keys) > DETAILS_LIMIT:
        raise InvalidEvent("details: keys not sorted and distinct, or too many")
    for key, item in details:
        _require(key, _DETAIL_KEY, "details key")
        if isinstance(item, str):
            # No spaces: free text has no place in a record that can never be erased.
            _require(item, _DETAIL_CODE, f"details.{key}")
