"""One patient: the record, the trend, the audit timeline."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from clinician_app.api.bodies import LabLine, PatientOut, SymptomLine
from clinician_app.api.caller import Asking
from clinician_app.api.care_bodies import Timeline, TimelineEvent
from clinician_app.api.reading import Id, Reading, patient_shown
from clinician_app.api.trend import course_of, summarise
from clinician_app.api.trend_wire import Trend
from clinician_app.words import ago, plain
from services.clinical.patient import Lab, LabResult, Snapshot
from services.store import Transaction, credentials, events, reviews, symptoms, visits
from services.store.rows import SymptomEntry, TimelineEntry

router = APIRouter(prefix="/v1/patients/{patient_id}", tags=["patients"])

LAB_UNITS = {
    Lab.POTASSIUM: "mmol/L",
    Lab.SODIUM: "mmol/L",
    Lab.CREATININE: "mg/dL",
    Lab.EGFR: "mL/min/1.73 m²",
    Lab.ALBUMIN_CREATININE_RATIO: "mg/g",
}
Days = Annotated[int, Query(ge=7, le=365)]


@router.get("", operation_id="patient")
async def patient(patient_id: Id, caller: Asking) -> PatientOut:
    """Return the record of one patient, what is not known first."""
    async with patient_shown(caller, patient_id, "Patient", patient_id) as shown:
        review = await reviews.open_for(shown.tx, patient_id)
        visit = await visits.next_visit(shown.tx, patient_id)
        reported = await symptoms.since(shown.tx, patient_id, caller.now.replace(year=2000))
    snapshot = shown.snapshot
    return PatientOut(
        as_of=caller.now,
        header=shown.header,
        unknowns=unknowns(snapshot),
        labs=[lab_line(result, caller.now) for result in reversed(snapshot.labs)],
        symptoms=[_symptom(entry) for entry in reversed(reported)],
        other_medicines=[plain(item.kind.value) for item in snapshot.other_medicines],
        intolerances=[plain(item.drug.value) for item in snapshot.intolerances],
        pregnancy=None if snapshot.pregnancy is None else snapshot.pregnancy.value,
        consent=sorted(purpose.value for purpose in snapshot.consent),
        next_visit_at=None if visit is None else visit.planned_for,
        open_review_id=None if review is None else review.review_id,
    )


@router.get("/trend", operation_id="trend")
async def trend(patient_id: Id, caller: Asking, days: Days = 30) -> Trend:
    """Return pressures binned by day and hour, with dose changes and goal."""
    async with patient_shown(caller, patient_id, "Trend", patient_id) as shown:
        return summarise(course_of(shown.snapshot), days=days, now=caller.now)


@router.get("/timeline", operation_id="timeline")
async def timeline(patient_id: Id, caller: Asking, reads: bool = True) -> Timeline:
    """Return what happened on this record, newest first, with signatures and leaf numbers.

    `reads=false` leaves out who looked at it.
    """
    async with patient_shown(caller, patient_id, "Timeline", patient_id) as shown:
        return await _timeline(shown, patient_id, reads=reads)


def unknowns(snapshot: Snapshot) -> list[str]:
    """Return what nobody has confirmed yet, in words."""
    table = (
        ("birth date", snapshot.birth_date is None),
        ("pregnancy", snapshot.pregnancy is None and snapshot.sex.value != "male"),
        ("list of conditions", not snapshot.conditions_complete),
        ("list of intolerances", not snapshot.intolerances_complete),
        ("list of medicines", not snapshot.medicines_complete),
        ("target", snapshot.target is None),
        ("doses taken", snapshot.adherence is None),
        ("potassium", not any(lab.lab is Lab.POTASSIUM for lab in snapshot.labs)),
    )
    return [name for name, is_unknown in table if is_unknown]


def lab_line(result: LabResult, now: datetime) -> LabLine:
    """Return one result with its unit and age."""
    value = f"{result.value_thousandths / 1000:.2f}".rstrip("0").rstrip(".")
    return LabLine(
        lab=plain(result.lab.value) if result.lab is not Lab.EGFR else "eGFR",
        value=f"{value} {LAB_UNITS[result.lab]}",
        taken_at=result.taken_at,
        age=ago(result.taken_at, now),
    )


def _symptom(entry: SymptomEntry) -> SymptomLine:
    return SymptomLine(
        symptom_id=entry.symptom_id,
        words=plain(entry.symptom.value),
        reported_at=entry.reported_at,
        open=entry.closed_at is None,
    )


async def _timeline(shown: Reading, patient_id: str, *, reads: bool) -> Timeline:
    entries = await events.timeline(shown.tx, patient_id, limit=300, reads=reads)
    names = {c.clinician_id: c.display_name for c in await credentials.clinicians(shown.tx)}
    signatures = await _signatures(shown.tx, entries)
    return Timeline(
        header=shown.header,
        events=[_event(entry, names, signatures.get(entry.event_id)) for entry in entries],
    )


async def _signatures(tx: Transaction, entries: tuple[TimelineEntry, ...]) -> dict[str, str]:
    """Printed name and meaning for the events that were signed, by event id."""
    decided = {
        entry.event_id: entry.subject_id for entry in entries if entry.action == "review.decided"
    }
    found: dict[str, str] = {}
    for event_id, review_id in decided.items():
        for decision in await reviews.decisions(tx, review_id):
            signature = decision.body.signature
            if signature is not None:
                found[event_id] = f"{signature.printed_name}: {signature.meaning}"
    return found


def _event(entry: TimelineEntry, names: dict[str, str], signature: str | None) -> TimelineEvent:
    who = names.get(entry.actor_id) or plain(entry.actor_kind)
    said = ", ".join(f"{name} {value}" for name, value in entry.details if name in _SHOWN_DETAILS)
    return TimelineEvent(
        event_id=entry.event_id,
        at=entry.occurred_at,
        who=who,
        words=plain(entry.action.replace(".", " ")) + (f" ({said})" if said else ""),
        subject=f"{entry.subject_type} {entry.subject_id[:8]}",
        outcome=entry.outcome,
        signature=signature,
        leaf_index=entry.leaf_index,
    )


_SHOWN_DETAILS = {"decision", "stage", "version", "outcome", "urgency", "count", "status", "rule"}
