"""For and against a move, at most three each: what a clinician would ask about first. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from clinician_app.api.trend import Course, summary, taken_percent
from clinician_app.words import plain, span
from services.clinical.averaging import SufficientAverage, average
from services.clinical.moves import Move
from services.clinical.patient import Lab, Snapshot, Symptom
from services.clinical.proposal import RankedMove
from services.clinical.readings import Posture
from services.clinical.regimen import last_change_at, latest_lab

MOST = 3
# Doses taken: 80 % and more counts as taking them. Source: CLINICAL §4, PDC >= 0.8 [V].
TAKEN_ENOUGH_PERCENT = 80
# Source: CLINICAL §4, 28 days is the default between changes [D].
SETTLED = timedelta(days=28)
OLD_LAB = timedelta(days=90)
# Source: CLINICAL §2, Ohasama day-to-day SD 8.6 +/- 3.1 [V]: above is more than most.
VOLATILE_SD_MMHG = 12
LOW_PRESSURE_PERCENT = 5
_FALLS = (Symptom.DIZZINESS, Symptom.FALL, Symptom.SYNCOPE)


def raises_dose(move: Move) -> bool:
    """Return whether any drug's dose rises."""
    return any(change.to_ug > change.from_ug for change in move.changes)


def arguments(
    move: Move, ranked: RankedMove | None, snapshot: Snapshot, *, now: datetime
) -> tuple[list[str], list[str]]:
    """Return (for, against or missing) in sentences."""
    upward = raises_dose(move)
    pro = [*_pressure(snapshot, now), *_supports(snapshot, upward, now)]
    contra = [*_objections(snapshot, upward, now), *_risk(ranked)]
    return pro[:MOST], contra[:MOST]


def _pressure(snapshot: Snapshot, now: datetime) -> Iterator[str]:
    found = average(
        snapshot.readings, now=now, last_change_at=last_change_at(snapshot), target=snapshot.target
    )
    if not isinstance(found, SufficientAverage):
        return
    mean = f"{found.systolic_tenths // 10}/{found.diastolic_tenths // 10}"
    goal = snapshot.target
    against = (
        ""
        if goal is None
        else (f", goal below {goal.systolic_below_mmhg}/{goal.diastolic_below_mmhg}")
    )
    above = "" if found.days_above is None else f", above it on {found.days_above} days"
    yield f"Home mean {mean} mmHg over {found.counted_days} days{against}{above}"


def _supports(snapshot: Snapshot, upward: bool, now: datetime) -> Iterator[str]:
    taken = taken_percent(snapshot.adherence)
    if upward and taken is not None and taken >= TAKEN_ENOUGH_PERCENT:
        yield f"Doses taken {taken} %: the dose, not adherence"
    felt = sorted({report.symptom.value for report in snapshot.symptoms if report.open})
    if upward and not felt:
        yield "No symptom open; " + _standing(snapshot, now)
    if not upward and felt:
        yield "Open symptoms: " + ", ".join(plain(code).lower() for code in felt)
    if not upward:
        yield "A lower dose is never held back for missing data"


def _standing(snapshot: Snapshot, now: datetime) -> str:
    standing = [
        reading.systolic_mmhg
        for reading in snapshot.readings
        if reading.posture in (Posture.STANDING_1_MIN, Posture.STANDING_3_MIN)
        and now - reading.taken_at <= OLD_LAB
    ]
    return f"standing systolic {standing[-1]}" if standing else "standing pressure not measured"


def _objections(snapshot: Snapshot, upward: bool, now: datetime) -> Iterator[str]:
    if any(report.open and report.symptom in _FALLS for report in snapshot.symptoms):
        yield "Dizziness, a fall or fainting is open"
    taken = taken_percent(snapshot.adherence)
    if taken is None:
        yield "Doses taken: not known"
    elif taken < TAKEN_ENOUGH_PERCENT:
        yield f"Only {taken} % of doses taken"
    potassium = latest_lab(snapshot, Lab.POTASSIUM)
    if potassium is None:
        yield "Potassium never measured"
    elif now - potassium.taken_at > OLD_LAB:
        yield f"Potassium last measured {span(now - potassium.taken_at)} ago"
    changed = last_change_at(snapshot)
    if upward and changed is not None and now - changed < SETTLED:
        yield f"Last dose change only {span(now - changed)} ago"
    course = Course(snapshot.readings, snapshot.changes, snapshot.target, snapshot.adherence)
    sd = summary(course, now=now).day_to_day_sd
    if sd is not None and sd >= VOLATILE_SD_MMHG:
        yield f"Pressure varies: day-to-day SD {sd} mmHg"
    if not snapshot.conditions_complete or not snapshot.medicines_complete:
        yield "The record was not confirmed as complete"


def _risk(ranked: RankedMove | None) -> Iterator[str]:
    if ranked is not None and ranked.low_pressure_percent >= LOW_PRESSURE_PERCENT:
        yield f"Chance of a mean under 105 mmHg: {ranked.low_pressure_percent} %"
