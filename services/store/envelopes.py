"""Envelopes: signed versions, each kept for ever; a revocation is a row of its own."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from services.audit.actions import Action
from services.clinical.envelope import Envelope
from services.fhir import careplan
from services.fhir.checks import checked_bytes
from services.outbox_messages import careplan_changed, recorded
from services.store import documents, patients, resources
from services.store.errors import NotOpen
from services.store.rows import Signature, SignedEnvelope
from services.store.tables.treatment import ENVELOPE_REVOCATIONS, ENVELOPES
from services.store.transaction import Transaction

AI_DEVICE = "clinaiops-loop"
"""The device that an envelope's Consent names: the loop, whichever model ranks in it."""

_ENDED = (ENVELOPE_REVOCATIONS.c.patient_id == ENVELOPES.c.patient_id) & (
    ENVELOPE_REVOCATIONS.c.version == ENVELOPES.c.version
)


def record(envelope: Envelope) -> bytes:
    """Return the bytes that a signature's `record_sha256` is over: all but number and signature."""
    unsigned = replace(envelope, version=0, signed_by=None, signed_at=None, revoked_at=None)
    return documents.dump(Envelope, unsigned)


async def sign(tx: Transaction, envelope: Envelope, signature: Signature, *, now: datetime) -> int:
    """Append a signed version and return its number; the version and signer are set here."""
    patient_id = envelope.patient_id
    newest = select(func.max(ENVELOPES.c.version)).where(ENVELOPES.c.patient_id == patient_id)
    version = ((await tx.session.execute(newest)).scalar() or 0) + 1
    signed = replace(
        envelope,
        version=version,
        signed_by=signature.clinician_id,
        signed_at=signature.signed_at,
        revoked_at=None,
    )
    row = f"{patient_id}@{version}"
    await tx.session.execute(
        insert(ENVELOPES).values(
            patient_id=patient_id,
            version=version,
            envelope_id=signed.envelope_id,
            body_sealed=tx.vault.seal(
                "envelopes", "body_sealed", row, documents.dump(Envelope, signed), patient_id
            ),
            signature_sealed=tx.vault.seal(
                "envelopes",
                "signature_sealed",
                row,
                documents.dump(Signature, signature),
                patient_id,
            ),
            signed_at=signature.signed_at,
            expires_at=signed.expires_at,
        )
    )
    await _write_plan(tx, signed, now=now)
    await tx.event(
        Action.ENVELOPE_SIGNED,
        now=now,
        subject_type="CarePlan",
        subject_id=f"{signed.envelope_id}@{version}",
        payload={"record_sha256": signature.record_sha256},
        details=(("stage", signed.stage.value), ("version", version)),
        patient_id=patient_id,
    )
    await _tell(tx, patient_id, now=now)
    return version


async def current(tx: Transaction, patient_id: str) -> Envelope | None:
    """Return the newest version, `revoked_at` set when it was revoked; None: never signed."""
    found = await _versions(tx, patient_id, limit=1)
    return found[0].envelope if found else None


async def history(tx: Transaction, patient_id: str) -> tuple[SignedEnvelope, ...]:
    """Return every version with its signature, newest first."""
    return await _versions(tx, patient_id, limit=None)


async def revoke(tx: Transaction, patient_id: str, *, reason: str, now: datetime) -> None:
    """End the current envelope before its time. Raises: NotOpen: there is none in force."""
    envelope = await current(tx, patient_id)
    if envelope is None or envelope.revoked_at is not None:
        raise NotOpen("no envelope is in force")
    await tx.session.execute(
        insert(ENVELOPE_REVOCATIONS).values(
            patient_id=patient_id,
            version=envelope.version,
            revoked_at=now,
            by_id=tx.acting.actor_id,
            reason_sealed=tx.vault.seal(
                "envelope_revocations",
                "reason_sealed",
                f"{patient_id}@{envelope.version}",
                reason.encode(),
                patient_id,
            ),
        )
    )
    await _write_plan(tx, replace(envelope, revoked_at=now), now=now)
    await tx.event(
        Action.ENVELOPE_REVOKED,
        now=now,
        subject_type="CarePlan",
        subject_id=f"{envelope.envelope_id}@{envelope.version}",
        payload={"reason": reason},
        patient_id=patient_id,
    )
    await _tell(tx, patient_id, now=now)


async def _versions(
    tx: Transaction, patient_id: str, *, limit: int | None
) -> tuple[SignedEnvelope, ...]:
    ended = ENVELOPE_REVOCATIONS
    statement = (
        select(ENVELOPES, ended.c.revoked_at, ended.c.by_id)
        .join(ended, _ENDED, isouter=True)
        .where(ENVELOPES.c.patient_id == patient_id)
        .order_by(ENVELOPES.c.version.desc())
        .limit(limit)
    )
    return tuple(_signed(tx, row) for row in (await tx.session.execute(statement)).all())


def _signed(tx: Transaction, row: Any) -> SignedEnvelope:
    place = f"{row.patient_id}@{row.version}"
    body = tx.vault.unseal("envelopes", "body_sealed", place, row.body_sealed, row.patient_id)
    signature = tx.vault.unseal(
        "envelopes", "signature_sealed", place, row.signature_sealed, row.patient_id
    )
    return SignedEnvelope(
        envelope=replace(documents.load(Envelope, body), revoked_at=row.revoked_at),
        signature=documents.load(Signature, signature),
        revoked_by=row.by_id,
    )


async def _write_plan(tx: Transaction, envelope: Envelope, *, now: datetime) -> None:
    """Append the version's CarePlan, RequestGroup, options and Consent as FHIR resources."""
    patient_id = envelope.patient_id
    row = await patients.get(tx, patient_id)
    written = careplan.envelope_resources(
        envelope=envelope, ai_device_id=AI_DEVICE, simulated=row.simulated
    )
    for resource in written:
        kind, name = str(resource["resourceType"]), str(resource["id"])
        await resources.put(tx, kind, name, checked_bytes(resource), patient_id, now=now)


async def _tell(tx: Transaction, patient_id: str, *, now: datetime) -> None:
    await tx.send(recorded(patient_id, "envelope"), now=now)
    await tx.send(careplan_changed(patient_id), now=now)
