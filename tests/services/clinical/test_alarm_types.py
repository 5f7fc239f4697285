"""Alarms sort by urgency, most urgent first, and are values."""

from services.clinical import alarms
from services.clinical.alarm_types import Alarm, AlarmCause, Urgency
from tests.services.clinical.examples import NOW


def test_urgencies_are_listed_most_urgent_first() -> None:
    assert [u.value for u in Urgency] == ["emergency", "repeat", "same_day", "queue"]


def test_the_door_to_alarms_gives_the_same_types() -> None:
    assert (alarms.Alarm, alarms.AlarmCause, alarms.Urgency) == (Alarm, AlarmCause, Urgency)
    made = Alarm(AlarmCause.SYMPTOM, Urgency.QUEUE, NOW)
    assert made.evidence_ids == () and made == Alarm(AlarmCause.SYMPTOM, Urgency.QUEUE, NOW)
