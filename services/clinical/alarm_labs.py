"""Alarms of the laboratory: potassium, sodium, a fall of kidney function."""

from datetime import UTC, datetime, timedelta

from services.clinical.alarm_types import Alarm, AlarmCause, Urgency
from services.clinical.formulary import DrugClass, drug_class
from services.clinical.laboratory import read_laboratory
from services.clinical.patient import Lab, LabResult, Snapshot
from services.clinical.regimen import latest_lab

# A result older than this was acted on, or is for the yearly check [D].
FRESH = timedelta(days=30)

# Thousandths of mmol/L. Source: CCJM [V] 5.0 and 5.5, 6.0 stop and same-day human [V/S]; low [K].
POTASSIUM_STOP, POTASSIUM_HIGH = 6_000, 5_000
POTASSIUM_URGENT, POTASSIUM_LOW = 3_000, 3_500
SODIUM_STOP, SODIUM_LOW = 130_000, 135_000
# Per mille of the value before the RAS blocker was raised. Source: AHA25 p45 [S].
FALL_SAME_DAY, FALL_QUEUE = 300, 250
RISE_SAME_DAY, RISE_QUEUE = 429, 300


def lab_alarms(snapshot: Snapshot, now: datetime) -> tuple[Alarm, ...]:
    """Return the alarms of fresh results."""
    alarms = [_potassium(snapshot, now), _sodium(snapshot, now), _renal_fall(snapshot, now)]
    return tuple(alarm for alarm in alarms if alarm is not None)


def _fresh(snapshot: Snapshot, lab: Lab, now: datetime) -> LabResult | None:
    result = latest_lab(snapshot, lab)
    if result is None or not timedelta() <= now - result.taken_at <= FRESH:
        return None
    return result


def _alarm(cause: AlarmCause, urgency: Urgency, result: LabResult) -> Alarm:
    # Test and sampling time: a second sample as bad as the first is new evidence.
    evidence = f"{result.lab.value}:{result.taken_at.astimezone(UTC).isoformat()}"
    return Alarm(cause, urgency, result.taken_at, (evidence,))


def _potassium(snapshot: Snapshot, now: datetime) -> Alarm | None:
    result = _fresh(snapshot, Lab.POTASSIUM, now)
    if result is None:
        return None
    value = result.value_thousandths
    if value >= POTASSIUM_STOP:
        return _alarm(AlarmCause.POTASSIUM_HIGH, Urgency.SAME_DAY, result)
    if value >= POTASSIUM_HIGH:
        return _alarm(AlarmCause.POTASSIUM_HIGH, Urgency.QUEUE, result)
    if value < POTASSIUM_URGENT:
        return _alarm(AlarmCause.POTASSIUM_LOW, Urgency.SAME_DAY, result)
    if value < POTASSIUM_LOW:
        return _alarm(AlarmCause.POTASSIUM_LOW, Urgency.QUEUE, result)
    return None


def _sodium(snapshot: Snapshot, now: datetime) -> Alarm | None:
    """Return the alarm of a low sodium: same day below 130 on a thiazide, which must stop."""
    result = _fresh(snapshot, Lab.SODIUM, now)
    if result is None or result.value_thousandths >= SODIUM_LOW:
        return None
    on_thiazide = any(drug_class(item.drug) is DrugClass.THIAZIDE for item in snapshot.regimen)
    urgent = result.value_thousandths < SODIUM_STOP and on_thiazide
    urgency = Urgency.SAME_DAY if urgent else Urgency.QUEUE
    return _alarm(AlarmCause.SODIUM_LOW, urgency, result)


def _renal_fall(snapshot: Snapshot, now: datetime) -> Alarm | None:
    result = _fresh(snapshot, Lab.EGFR, now) or _fresh(snapshot, Lab.CREATININE, now)
    if result is None:
        return None
    laboratory = read_laboratory(snapshot, now)
    fall, rise = laboratory.egfr_fall, laboratory.creatinine_rise
    if _exceeds(fall, FALL_SAME_DAY) or _exceeds(rise, RISE_SAME_DAY):
        return _alarm(AlarmCause.RENAL_FALL, Urgency.SAME_DAY, result)
    if _exceeds(fall, FALL_QUEUE) or _exceeds(rise, RISE_QUEUE):
        return _alarm(AlarmCause.RENAL_FALL, Urgency.QUEUE, result)
    return None


def _exceeds(value: int | None, limit: int) -> bool:
    return value is not None and value > limit
