"""Alarms of heart rate, weight and rhythm."""

from datetime import datetime, timedelta

from services.clinical.alarm_types import Alarm, AlarmCause, Urgency
from services.clinical.formulary import DrugClass, drug_class
from services.clinical.history import IRREGULAR_READINGS_TO_FLAG
from services.clinical.patient import Condition, Snapshot, Weight
from services.clinical.readings import BloodPressure

RECENT = timedelta(days=3)
BASELINE = timedelta(days=17)
MIN_PULSES = 4
# Beats per minute. Source: convention [K]: reduce and review a beta-blocker under 50.
RATE_VERY_LOW, RATE_LOW, RATE_HIGH = 40, 50, 130
RATE_SHIFT = 30
# Source: heart-failure self-care, more than 2 kg in 3 days [K].
WEIGHT_SHIFT_GRAMS = 2_000
WEIGHT_WINDOW = timedelta(days=3)


def vital_alarms(
    snapshot: Snapshot, readings: list[BloodPressure], now: datetime
) -> tuple[Alarm, ...]:
    """Return the alarms of heart rate, weight and rhythm."""
    alarms = [
        _heart_rate(snapshot, readings, now),
        _weight(snapshot, now),
        _rhythm(snapshot, readings, now),
    ]
    return tuple(alarm for alarm in alarms if alarm is not None)


def _heart_rate(snapshot: Snapshot, readings: list[BloodPressure], now: datetime) -> Alarm | None:
    """Return the alarm of a rate that is extreme, too slow on a beta-blocker, or changed fast."""
    measured = [r for r in readings if r.pulse_bpm is not None]
    recent = [r for r in measured if now - r.taken_at <= RECENT]
    if len(recent) < 2:
        return None
    rate = _mean_pulse(recent)
    since = min(r.taken_at for r in recent)
    ids = tuple(r.reading_id for r in recent)
    if rate < RATE_VERY_LOW or rate >= RATE_HIGH:
        return Alarm(AlarmCause.HEART_RATE, Urgency.SAME_DAY, since, ids)
    on_beta = any(drug_class(i.drug) is DrugClass.BETA_BLOCKER for i in snapshot.regimen)
    if rate < RATE_LOW and on_beta:
        return Alarm(AlarmCause.HEART_RATE, Urgency.SAME_DAY, since, ids)
    earlier = [r for r in measured if RECENT < now - r.taken_at <= BASELINE]
    enough = min(len(recent), len(earlier)) >= MIN_PULSES
    if enough and abs(rate - _mean_pulse(earlier)) >= RATE_SHIFT:
        return Alarm(AlarmCause.HEART_RATE, Urgency.QUEUE, since, ids)
    return None


def _mean_pulse(readings: list[BloodPressure]) -> int:
    pulses = [r.pulse_bpm for r in readings if r.pulse_bpm is not None]
    return sum(pulses) // len(pulses)


def _weight(snapshot: Snapshot, now: datetime) -> Alarm | None:
    """Return the alarm of more than 2 kg within 3 days, either way; same day in heart failure."""
    weights = sorted(
        (w for w in snapshot.weights if w.taken_at <= now), key=lambda weight: weight.taken_at
    )
    if not weights or now - weights[-1].taken_at > WEIGHT_WINDOW:
        return None
    newest = weights[-1]
    inside = [w for w in weights if newest.taken_at - w.taken_at <= WEIGHT_WINDOW]
    farthest = max(inside, key=lambda weight: _shift(weight, newest))
    if _shift(farthest, newest) <= WEIGHT_SHIFT_GRAMS:
        return None
    failing = {Condition.HEART_FAILURE, Condition.HEART_FAILURE_DECOMPENSATED}
    urgency = Urgency.SAME_DAY if failing & snapshot.conditions else Urgency.QUEUE
    return Alarm(AlarmCause.WEIGHT_CHANGE, urgency, farthest.taken_at)


def _shift(weight: Weight, newest: Weight) -> int:
    return abs(newest.grams - weight.grams)


def _rhythm(snapshot: Snapshot, readings: list[BloodPressure], now: datetime) -> Alarm | None:
    """Ask for a check of the pulse by hand after a flag or two irregular readings in 14 days."""
    checked_at = snapshot.rhythm_checked_manually_at
    irregular = [
        r
        for r in readings
        if r.irregular_pulse
        and now - r.taken_at <= timedelta(days=14)
        and (checked_at is None or r.taken_at > checked_at)
    ]
    if len(irregular) >= IRREGULAR_READINGS_TO_FLAG:
        since = min(r.taken_at for r in irregular)
        ids = tuple(r.reading_id for r in irregular)
        return Alarm(AlarmCause.IRREGULAR_RHYTHM, Urgency.QUEUE, since, ids)
    flag_at = snapshot.irregular_rhythm_flag_at
    if flag_at is not None and (checked_at is None or flag_at > checked_at):
        return Alarm(AlarmCause.IRREGULAR_RHYTHM, Urgency.QUEUE, flag_at)
    return None
