"""One assessment as one transaction: load, raise alarms, judge, save, open what it asks for."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select

from services import installed
from services.audit.actions import Action
from services.clinical.alarms import scan
from services.clinical.assessment import Assessment
from services.clinical.assessment import assess as judge_patient
from services.clinical.envelope import Envelope
from services.clinical.patient import Lab, Snapshot
from services.clinical.propensity import in_charge
from services.clinical.proposal import Predictor
from services.clinical.verdict import NeedsData
from services.fhir.resource import Subject
from services.ids import new_id
from services.loop_results import AssessOutcome, VerdictKind
from services.store import (
    alarms,
    assessment_resources,
    assessments,
    choices,
    demotions,
    documents,
    openings,
    patients,
    resources,
    snapshots,
    tasks,
)
from services.store.assessment_resources import Judged
from services.store.entries import AssessmentDocument
from services.store.transaction import Transaction

# Ages and spans move on by themselves: nothing waits longer than a day to be looked at again [D].
ASSESS_AGAIN_AFTER = timedelta(hours=24)

# What a person has to do when an input is missing, by the input's name.
_TASK_FOR = {
    **{lab.value: "lab_order" for lab in Lab},
    "adherence": "adherence_talk",
    "supply": "prescription",
    "tablets": "prescription",
    "conditions": "check_list",
    "intolerances": "check_list",
    "medicines": "check_list",
    "pregnancy": "check_list",
    "target": "check_list",
}


async def lock_patient(tx: Transaction, patient_id: str) -> None:
    """Let assessments and enactments of one patient happen one after the other."""
    name = func.hashtextextended(f"patient/{patient_id}", 0)
    await tx.session.execute(select(func.pg_advisory_xact_lock(name)))


@dataclass(frozen=True, slots=True)
class Read:
    """What an assessment begins with: the patient as read, and the alarms that this raised."""

    snapshot: Snapshot
    envelope: Envelope | None
    alarm_ids: tuple[str, ...]


async def read(
    tx: Transaction, patient_id: str, *, key: str, now: datetime
) -> Read | AssessOutcome:
    """Lock and read the patient and raise the alarms; or return what this key came to before."""
    await lock_patient(tx, patient_id)
    earlier = await assessments.by_key(tx, key)
    if earlier is not None:
        return earlier
    snapshot, envelope = await snapshots.build(tx, patient_id, now=now)
    envelope = await demotions.by_record(tx, snapshot, envelope, now=now)
    return Read(snapshot, envelope, await _raise_alarms(tx, snapshot, now=now))


async def assess(
    tx: Transaction, patient_id: str, *, key: str, predictor: Predictor, now: datetime
) -> AssessOutcome:
    """Make and save one assessment; the same key again returns what the first came to."""
    found = await read(tx, patient_id, key=key, now=now)
    if isinstance(found, AssessOutcome):
        return found
    return await judge(tx, found, key=key, predictor=predictor, now=now)


async def judge(
    tx: Transaction, found: Read, *, key: str, predictor: Predictor, now: datetime
) -> AssessOutcome:
    """Judge what was read in this same transaction, and save it."""
    patient_id, envelope, alarm_ids = found.snapshot.patient_id, found.envelope, found.alarm_ids
    # An alarm of this very moment stops the patient-alone path at once.
    snapshot = replace(found.snapshot, open_alarm=found.snapshot.open_alarm or bool(alarm_ids))
    assessment_id = new_id()
    made = await asyncio.to_thread(judge_patient, snapshot, envelope, predictor, now, assessment_id)
    lower = await demotions.by_model(tx, made.ranking, envelope, now=now)
    if lower != envelope:
        envelope = lower
        made = await asyncio.to_thread(
            judge_patient, snapshot, envelope, predictor, now, assessment_id
        )
    row = await patients.get(tx, patient_id)
    judged = Judged(assessment_id, Subject(patient_id, row.simulated), snapshot, made, now)
    lock = await asyncio.to_thread(installed.lock_sha256)
    document = AssessmentDocument(assessment_id, snapshot, envelope, made, lock)
    saved = documents.dump(AssessmentDocument, document)
    outcome = await _open_and_save(tx, judged, envelope, saved, key=key, alarm_ids=alarm_ids)
    await _note(tx, judged, saved)
    return outcome


async def _raise_alarms(tx: Transaction, snapshot: Snapshot, *, now: datetime) -> tuple[str, ...]:
    raised = [
        await alarms.raise_or_merge(tx, snapshot.patient_id, alarm, now=now)
        for alarm in scan(snapshot, now)
    ]
    return tuple(alarm.alarm_id for alarm in raised if alarm.closed_at is None)


async def _open_and_save(
    tx: Transaction,
    judged: Judged,
    envelope: Envelope | None,
    saved: bytes,
    *,
    key: str,
    alarm_ids: tuple[str, ...],
) -> AssessOutcome:
    patient_id, made = judged.subject.patient_id, judged.assessment
    await resources.put_if_new(
        tx, patient_id, assessment_resources.ai_device(patient_id, made.ranking), now=judged.now
    )
    await resources.put_new(
        tx, patient_id, assessment_resources.of_assessment(judged), now=judged.now
    )
    missing = made.verdict.missing if isinstance(made.verdict, NeedsData) else ()
    # The review finds its assessment by id: written first, its outcome is known only after.
    draft = AssessOutcome(judged.assessment_id, VerdictKind(made.verdict.kind), missing=missing)
    review, offered = await openings.open_for(tx, judged, envelope)
    await _open_tasks(tx, patient_id, missing, now=judged.now)
    outcome = replace(
        draft,
        review_id=None if review is None else review.review_id,
        review_opened_at=None if review is None else review.opened_at,
        advice_id=None if offered is None else offered.advice_id,
        advice_opened_at=None if offered is None else offered.offered_at,
        alarm_ids=alarm_ids,
        last_reading_at=_last_reading_at(judged.snapshot),
        next_due=judged.now + ASSESS_AGAIN_AFTER,
    )
    await assessments.save(tx, saved, outcome, patient_id=patient_id, key=key, now=judged.now)
    await choices.keep(
        tx, judged.assessment_id, in_charge(made), patient_id=patient_id, now=judged.now
    )
    return outcome


async def _open_tasks(
    tx: Transaction, patient_id: str, missing: Sequence[str], *, now: datetime
) -> None:
    for name in missing:
        kind = _TASK_FOR.get(name)
        if kind is not None:
            await tasks.open_task(tx, patient_id, kind, cause=name, now=now)


def _last_reading_at(snapshot: Snapshot) -> datetime | None:
    return max((item.taken_at for item in snapshot.readings), default=None)


async def _note(tx: Transaction, judged: Judged, saved: bytes) -> None:
    made: Assessment = judged.assessment
    binding = made.verdict.binding
    await tx.event(
        Action.ASSESSMENT_MADE,
        now=judged.now,
        subject_type="GuidanceResponse",
        subject_id=f"{judged.assessment_id}-guidance@1",
        payload={
            "document_sha256": documents.sha256(saved),
            "move_id": made.proposal.move.move_id,
            "model": f"{made.ranking.model_id} {made.ranking.model_version}",
        },
        details=(
            ("path", made.proposal.path.value),
            ("rule", "none" if binding is None else binding.rule_id),
            ("verdict", made.verdict.kind),
        ),
        patient_id=judged.subject.patient_id,
    )
