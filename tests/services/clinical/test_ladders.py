"""Who is told, and within how long."""

from datetime import timedelta

from services.clinical.alarm_types import Urgency
from services.clinical.ladders import (
    ALARM_LADDER,
    ANSWER_WITHIN,
    RECIPIENTS,
    REPEAT_AFTER,
    REPEAT_WITHIN,
    REVIEW_LADDER,
    Recipient,
)


def test_the_ladders_are_those_of_the_protocol() -> None:
    assert [step.total_seconds() / 60 for step in ALARM_LADDER] == [5, 15, 30]
    assert [step.total_seconds() / 3600 for step in REVIEW_LADDER] == [72, 24]
    assert timedelta(minutes=5) == REPEAT_AFTER < REPEAT_WITHIN == timedelta(minutes=30)


def test_every_urgency_reaches_somebody_in_a_stated_time() -> None:
    assert set(RECIPIENTS) == set(ANSWER_WITHIN) == set(Urgency)
    assert all(RECIPIENTS.values())
    assert RECIPIENTS[Urgency.EMERGENCY][0] is Recipient.EMERGENCY_SERVICES_ADVICE
    assert RECIPIENTS[Urgency.REPEAT] == (Recipient.PATIENT,)
    minutes = {urgency: wait.total_seconds() / 60 for urgency, wait in ANSWER_WITHIN.items()}
    assert minutes == {
        Urgency.EMERGENCY: 5,
        Urgency.SAME_DAY: 30,
        Urgency.REPEAT: 30,
        Urgency.QUEUE: 72 * 60,
    }
