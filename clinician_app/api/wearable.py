"""What the wearable says of one patient: day and night, rhythm, and how its estimate has done."""

from collections.abc import Mapping
from typing import assert_never

from fastapi import APIRouter

from clinician_app.api.caller import Asking
from clinician_app.api.reading import Id, bound, note_read
from clinician_app.api.wearable_wire import ArrivalDayOut, ContextLine, WearableOut
from clinician_app.words import ago, hundredths, plain
from services.clinical.patient import Snapshot
from services.signals.pressure import (
    Abstained,
    CuffOnly,
    Estimated,
    agreement_limits,
    skill_of,
)
from services.signals.skill import LEAST_ERRORS
from services.store import pressure_context, snapshots
from services.store.pressure_context import ArrivalDay, PressureContext

router = APIRouter(prefix="/v1/patients/{patient_id}", tags=["patients"])

# Feature, label, how it is written, and how many of the unit one of the value is. Movement is in g:
# thousandths of it would be written like a dose.
_COURSE = (
    ("heart_rate_bpm", "Heart rate, last 24 h", "{:.0f} bpm", 1),
    ("heart_rate_day_bpm", "Heart rate by day (9–21), 7 d", "{:.0f} bpm", 1),
    ("heart_rate_night_bpm", "Heart rate by night (1–6), 7 d", "{:.0f} bpm", 1),
    ("heart_rate_dip_fraction", "Nightly dip of the heart rate", "{:.0f} %", 100),
    ("rest_day_fraction", "At rest by day", "{:.0f} %", 100),
    ("rest_night_fraction", "At rest by night", "{:.0f} %", 100),
    ("motion_deviation_day_g", "Movement by day", "{:.3f} g", 1),
    ("motion_deviation_night_g", "Movement by night", "{:.3f} g", 1),
)
_NOTHING_NEWER = "Nothing newer than the cuff: not worn at rest by day since the last cuff reading."
_CUFF_ONLY = "No information beyond the cuff. The trend of the pulse arrival time is all there is."


@router.get("/wearable", operation_id="wearable")
async def wearable(patient_id: Id, caller: Asking) -> WearableOut:
    """Return context from the wearable. None of it is a reading and none of it moves a dose."""
    async with bound(caller, patient_id) as tx:
        snapshot, _ = await snapshots.build(tx, patient_id, now=caller.now)
        found = await pressure_context.read(tx, patient_id, now=caller.now)
        days = await pressure_context.arrival_days(tx, patient_id, now=caller.now)
        await note_read(tx, caller, "Wearable", patient_id, patient_id=patient_id)
    return shown(snapshot, found, days)


def shown(
    snapshot: Snapshot, found: PressureContext | None, days: tuple[ArrivalDay, ...]
) -> WearableOut:
    """Return the context in words and whole numbers."""
    return WearableOut(
        version=snapshot.wearable_version,
        irregular_rhythm_at=snapshot.irregular_rhythm_flag_at,
        course=_course(dict(snapshot.wearable_features)),
        pressure_words=_NOTHING_NEWER if found is None else _words(found),
        pressure=[] if found is None else _record(found) + _estimate(found, snapshot),
        arrival=[ArrivalDayOut(day=d.day, arrival_ms=round(d.arrival_ms)) for d in days],
    )


def _course(held: Mapping[str, float]) -> list[ContextLine]:
    return [
        ContextLine(label=label, value=written.format(held[name] * scale) if name in held else None)
        for name, label, written, scale in _COURSE
    ]


def _words(found: PressureContext) -> str:
    match found.outcome:
        case Estimated():
            return "The wearable has shown information beyond the cuff in this patient."
        case CuffOnly():
            return _CUFF_ONLY
        case Abstained(reasons):
            return "No estimate: " + ", ".join(plain(reason.value).lower() for reason in reasons)
        case _:
            assert_never(found.outcome)


def _record(found: PressureContext) -> list[ContextLine]:
    """How the estimate did on this patient's own cuff readings; unknown while they are few."""
    log, skill = found.tracker.log, skill_of(found.tracker)
    count = 0 if log is None else len(log)
    lines = [ContextLine(label="Cuff readings foretold", value=str(count))]
    if log is None or count < LEAST_ERRORS or skill is None:
        return [*lines, ContextLine(label="Skill against the last cuff reading", value=None)]
    bias, low, high = agreement_limits(log[:, 0, 0])
    return [
        *lines,
        ContextLine(
            label="Skill against the last cuff reading",
            value=f"{hundredths(skill.value)} "
            f"(95 %: {hundredths(skill.low)} to {hundredths(skill.high)})",
        ),
        ContextLine(
            label="Systolic bias, limits of agreement",
            value=f"{round(bias):+d} ({round(low):+d} to {round(high):+d}) mmHg",
        ),
    ]


def _estimate(found: PressureContext, snapshot: Snapshot) -> list[ContextLine]:
    """The estimate with its uncertainty and its age; nothing where it has shown no skill."""
    if not isinstance(found.outcome, Estimated):
        return []
    made = found.outcome.estimate
    low, high = found.outcome.systolic_interval_mmhg
    return [
        ContextLine(
            label="Estimate, not a reading",
            value=f"{made.systolic_mmhg:.0f} ± {made.systolic_sigma_mmhg:.0f} / "
            f"{made.diastolic_mmhg:.0f} ± {made.diastolic_sigma_mmhg:.0f} mmHg",
        ),
        ContextLine(label="Systolic, 90 %", value=f"{low:.0f} to {high:.0f} mmHg"),
        ContextLine(label="Of", value=f"{ago(made.estimated_at, snapshot.as_of)} ago"),
        ContextLine(label="Cuff before it", value=f"{ago(made.calibrated_at, snapshot.as_of)} ago"),
    ]
