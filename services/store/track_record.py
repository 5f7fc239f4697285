"""Track records: what has been seen of a patient under the loop since a setback last lowered it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from services.clinical.autonomy import Setback, TrackRecord, last_step_at, setbacks_of
from services.clinical.envelope import Envelope
from services.clinical.patient import Snapshot
from services.loop_results import TaskKind
from services.store import consents, tasks
from services.store.rows import SignedEnvelope
from services.store.tables.treatment import REVIEW_DECISIONS
from services.store.transaction import Transaction

_WEEK = timedelta(days=7)
_YES, _NO = frozenset({"accept"}), frozenset({"modify", "reject"})
"""Decisions for and against what was proposed; to defer says neither."""


async def read(
    tx: Transaction,
    snapshot: Snapshot,
    history: Sequence[SignedEnvelope],
    *,
    training_finished: bool,
    now: datetime,
) -> TrackRecord:
    """Return what a rise of the stage is measured by; `history` is newest first.

    `training_finished` is the signing clinician's word: nothing else on record knows it.
    """
    patient_id = snapshot.patient_id
    since = max((item.at for version in history for item in version.lowered), default=None)
    decided = await _decided(tx, patient_id, since)
    agreed = sum(decided.get(kind, 0) for kind in _YES)
    look = TaskKind.LOOK_AT_PATIENT_STEP.value
    newest = history[0].in_effect if history else None
    setbacks = await setbacks_now(tx, snapshot, newest, now=now) if newest else frozenset[Setback]()
    return TrackRecord(
        weeks_observed=await _weeks_observed(tx, patient_id, since, now=now),
        proposals_reviewed=agreed + sum(decided.get(kind, 0) for kind in _NO),
        proposals_agreed=agreed,
        steps_reviewed=await tasks.done_since(tx, patient_id, look, since),
        training_finished=training_finished,
        setbacks_open=setbacks,
    )


async def setbacks_now(
    tx: Transaction, snapshot: Snapshot, envelope: Envelope, *, now: datetime
) -> frozenset[Setback]:
    """Return what the patient's record holds against this plan now."""
    step_at, look = last_step_at(snapshot, envelope), TaskKind.LOOK_AT_PATIENT_STEP.value
    reviewed = step_at is not None and await tasks.done_since(
        tx, envelope.patient_id, look, step_at
    )
    return setbacks_of(snapshot, envelope, now, last_step_reviewed=bool(reviewed))


async def _weeks_observed(
    tx: Transaction, patient_id: str, since: datetime | None, *, now: datetime
) -> int:
    agreed_at = await consents.monitored_since(tx, patient_id)
    if agreed_at is None:
        return 0
    return (now - max(agreed_at, since or agreed_at)) // _WEEK


async def _decided(tx: Transaction, patient_id: str, since: datetime | None) -> dict[str, int]:
    columns = REVIEW_DECISIONS.c
    statement = (
        select(columns.kind, func.count())
        .where(columns.patient_id == patient_id)
        .group_by(columns.kind)
    )
    if since is not None:
        statement = statement.where(columns.decided_at >= since)
    return {kind: count for kind, count in (await tx.session.execute(statement)).all()}
