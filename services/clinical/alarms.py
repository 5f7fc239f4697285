"""Alarms: what must reach a person now, raised beside a verdict and never instead of it.

`scan` looks at a whole snapshot, `scan_reading` at one reading as it arrives at the gateway. A red
flag never waits for a model.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from services.clinical.alarm_labs import lab_alarms
from services.clinical.alarm_types import Alarm, AlarmCause, Urgency
from services.clinical.alarm_vitals import vital_alarms
from services.clinical.history import is_crisis
from services.clinical.ladders import LATE_UPLOAD, REPEAT_WITHIN
from services.clinical.patient import Snapshot, Symptom
from services.clinical.readings import CLOCK_AHEAD, BloodPressure, Posture

__all__ = ["Alarm", "AlarmCause", "Urgency", "scan", "scan_reading"]


# Symptoms that page whatever the pressure is; a swollen face may be angioedema. Source: organ
# damage signs [K]; the first six of `Symptom` are emergencies beside a crisis reading.
EMERGENCY_ALONE = frozenset(
    {
        Symptom.CHEST_PAIN,
        Symptom.BREATHLESSNESS,
        Symptom.WEAKNESS_OR_SPEECH,
        Symptom.FACE_SWELLING,
    }
)
CRISIS_SYMPTOMS = frozenset(tuple(Symptom)[:6])
SAME_DAY_ALONE = frozenset(
    {Symptom.SEVERE_HEADACHE, Symptom.VISION_LOSS, Symptom.CONFUSION, Symptom.SYNCOPE}
)
FAINTNESS = frozenset({Symptom.SYNCOPE, Symptom.DIZZINESS, Symptom.FALL})

# Two measurements of one moment are one reading. Source: AHA25 p17, at least 1 min apart [S].
REPEAT_NOT_BEFORE = timedelta(minutes=1)
# An alarm older than this was raised when it was new; the loop keeps its state.
LOOK_BACK = timedelta(hours=24)


def scan_reading(
    reading: BloodPressure,
    previous_readings: Iterable[BloodPressure],
    open_symptoms: Collection[Symptom],
    now: datetime,
) -> Alarm | None:
    """Return the alarm that one arriving reading raises at once, or None.

    First crisis reading: REPEAT in five minutes. A second within 30 min: SAME_DAY. With a symptom
    of organ damage: EMERGENCY at once, the repeat is not waited for. Uploaded more than 24 h after
    it was taken: QUEUE. History never pages. A crisis reading in another posture asks for its
    repeat as well, which is taken sitting.
    Source: AHA25 p3, p67 [S]; COACH [V].
    """
    if reading.history or not is_crisis(reading):
        return None
    ids = (reading.reading_id,)
    if now - reading.taken_at > LATE_UPLOAD:
        return Alarm(AlarmCause.CRISIS_READING, Urgency.QUEUE, reading.taken_at, ids)
    if not CRISIS_SYMPTOMS.isdisjoint(open_symptoms):
        return Alarm(AlarmCause.CRISIS_WITH_SYMPTOMS, Urgency.EMERGENCY, reading.taken_at, ids)
    first = _confirmed_by(reading, previous_readings)
    if first is not None:
        both = (first.reading_id, reading.reading_id)
        return Alarm(AlarmCause.CRISIS_CONFIRMED, Urgency.SAME_DAY, first.taken_at, both)
    return Alarm(AlarmCause.CRISIS_READING, Urgency.REPEAT, reading.taken_at, ids)


def _confirmed_by(
    reading: BloodPressure, previous_readings: Iterable[BloodPressure]
) -> BloodPressure | None:
    """Return the latest earlier crisis reading that this one, taken sitting, repeats, or None."""
    if reading.posture is not Posture.SITTING:
        return None
    earlier = [
        other
        for other in previous_readings
        if is_crisis(other)
        and REPEAT_NOT_BEFORE <= reading.taken_at - other.taken_at <= REPEAT_WITHIN
    ]
    return max(earlier, key=lambda other: other.taken_at, default=None)


def scan(snapshot: Snapshot, now: datetime) -> tuple[Alarm, ...]:
    """Return every alarm that the snapshot gives cause for, most urgent first."""
    if snapshot.deceased:
        return ()
    symptoms = frozenset(item.symptom for item in snapshot.symptoms if item.open)
    readings = [
        reading
        for reading in snapshot.readings
        if reading.posture is Posture.SITTING
        and not reading.history
        and reading.taken_at <= now + CLOCK_AHEAD
    ]
    alarms = (
        *_crises(readings, symptoms, now),
        *_low(readings, symptoms, now),
        *_symptoms(snapshot, now),
        *lab_alarms(snapshot, now),
        *vital_alarms(snapshot, readings, now),
    )
    return tuple(sorted(alarms, key=lambda alarm: _URGENCIES.index(alarm.urgency)))


_URGENCIES = tuple(Urgency)


def _crises(
    readings: list[BloodPressure], symptoms: frozenset[Symptom], now: datetime
) -> list[Alarm]:
    """Return the state of the newest crisis: late, to be repeated, confirmed, not repeated."""
    crises = [r for r in readings if is_crisis(r) and now - r.received_at <= LOOK_BACK]
    late = [r for r in crises if r.received_at - r.taken_at > LATE_UPLOAD]
    fresh = [r for r in crises if r.received_at - r.taken_at <= LATE_UPLOAD]
    alarms = []
    if late:
        ids = tuple(r.reading_id for r in late)
        since = min(r.taken_at for r in late)
        alarms.append(Alarm(AlarmCause.CRISIS_READING, Urgency.QUEUE, since, ids))
    if fresh:
        newest = max(fresh, key=lambda r: r.taken_at)
        alarms += _crisis_state(newest, readings, symptoms, now)
    return alarms


def _crisis_state(
    newest: BloodPressure,
    readings: list[BloodPressure],
    symptoms: frozenset[Symptom],
    now: datetime,
) -> list[Alarm]:
    first = _confirmed_by(newest, readings)
    if first is not None or not CRISIS_SYMPTOMS.isdisjoint(symptoms):
        alarm = scan_reading(newest, readings, symptoms, newest.taken_at)
        return [] if alarm is None else [alarm]
    repeats = [
        r for r in readings if REPEAT_NOT_BEFORE <= r.taken_at - newest.taken_at <= REPEAT_WITHIN
    ]
    if repeats:  # the newest crisis has a repeat, and it is lower
        return []
    ids = (newest.reading_id,)
    if now - newest.taken_at <= REPEAT_WITHIN:
        return [Alarm(AlarmCause.CRISIS_READING, Urgency.REPEAT, newest.taken_at, ids)]
    return [Alarm(AlarmCause.CRISIS_NOT_REPEATED, Urgency.SAME_DAY, newest.taken_at, ids)]


# Source: COACH pattern [V], action [K]: twice within 14 days.
LOW_SYSTOLIC_MMHG = 90
LOW_DIASTOLIC_MMHG = 60
LOW_WITH_DIASTOLIC_MMHG = 100
LOW_WINDOW = timedelta(days=14)
LOW_TIMES = 2


def _low(readings: list[BloodPressure], symptoms: frozenset[Symptom], now: datetime) -> list[Alarm]:
    """Return the persistent-low alarm, or the work-list item of a low diastolic alone."""
    recent = [r for r in readings if now - r.taken_at <= LOW_WINDOW]
    low = [r for r in recent if r.systolic_mmhg < LOW_SYSTOLIC_MMHG]
    low_diastolic = [r for r in recent if r.diastolic_mmhg < LOW_DIASTOLIC_MMHG]
    if len(low) >= LOW_TIMES:
        return [_low_alarm(AlarmCause.PERSISTENT_LOW, Urgency.SAME_DAY, low)]
    if len(low_diastolic) < LOW_TIMES:
        return []
    # Isolated systolic hypertension has low diastolic readings every day.
    serious = not FAINTNESS.isdisjoint(symptoms) or any(
        r.systolic_mmhg < LOW_WITH_DIASTOLIC_MMHG for r in low_diastolic
    )
    if serious:
        return [_low_alarm(AlarmCause.PERSISTENT_LOW, Urgency.SAME_DAY, low_diastolic)]
    return [_low_alarm(AlarmCause.LOW_DIASTOLIC, Urgency.QUEUE, low_diastolic)]


def _low_alarm(cause: AlarmCause, urgency: Urgency, low: list[BloodPressure]) -> Alarm:
    return Alarm(cause, urgency, min(r.taken_at for r in low), tuple(r.reading_id for r in low))


def _symptoms(snapshot: Snapshot, now: datetime) -> list[Alarm]:
    """Return an alarm for each open symptom; one of history or told a day late pages nobody."""
    alarms = []
    for report in snapshot.symptoms:
        if not report.open:
            continue
        ids = (report.symptom.value,)
        if report.symptom in EMERGENCY_ALONE:
            cause, urgency = AlarmCause.EMERGENCY_SYMPTOM, Urgency.EMERGENCY
        elif report.symptom in SAME_DAY_ALONE:
            cause, urgency = AlarmCause.EMERGENCY_SYMPTOM, Urgency.SAME_DAY
        else:
            cause, urgency = AlarmCause.SYMPTOM, Urgency.QUEUE
        if report.history or now - report.reported_at > LATE_UPLOAD:
            urgency = Urgency.QUEUE
        alarms.append(Alarm(cause, urgency, report.reported_at, ids))
    return alarms
