"""Who is told, and within how long: the constants that the alarm and review loops wait on.

Source: CLINICAL §4 crisis, ladders [D]; repeat within 5-30 min, COACH [V].
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from services.clinical.alarm_types import Urgency

ALARM_LADDER: tuple[timedelta, ...] = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
)
"""After each of these without an acknowledgement the alarm goes to one more person."""

REVIEW_LADDER: tuple[timedelta, ...] = (timedelta(hours=72), timedelta(hours=24))
"""First the clinician, then the covering clinician; after both: no change, call the patient."""

REPEAT_AFTER = timedelta(minutes=5)
REPEAT_WITHIN = timedelta(minutes=30)
LATE_UPLOAD = timedelta(hours=24)


class Recipient(StrEnum):
    PATIENT = "patient"
    CLINICIAN = "clinician"
    COVERING_CLINICIAN = "covering_clinician"
    EMERGENCY_SERVICES_ADVICE = "emergency_services_advice"
    """The patient is told to call the emergency number at once."""


RECIPIENTS: Mapping[Urgency, tuple[Recipient, ...]] = MappingProxyType(
    {
        Urgency.EMERGENCY: (
            Recipient.EMERGENCY_SERVICES_ADVICE,
            Recipient.CLINICIAN,
            Recipient.COVERING_CLINICIAN,
        ),
        Urgency.SAME_DAY: (Recipient.CLINICIAN, Recipient.COVERING_CLINICIAN),
        Urgency.REPEAT: (Recipient.PATIENT,),
        Urgency.QUEUE: (Recipient.CLINICIAN,),
    }
)

ANSWER_WITHIN: Mapping[Urgency, timedelta] = MappingProxyType(
    {
        Urgency.EMERGENCY: ALARM_LADDER[0],
        Urgency.SAME_DAY: ALARM_LADDER[-1],
        Urgency.REPEAT: REPEAT_WITHIN,
        Urgency.QUEUE: REVIEW_LADDER[0],
    }
)
