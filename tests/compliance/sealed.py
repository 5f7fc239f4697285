"""A small real log for the compliance tests: events, tree, checkpoints, witness keys, bundles."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import rfc8785

from compliance.bundle import (
    EventFilter,
    Export,
    LogSigner,
    policy_text,
    sign_manifest,
    write_bundle,
)
from compliance.witness import WitnessKeys
from services.audit import merkle, notes
from services.audit.actions import Action
from services.audit.event import ActorKind, AuditEvent, Outcome, leaf_bytes, pseudonym
from services.audit.notes import Checkpoint, Note, SignatureType
from tests.services.audit.keys import SigningKey, signing_key, verify

START = datetime(2026, 3, 4, tzinfo=UTC)
PSEUDONYM_KEY = bytes(range(32))
LOG = signing_key("log.example/audit")
WITNESS = signing_key("witness.example/w1", SignatureType.COSIGNATURE)
SIGNER = LogSigner(LOG.public, LOG.sign)
POLICY = policy_text(LOG.public, WITNESS.public)
WITNESS_KEYS = WitnessKeys(WITNESS.public, WITNESS.sign, LOG.public, verify)
ATTACHMENTS: Mapping[str, Iterable[bytes]] = {
    "AuditEvent.ndjson": [b'{"resourceType":"AuditEvent"}\n'],
    "events.csv": [b"index,action\n"],
}
ACTIONS = (Action.READING_RECORDED, Action.ORDER_ENACTED, Action.RECORD_READ)


def event(number: int) -> AuditEvent:
    return AuditEvent(
        event_id=str(UUID(int=number)),
        occurred_at=START + timedelta(minutes=number),
        action=ACTIONS[number % 3],
        actor_kind=ActorKind.WORKER,
        actor_pseudonym=pseudonym(PSEUDONYM_KEY, "worker"),
        patient_pseudonym=pseudonym(PSEUDONYM_KEY, f"patient-{number % 2}"),
        subject_type="Observation",
        subject_id=f"{number}@1",
        payload_commitment=None,
        outcome=Outcome.SUCCESS,
        details=(("rule", "R07"),),
    )


def leaves_of(count: int) -> list[bytes]:
    return [leaf_bytes(event(number)) for number in range(count)]


def hashes_of(leaves: Iterable[bytes]) -> list[bytes]:
    return [merkle.leaf_hash(leaf) for leaf in leaves]


def log_note(leaves: Sequence[bytes], log: SigningKey = LOG) -> bytes:
    """A checkpoint that only the log's key signed: what a thief of that key can make."""
    checkpoint = Checkpoint(log.public.name, len(leaves), merkle.root_of(hashes_of(leaves)))
    text = checkpoint.text()
    return notes.format_note(Note(text, (notes.sign_text(text, log.public, log.sign),)))


def with_line(note: bytes, signature: notes.NoteSignature) -> bytes:
    parsed = notes.parse_note(note)
    return notes.format_note(Note(parsed.text, (*parsed.signatures, signature)))


def cosigned(note: bytes, witness: SigningKey = WITNESS, *, now: datetime = START) -> bytes:
    text = notes.parse_note(note).text
    return with_line(note, notes.cosign_text(text, witness.public, witness.sign, now=now))


def build(
    directory: Path,
    leaves: Sequence[bytes],
    note: bytes,
    *,
    shown: EventFilter | None = None,
    span: tuple[int, int] | None = None,
    chosen: Iterable[int] | None = None,
    attachments: Mapping[str, Iterable[bytes]] = ATTACHMENTS,
    policy: str = POLICY,
) -> Path:
    first, end = span or (0, len(leaves))
    export = Export(
        requester=pseudonym(PSEUDONYM_KEY, "auditor"),
        reason="yearly audit",
        software="clinaiops 0.1.0",
        shown=shown or EventFilter(),
        first=first,
        end=end,
        checkpoint=note,
        policy=policy,
    )
    indices = range(first, end) if chosen is None else chosen
    write_bundle(
        directory,
        export,
        leaves=[(index, leaves[index]) for index in indices],
        leaf_hashes=hashes_of(leaves),
        attachments=attachments,
        signer=SIGNER,
    )
    return directory


def rewrite(directory: Path, files: Mapping[str, bytes | None], **fields: Any) -> None:
    """Change files (None removes) and manifest fields, then sign again with the log's own key."""
    manifest = json.loads((directory / "manifest.json").read_bytes())
    listed = {entry["name"]: entry for entry in manifest["files"]}
    for name, data in files.items():
        (directory / name).unlink(missing_ok=True)
        listed.pop(name, None)
        if data is not None:
            (directory / name).write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            listed[name] = {"name": name, "sha256": digest, "bytes": len(data)}
    manifest["files"] = [listed[name] for name in sorted(listed)]
    sign_again(directory, manifest | fields)


def sign_again(directory: Path, manifest: Any) -> None:
    data = rfc8785.dumps(manifest)
    (directory / "manifest.json").write_bytes(data)
    (directory / "manifest.sig").write_bytes(sign_manifest(data, SIGNER))
