"""The work-list: every patient of this clinician's in one answer, most urgent first."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from fastapi import APIRouter

from clinician_app.api import roster
from clinician_app.api.bodies import ProposalOut, Worklist, WorklistRow
from clinician_app.api.caller import Asking
from clinician_app.api.proposals import proposal_out
from clinician_app.api.reading import note_read
from clinician_app.api.together import task_words
from clinician_app.api.trend import Course, sparkline, summary
from clinician_app.api.trend_wire import TrendSummary
from clinician_app.api.worklist_order import (
    SILENT_AFTER,
    Standing,
    Tier,
    in_order,
    risk_points,
    tier,
)
from clinician_app.words import age_years, ago, due_words, plain
from services.audit.actions import Action
from services.clinical import guard
from services.clinical.alarms import Urgency
from services.clinical.ladders import ANSWER_WITHIN
from services.clinical.verdict import Advise, NeedsData, Verdict
from services.ids import new_id
from services.store import (
    Transaction,
    assessments,
    doses,
    halts,
    patients,
    readings,
    reviews,
)
from services.store.entries import AlarmEntry, AssessmentDocument, ReviewEntry, TaskEntry
from services.store.rows import Identity, PatientFacts, PatientRow

router = APIRouter(prefix="/v1", tags=["work-list"])
E = TypeVar("E", AlarmEntry, TaskEntry)

SPARK_DAYS = 30
SOON = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient with all that the list shows of them."""

    row: PatientRow
    identity: Identity
    facts: PatientFacts
    course: Course
    review: ReviewEntry | None
    document: AssessmentDocument | None
    alarms: tuple[AlarmEntry, ...]
    tasks: tuple[TaskEntry, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A patient with their place in the list."""

    patient: Patient
    summary: TrendSummary
    standing: Standing

    @property
    def patient_id(self) -> str:
        """Whose row it is."""
        return self.patient.row.patient_id


@router.get("/worklist", operation_id="worklist")
async def worklist(caller: Asking) -> Worklist:
    """Return the list in its order: red flags, overdue, proposals, no data, the rest."""
    now = caller.now
    async with caller.door.store.transaction(caller.acting()) as tx:
        found = await _read(tx, now)
        everywhere = await halts.active(tx, None)
        await note_read(
            tx, caller, "Worklist", new_id(), patient_id=None, action=Action.RECORD_SEARCHED
        )
    listed = in_order([_listed(patient, now) for patient in found], now)
    due = [item.standing.due_at for item in listed if item.standing.due_at is not None]
    return Worklist(
        as_of=now,
        overdue=sum(at <= now for at in due),
        due_in_4_hours=sum(now < at <= now + SOON for at in due),
        proposals_open=sum(item.standing.has_proposal for item in listed),
        silent=sum(_is_silent(item.standing, now) for item in listed),
        halted_everywhere=bool(everywhere),
        rows=[_row(item, now) for item in listed],
    )


async def _read(tx: Transaction, now: datetime) -> list[Patient]:
    visible = await patients.list_for_clinician(tx)
    ids = await roster.readable(tx, [row.patient_id for row in visible])
    if not ids:
        return []
    rows = [row for row in visible if row.patient_id in set(ids)]
    identities = await patients.identities(tx, ids)
    series = await readings.between_many(tx, ids, now - timedelta(days=SPARK_DAYS), now)
    open_reviews = {review.patient_id: review for review in await reviews.list_open(tx)}
    open_alarms = _by_patient(await roster.open_alarms(tx, ids))
    open_tasks = _by_patient(await roster.open_tasks(tx, ids))
    found = []
    for row in rows:
        patient_id = row.patient_id
        review = open_reviews.get(patient_id)
        facts = await patients.facts(tx, patient_id)
        taken = await doses.adherence(tx, patient_id, now=now)
        found.append(
            Patient(
                row=row,
                identity=identities[patient_id],
                facts=facts,
                course=Course(series[patient_id], (), facts.target, taken),
                review=review,
                document=await _document(tx, patient_id, review),
                alarms=tuple(open_alarms[patient_id]),
                tasks=tuple(open_tasks[patient_id]),
            )
        )
    return found


async def _document(
    tx: Transaction, patient_id: str, review: ReviewEntry | None
) -> AssessmentDocument | None:
    """The assessment under review, else the latest: it says why nothing is proposed."""
    if review is not None:
        return await assessments.document(tx, review.assessment_id)
    newest = await assessments.latest(tx, patient_id)
    return None if newest is None else await assessments.document(tx, newest.assessment_id)


def _by_patient(entries: Iterable[E]) -> dict[str, list[E]]:
    grouped: dict[str, list[E]] = defaultdict(list)
    for entry in entries:
        grouped[entry.patient_id].append(entry)
    return grouped


def _listed(patient: Patient, now: datetime) -> Listed:
    seven_days = summary(patient.course, now=now)
    target = patient.facts.target
    standing = Standing(
        red_flag=any(_is_red(alarm) for alarm in patient.alarms),
        due_at=min(_dues(patient), default=None),
        has_proposal=_proposal(patient) is not None,
        last_reading_at=seven_days.last_reading_at,
        risk=risk_points(
            systolic_mmhg=seven_days.am_systolic,
            target_below_mmhg=None if target is None else target.systolic_below_mmhg,
            age=age_years(patient.facts.birth_date, now.date()),
        ),
    )
    return Listed(patient, seven_days, standing)


def _dues(patient: Patient) -> list[datetime]:
    """When each open matter of a patient is due; a taken alarm waits for nobody."""
    waiting = [alarm for alarm in patient.alarms if alarm.acknowledged_at is None]
    dues = [alarm.raised_at + ANSWER_WITHIN[Urgency(alarm.urgency)] for alarm in waiting]
    dues += [task.due_at for task in patient.tasks if task.due_at is not None]
    return dues if patient.review is None else [*dues, patient.review.due_at]


def _is_red(alarm: AlarmEntry) -> bool:
    return alarm.acknowledged_at is None and alarm.urgency != Urgency.QUEUE.value


def _is_silent(standing: Standing, now: datetime) -> bool:
    last = standing.last_reading_at
    return last is None or now - last > SILENT_AFTER


def _row(item: Listed, now: datetime) -> WorklistRow:
    patient, standing = item.patient, item.standing
    proposal = _proposal(patient)
    return WorklistRow(
        patient_id=item.patient_id,
        review_id=None if patient.review is None else patient.review.review_id,
        name=patient.identity.name,
        age=age_years(patient.facts.birth_date, now.date()),
        simulated=patient.row.simulated,
        tier=tier(standing, now).code,
        due_at=standing.due_at,
        due=due_words(standing.due_at, now),
        why=why(patient, tier(standing, now)),
        am_systolic=item.summary.am_systolic,
        pm_systolic=item.summary.pm_systolic,
        spark=sparkline(patient.course.readings, days=SPARK_DAYS, now=now),
        in_target_percent=item.summary.in_target_percent,
        doses_taken_percent=item.summary.doses_taken_percent,
        proposal="–" if proposal is None else proposal.words,
        certainty_percent=None if proposal is None else proposal.certainty_percent,
        certainty="–" if proposal is None else proposal.certainty,
        last_reading_at=standing.last_reading_at,
        last_data=ago(standing.last_reading_at, now),
    )


def why(patient: Patient, place: Tier) -> str:
    """Return the one phrase that says why a patient stands where they stand."""
    red = [alarm for alarm in patient.alarms if _is_red(alarm)]
    if red:
        return plain(red[0].cause)
    if patient.review is not None and patient.document is not None:
        return review_cause(patient.document)
    if patient.tasks:
        return task_words(patient.tasks[0])
    if place is Tier.NO_DATA:
        return "No recent readings"
    return "–" if patient.document is None else verdict_words(patient.document.assessment.verdict)


def _proposal(patient: Patient) -> ProposalOut | None:
    """What waits for a clinician; what was proposed to the patient is not theirs to decide."""
    if patient.review is None or patient.document is None:
        return None
    return proposal_out(patient.document.assessment.proposal)


def verdict_words(verdict: Verdict) -> str:
    """Return why there is no step now, in a phrase."""
    if isinstance(verdict, NeedsData):
        return f"Needs {', '.join(verdict.missing)}".replace("_", " ")
    if verdict.binding is None:
        return "Advised to the patient" if isinstance(verdict, Advise) else "–"
    return guard.describe(verdict.binding.rule_id)


def review_cause(document: AssessmentDocument) -> str:
    """Return why a clinician is asked: the rule that asks, else that a step needs one."""
    binding = document.assessment.verdict.binding
    return "A dose step to decide" if binding is None else guard.describe(binding.rule_id)
