"""Earned autonomy at the door: which stage one clinician may sign, and when it takes two."""

from collections.abc import Sequence
from datetime import datetime

from clinician_app.api.envelope_bodies import SignEnvelopeBody, TrackRecordOut
from clinician_app.words import plain
from services.clinical import plans
from services.clinical.autonomy import TrackRecord, is_earned
from services.clinical.envelope import Envelope, Stage
from services.clinical.facts import STAGES
from services.problems import FieldError, ProblemCode, ProblemRaised
from services.store import Transaction, snapshots, track_record
from services.store.rows import SignedEnvelope


async def refuse_alone(
    tx: Transaction,
    envelope: Envelope,
    history: Sequence[SignedEnvelope],
    body: SignEnvelopeBody,
    *,
    now: datetime,
) -> None:
    """Refuse what takes two clinicians. Raises: ProblemRaised, with why and what would do."""
    if plans.needs_second_signature(envelope):
        raise _needs_second("a setting looser than the default needs a second clinician")
    snapshot, _ = await snapshots.build(tx, envelope.patient_id, now=now)
    record = await track_record.read(
        tx, snapshot, history, training_finished=body.training_finished, now=now
    )
    if not is_earned(record, stage_held(history, now), envelope.stage):
        stage = plain(envelope.stage)
        raise _needs_second(
            f"{stage} is not earned yet, {_seen(record)}: it needs a second clinician"
        )


def _seen(record: TrackRecord) -> str:
    """Say what the record holds, as far as a rise asks for it."""
    trained = "trained" if record.training_finished else "training not confirmed"
    against = ", ".join(sorted(plain(setback) for setback in record.setbacks_open))
    return (
        f"{trained}, {record.proposals_agreed} of {record.proposals_reviewed} proposals agreed to, "
        f"{record.steps_reviewed} steps looked at" + (f", {against}" if against else "")
    )


def stage_held(history: Sequence[SignedEnvelope], now: datetime) -> Stage | None:
    """Return the stage in effect; None: no plan is in force."""
    if not history or not in_force(history[0].envelope, now):
        return None
    return history[0].in_effect.stage


def in_force(envelope: Envelope, now: datetime) -> bool:
    """Say whether a plan's time has come and is not over."""
    return envelope.revoked_at is None and envelope.valid_from <= now < envelope.expires_at


def earned_out(record: TrackRecord, held: Stage | None) -> TrackRecordOut:
    """Return the record as the editor shows it, with the highest stage that it earns."""
    highest = [stage for stage in STAGES if is_earned(record, held, stage)][-1]
    return TrackRecordOut(
        stage=highest.value,
        weeks_observed=record.weeks_observed,
        proposals_reviewed=record.proposals_reviewed,
        proposals_agreed=record.proposals_agreed,
        steps_reviewed=record.steps_reviewed,
        setbacks=sorted(setback.value for setback in record.setbacks_open),
    )


def _needs_second(detail: str) -> ProblemRaised:
    return ProblemRaised(ProblemCode.INVALID_INPUT, errors=(FieldError("/second", detail),))
