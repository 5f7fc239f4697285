"""The crisis rule, before the answer: alarm row and outbox message in the upload's transaction.

No model, no queue and no loop stands between a crisis reading and what the patient must do.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from patient_gateway.texts import emergency_number, instructions
from services.clinical.alarms import Alarm, AlarmCause, Urgency, scan, scan_reading
from services.clinical.ladders import LATE_UPLOAD, REPEAT_AFTER, REPEAT_WITHIN
from services.clinical.patient import Symptom
from services.loop_results import TaskKind
from services.metrics import ALARMS
from services.store import alarms, patients, readings, snapshots, symptoms, tasks
from services.store.entries import AlarmEntry
from services.store.rows import NewReading, NewSymptom
from services.store.transaction import Transaction

Write = Callable[[str], dict[str, object]]
"""Writes what the patient must do, in a language."""

_BY_URGENCY = tuple(Urgency)
_FROM_SYMPTOMS = frozenset(
    {AlarmCause.EMERGENCY_SYMPTOM, AlarmCause.SYMPTOM, AlarmCause.CRISIS_WITH_SYMPTOMS}
)


async def raise_for_readings(
    tx: Transaction, patient_id: str, stored: Mapping[str, NewReading], *, now: datetime
) -> Write | None:
    """Raise what readings just stored (by reading id) give cause for; None: nothing to do."""
    fresh = [item for item in stored.values() if not item.history]
    if not fresh:
        return None
    await alarms.tell_of_repeat(tx, patient_id, now=now)
    start = min(item.taken_at for item in fresh) - REPEAT_WITHIN
    end = max(item.taken_at for item in fresh) + timedelta(seconds=1)
    around = await readings.between(tx, patient_id, start, end)
    open_symptoms = await _open_symptoms(tx, patient_id, now)
    found = [
        scan_reading(reading, around, open_symptoms, now)
        for reading in around
        if reading.reading_id in stored
    ]
    return await _raise(tx, patient_id, [alarm for alarm in found if alarm is not None], now=now)


async def raise_for_symptoms(
    tx: Transaction, patient_id: str, stored: Sequence[NewSymptom], *, now: datetime
) -> Write | None:
    """Raise what symptoms just reported give cause for.

    What began before enrolment is history; what is reported a day late is a task, not a page.
    """
    enrolled_at = (await patients.get(tx, patient_id)).enrolled_at
    begun = [item for item in stored if item.open and item.reported_at >= enrolled_at]
    fresh = {item.symptom.value for item in begun if now - item.reported_at <= LATE_UPLOAD}
    for item in begun:
        if item.symptom.value not in fresh:
            await _open_late_task(tx, patient_id, AlarmCause.SYMPTOM, now=now)
    if not fresh:
        return None
    # A phone's clock may run ahead by minutes: what it says hurts now is not of the future.
    as_of = max([now, *(item.reported_at for item in begun)])
    snapshot, _ = await snapshots.build(tx, patient_id, now=as_of)
    found = [
        alarm
        for alarm in scan(snapshot, as_of)
        if alarm.cause is AlarmCause.CRISIS_WITH_SYMPTOMS
        or (alarm.cause in _FROM_SYMPTOMS and not fresh.isdisjoint(alarm.evidence_ids))
    ]
    return await _raise(tx, patient_id, found, now=now)


async def _raise(
    tx: Transaction, patient_id: str, found: Iterable[Alarm], *, now: datetime
) -> Write | None:
    raised: list[tuple[Alarm, AlarmEntry]] = []
    for alarm in found:
        entry = await alarms.raise_or_merge(tx, patient_id, alarm, now=now)
        raised.append((alarm, entry))
        if entry.repeats == 0:
            ALARMS.labels(alarm.cause.value, alarm.urgency.value).inc()
        if alarm.urgency is Urgency.QUEUE and alarm.cause is AlarmCause.CRISIS_READING:
            await _open_late_task(tx, patient_id, alarm.cause, now=now)
    if not raised:
        return None
    alarm, entry = min(raised, key=lambda pair: _BY_URGENCY.index(pair[0].urgency))
    number = emergency_number((await patients.get(tx, patient_id)).timezone)
    return lambda language: alarm_document(alarm, entry.alarm_id, number, language)


def alarm_document(alarm: Alarm, alarm_id: str, number: str, language: str) -> dict[str, object]:
    """Return what the patient must do now, as the API writes it."""
    told = instructions(alarm.urgency, language, number)
    repeat_min = REPEAT_AFTER // timedelta(minutes=1) if alarm.urgency is Urgency.REPEAT else None
    return {
        "alarm_id": alarm_id,
        "cause": alarm.cause.value,
        "urgency": alarm.urgency.value,
        "title": told.title,
        "instructions": list(told.lines),
        "repeat_after_minutes": repeat_min,
        "emergency_number": number,
    }


async def _open_symptoms(tx: Transaction, patient_id: str, now: datetime) -> frozenset[Symptom]:
    reports = await symptoms.since(tx, patient_id, now)
    return frozenset(report.symptom for report in reports if report.closed_at is None)


async def _open_late_task(
    tx: Transaction, patient_id: str, cause: AlarmCause, *, now: datetime
) -> None:
    await tasks.open_task(
        tx, patient_id, TaskKind.CALL_PATIENT, cause=f"late_{cause.value}", now=now
    )
