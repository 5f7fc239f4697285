"""What the readings after a first crisis reading say of it."""

from datetime import datetime, timedelta

from services.clinical.alarms import AlarmCause, scan_reading
from services.clinical.history import is_crisis
from services.clinical.readings import BloodPressure, Posture
from services.loop_results import RepeatKind
from services.store import alarms, readings, symptoms
from services.store.entries import AlarmEntry
from services.store.transaction import Transaction

# Two measurements of one moment are one reading. Source: AHA25 p17, at least 1 min apart [S].
_NOT_BEFORE = timedelta(minutes=1)
_LOOK_BACK = timedelta(days=1)

_CONFIRMS = (AlarmCause.CRISIS_CONFIRMED, AlarmCause.CRISIS_WITH_SYMPTOMS)


async def repeat_outcome(tx: Transaction, alarm: AlarmEntry, *, now: datetime) -> RepeatKind:
    """Return what was measured since; a confirmed crisis raises its own alarm here as well."""
    seen = await readings.between(
        tx, alarm.patient_id, alarm.since - _LOOK_BACK, now + timedelta(microseconds=1)
    )
    # An alarm that was raised again is about its last reading, not about its first.
    held = [item.taken_at for item in seen if item.reading_id in alarm.evidence_ids]
    began = max(held, default=alarm.since)
    after = [item for item in seen if _counts(item, alarm, began)]
    if not after:
        return RepeatKind.NONE
    high = [item for item in after if is_crisis(item)]
    if not high:
        return RepeatKind.NORMAL
    reported = await symptoms.since(tx, alarm.patient_id, now)
    open_symptoms = {item.symptom for item in reported if item.closed_at is None}
    first = high[0]
    before = [item for item in seen if item.taken_at < first.taken_at]
    raised = scan_reading(first, before, open_symptoms, now)
    if raised is not None and raised.cause in _CONFIRMS:
        await alarms.raise_or_merge(tx, alarm.patient_id, raised, now=now)
        return RepeatKind.CONFIRMED
    # High again, but too late to be the repeat of the first one: the ladder stays as it is.
    return RepeatKind.NONE


def _counts(item: BloodPressure, alarm: AlarmEntry, began: datetime) -> bool:
    """A sitting reading after those that raised the alarm."""
    return (
        item.posture is Posture.SITTING
        and not item.history
        and item.reading_id not in alarm.evidence_ids
        and item.taken_at >= began + _NOT_BEFORE
    )
