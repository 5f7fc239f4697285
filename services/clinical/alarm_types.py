"""What an alarm is: its cause, how urgent it is, since when, on what evidence."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AlarmCause(StrEnum):
    CRISIS_READING = "crisis_reading"
    CRISIS_CONFIRMED = "crisis_confirmed"
    CRISIS_WITH_SYMPTOMS = "crisis_with_symptoms"
    CRISIS_NOT_REPEATED = "crisis_not_repeated"
    PERSISTENT_LOW = "persistent_low"
    LOW_DIASTOLIC = "low_diastolic"
    EMERGENCY_SYMPTOM = "emergency_symptom"
    SYMPTOM = "symptom"
    POTASSIUM_HIGH = "potassium_high"
    POTASSIUM_LOW = "potassium_low"
    SODIUM_LOW = "sodium_low"
    RENAL_FALL = "renal_fall"
    HEART_RATE = "heart_rate"
    WEIGHT_CHANGE = "weight_change"
    IRREGULAR_RHYTHM = "irregular_rhythm"


class Urgency(StrEnum):
    """EMERGENCY and SAME_DAY page through the ladder; REPEAT asks the patient to measure again
    in five minutes; QUEUE is a work-list item."""

    EMERGENCY = "emergency"
    REPEAT = "repeat"
    SAME_DAY = "same_day"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Alarm:
    """`evidence_ids` name readings or labs; `since` is when its evidence began."""

    cause: AlarmCause
    urgency: Urgency
    since: datetime
    evidence_ids: tuple[str, ...] = ()
