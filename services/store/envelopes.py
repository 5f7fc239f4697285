"""Envelopes: signed versions, each kept for ever; revocations and demotions are rows of their own.

A worker may write a demotion, never a version: a loop can take permission away and give none.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from services.audit.actions import Action
from services.clinical.autonomy import Setback, demoted
from services.clinical.envelope import Envelope, Stage
from services.fhir import careplan
from services.fhir.checks import checked_bytes
from services.loop_results import TaskKind
from services.metrics import PLANS_LOWERED
from services.outbox_messages import careplan_changed, recorded
from services.store import documents, patients, resources, tasks
from services.store.errors import NotOpen
from services.store.rows import Lowered, Signature, SignedEnvelope
from services.store.tables.treatment import (
    ENVELOPE_DEMOTIONS,
    ENVELOPE_REVOCATIONS,
    ENVELOPES,
)
from services.store.transaction import Transaction

AI_DEVICE = "clinaiops-loop"
"""The device that an envelope's Consent names: the loop, whichever model ranks in it."""

_ENDED = (ENVELOPE_REVOCATIONS.c.patient_id == ENVELOPES.c.patient_id) & (
    ENVELOPE_REVOCATIONS.c.version == ENVELOPES.c.version
)


def record(envelope: Envelope) -> bytes:
    """Return the bytes that a signature's `record_sha256` is over: all but number and signature."""
    unsigned = replace(
        envelope, version=0, signed_by=None, signed_at=None, revoked_at=None, second_signed_by=None
    )
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
        second_signed_by=None if signature.second is None else signature.second.clinician_id,
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
        details=(
            ("stage", signed.stage.value),
            ("two_signatures", signed.second_signed_by is not None),
            ("version", version),
        ),
        patient_id=patient_id,
    )
    await _tell(tx, patient_id, now=now)
    return version


async def current(tx: Transaction, patient_id: str) -> Envelope | None:
    """Return the newest version at the stage that it has now; None: never signed.

    `revoked_at` is set when it was revoked.
    """
    found = await _versions(tx, patient_id, limit=1)
    return found[0].in_effect if found else None


async def history(tx: Transaction, patient_id: str) -> tuple[SignedEnvelope, ...]:
    """Return every version as signed, newest first."""
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


async def demote(
    tx: Transaction, envelope: Envelope, setbacks: frozenset[Setback], *, now: datetime
) -> Envelope:
    """Lower the stage as the setbacks demand and tell the care team; return what is in effect.

    The signed version stays as it was signed. Nothing is written where no setback lowers it.
    """
    lower = demoted(envelope, setbacks)
    if lower.stage is envelope.stage:
        return envelope
    patient_id, stage = envelope.patient_id, lower.stage.value
    names = sorted(setback.value for setback in setbacks)
    await tx.session.execute(
        insert(ENVELOPE_DEMOTIONS).values(
            patient_id=patient_id,
            version=envelope.version,
            stage=stage,
            at=now,
            setbacks_sealed=tx.vault.seal(
                "envelope_demotions",
                "setbacks_sealed",
                _demotion_row(patient_id, envelope.version, stage),
                " ".join(names).encode(),
                patient_id,
            ),
        )
    )
    await _write_plan(tx, lower, now=now)
    await tx.event(
        Action.ENVELOPE_DEMOTED,
        now=now,
        subject_type="CarePlan",
        subject_id=f"{envelope.envelope_id}@{envelope.version}",
        payload={"setbacks": names},
        details=(("stage", stage), ("version", envelope.version)),
        patient_id=patient_id,
    )
    for name in names:
        PLANS_LOWERED.labels(name).inc()
        await tasks.open_task(tx, patient_id, TaskKind.LOOK_AT_LOWERED_PLAN, cause=name, now=now)
    await _tell(tx, patient_id, now=now)
    return lower


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
    rows = (await tx.session.execute(statement)).all()
    lowered = await _lowered(tx, patient_id) if rows else {}
    return tuple(_signed(tx, row, tuple(lowered.get(row.version, ()))) for row in rows)


async def _lowered(tx: Transaction, patient_id: str) -> dict[int, list[Lowered]]:
    """Return the demotions of each version, oldest first."""
    statement = (
        select(ENVELOPE_DEMOTIONS)
        .where(ENVELOPE_DEMOTIONS.c.patient_id == patient_id)
        .order_by(ENVELOPE_DEMOTIONS.c.at)
    )
    found: dict[int, list[Lowered]] = {}
    for row in (await tx.session.execute(statement)).all():
        place = _demotion_row(patient_id, row.version, row.stage)
        named = tx.vault.unseal(
            "envelope_demotions", "setbacks_sealed", place, row.setbacks_sealed, patient_id
        )
        setbacks = tuple(Setback(name) for name in named.decode().split())
        found.setdefault(row.version, []).append(Lowered(Stage(row.stage), setbacks, row.at))
    return found


def _demotion_row(patient_id: str, version: int, stage: str) -> str:
    return f"{patient_id}@{version}/{stage}"


def _signed(tx: Transaction, row: Any, lowered: tuple[Lowered, ...]) -> SignedEnvelope:
    place = f"{row.patient_id}@{row.version}"
    body = tx.vault.unseal("envelopes", "body_sealed", place, row.body_sealed, row.patient_id)
    signature = tx.vault.unseal(
        "envelopes", "signature_sealed", place, row.signature_sealed, row.patient_id
    )
    return SignedEnvelope(
        envelope=replace(documents.load(Envelope, body), revoked_at=row.revoked_at),
        signature=documents.load(Signature, signature),
        revoked_by=row.by_id,
        lowered=lowered,
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
