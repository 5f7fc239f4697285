"""Alarms: the crisis rule at the gateway and in the snapshot, persistent low, symptoms."""

from datetime import timedelta
from typing import Any

import pytest

from services.clinical.alarms import (
    CRISIS_SYMPTOMS,
    Alarm,
    AlarmCause,
    Urgency,
    scan,
    scan_reading,
)
from services.clinical.patient import Lab, Symptom, SymptomReport
from services.clinical.readings import BloodPressure, Posture
from tests.services.clinical.examples import DAY, NOW, lab, reading, snapshot, week

MINUTE = timedelta(minutes=1)


def at(minutes_ago: float, systolic: int = 184, diastolic: int = 100, **more: Any) -> BloodPressure:
    moment = NOW - minutes_ago * MINUTE
    return reading(moment, systolic, diastolic, reading_id=f"{minutes_ago}", **more)


def crisis(
    newest: BloodPressure, *previous: BloodPressure, symptoms: tuple[Symptom, ...] = ()
) -> Alarm | None:
    return scan_reading(newest, previous, symptoms, NOW)


def found(alarm: Alarm | None) -> tuple[str, str] | None:
    return None if alarm is None else (alarm.cause.value, alarm.urgency.value)


FIRST = ("crisis_reading", "repeat")
CONFIRMED = ("crisis_confirmed", "same_day")


@pytest.mark.parametrize(
    ("systolic", "diastolic", "expected"),
    [(179, 119, None), (180, 70, FIRST), (160, 120, FIRST), (230, 130, FIRST)],
)
def test_a_crisis_is_180_or_120(
    systolic: int, diastolic: int, expected: tuple[str, str] | None
) -> None:
    assert found(crisis(at(0, systolic, diastolic))) == expected


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(0.5, FIRST), (1, CONFIRMED), (5, CONFIRMED), (30, CONFIRMED), (30.5, FIRST), (-5, FIRST)],
)
def test_a_second_crisis_reading_within_half_an_hour_confirms(
    minutes: float, expected: tuple[str, str]
) -> None:
    assert found(crisis(at(0), at(minutes))) == expected


def test_a_confirmed_crisis_names_both_readings_and_began_with_the_first() -> None:
    assert crisis(at(0), at(10), at(20)) == Alarm(
        AlarmCause.CRISIS_CONFIRMED, Urgency.SAME_DAY, NOW - 10 * MINUTE, ("10", "0")
    )
    assert crisis(at(0)) == Alarm(AlarmCause.CRISIS_READING, Urgency.REPEAT, NOW, ("0",))


def test_an_earlier_lower_reading_or_another_posture_confirms_nothing() -> None:
    assert found(crisis(at(0), at(5, 150, 90))) == FIRST
    assert found(crisis(at(0, posture=Posture.STANDING_1_MIN), at(5))) == FIRST


@pytest.mark.parametrize("symptom", Symptom)
def test_symptoms_of_organ_damage_beside_a_crisis_reading_are_an_emergency(
    symptom: Symptom,
) -> None:
    expected = ("crisis_with_symptoms", "emergency") if symptom in CRISIS_SYMPTOMS else FIRST
    assert found(crisis(at(0), symptoms=(symptom,))) == expected


def test_the_symptoms_of_a_crisis_are_the_first_six() -> None:
    assert {
        Symptom.CHEST_PAIN,
        Symptom.BREATHLESSNESS,
        Symptom.WEAKNESS_OR_SPEECH,
        Symptom.SEVERE_HEADACHE,
        Symptom.VISION_LOSS,
        Symptom.CONFUSION,
    } == CRISIS_SYMPTOMS
    alarm = crisis(at(3), symptoms=(Symptom.CHEST_PAIN,))
    assert alarm == Alarm(
        AlarmCause.CRISIS_WITH_SYMPTOMS, Urgency.EMERGENCY, NOW - 3 * MINUTE, ("3",)
    )


def test_history_never_pages_but_confirms_the_reading_half_an_hour_after_it() -> None:
    assert crisis(at(0, history=True), symptoms=(Symptom.CHEST_PAIN,)) is None
    assert found(crisis(at(0), at(5, history=True))) == CONFIRMED


@pytest.mark.parametrize("posture", Posture)
def test_a_crisis_reading_in_any_posture_asks_for_a_repeat_which_is_taken_sitting(
    posture: Posture,
) -> None:
    assert found(crisis(at(0, posture=posture))) == FIRST
    with_pain = crisis(at(0, posture=posture), symptoms=(Symptom.CHEST_PAIN,))
    assert found(with_pain) == ("crisis_with_symptoms", "emergency")
    assert found(crisis(at(0), at(5, posture=posture))) == ("crisis_confirmed", "same_day")


def test_a_late_upload_is_a_task_and_no_page() -> None:
    day = 24 * 60
    assert found(crisis(at(day))) == FIRST
    late = crisis(at(day + 1), symptoms=(Symptom.CHEST_PAIN,))
    assert late == Alarm(
        AlarmCause.CRISIS_READING, Urgency.QUEUE, NOW - (day + 1) * MINUTE, (f"{day + 1}",)
    )


def alarms(**changes: Any) -> list[tuple[str, str]]:
    fields: dict[str, Any] = {"labs": (), "readings": ()}
    return [
        (alarm.cause.value, alarm.urgency.value)
        for alarm in scan(snapshot(**{**fields, **changes}), NOW)
    ]


def one(**changes: Any) -> Alarm:
    (alarm,) = scan(snapshot(**{"labs": (), "readings": (), **changes}), NOW)
    return alarm


def test_an_uneventful_patient_raises_nothing() -> None:
    assert scan(snapshot(), NOW) == ()


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ((at(5),), [FIRST]),
        ((at(30),), [FIRST]),
        ((at(31),), [("crisis_not_repeated", "same_day")]),
        ((at(20), at(10)), [CONFIRMED]),
        ((at(50), at(40)), [CONFIRMED]),
        ((at(20), at(10, 150, 90)), []),
        ((at(60), at(50, 150, 90)), []),
        ((at(60), at(20, 150, 90)), [("crisis_not_repeated", "same_day")]),
        ((at(20), at(19.5, 150, 90)), [FIRST]),
        ((at(60), at(5)), [FIRST]),
        ((at(40), at(39, 150, 90)), []),
        ((at(40), at(10, 150, 90)), []),
        ((at(40), at(9.5, 150, 90)), [("crisis_not_repeated", "same_day")]),
        ((at(0),), [FIRST]),
        ((at(24 * 60 - 1),), [("crisis_not_repeated", "same_day")]),
        ((at(24 * 60 + 1),), []),
        ((at(-5),), [FIRST]),
        ((at(-10),), [FIRST]),
        ((at(-10.1),), []),
        ((at(20), at(-5)), [CONFIRMED]),
        ((at(5, history=True),), []),
    ],
)
def test_the_state_of_a_crisis_in_a_snapshot(
    readings: tuple[BloodPressure, ...], expected: list[tuple[str, str]]
) -> None:
    assert alarms(readings=readings) == expected


def test_a_crisis_in_a_snapshot_names_its_evidence() -> None:
    assert one(readings=(at(31),)) == Alarm(
        AlarmCause.CRISIS_NOT_REPEATED, Urgency.SAME_DAY, NOW - 31 * MINUTE, ("31",)
    )
    assert one(readings=(at(5),)) == Alarm(
        AlarmCause.CRISIS_READING, Urgency.REPEAT, NOW - 5 * MINUTE, ("5",)
    )
    assert one(readings=(at(20), at(10))).evidence_ids == ("20", "10")


def test_a_reading_of_this_moment_is_seen() -> None:
    assert alarms(readings=(at(0),)) == [FIRST]


def late(hours: float, received_hours_ago: float) -> BloodPressure:
    return at(hours * 60, received_at=NOW - timedelta(hours=received_hours_ago))


def test_late_uploads_are_one_task_for_a_day() -> None:
    readings = (late(48, 1), late(26, 1))
    assert one(readings=readings) == Alarm(
        AlarmCause.CRISIS_READING,
        Urgency.QUEUE,
        NOW - timedelta(hours=48),
        (f"{48 * 60}", f"{26 * 60}"),
    )
    assert alarms(readings=(late(50, 25),)) == []
    assert alarms(readings=(late(48, 24),)) == [("crisis_not_repeated", "same_day")]
    assert alarms(readings=(late(49, 24),)) == [("crisis_reading", "queue")]


def test_a_late_upload_and_a_fresh_crisis_are_two() -> None:
    assert alarms(readings=(late(48, 1), at(5))) == [FIRST, ("crisis_reading", "queue")]


def test_a_crisis_with_symptoms_is_an_emergency_before_all_else() -> None:
    report = SymptomReport(Symptom.SEVERE_HEADACHE, NOW - MINUTE, open=True)
    assert alarms(readings=(at(50),), symptoms=(report,)) == [
        ("crisis_with_symptoms", "emergency"),
        ("emergency_symptom", "same_day"),
    ]


def low(days_ago: float, systolic: int = 89, diastolic: int = 65) -> BloodPressure:
    moment = NOW - timedelta(days=days_ago)
    return reading(moment, systolic, diastolic, reading_id=f"{days_ago}")


PERSISTENT = ("persistent_low", "same_day")


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ((low(3), low(1)), [PERSISTENT]),
        ((low(3, 90), low(1, 90)), []),
        ((low(14), low(1)), [PERSISTENT]),
        ((low(14.1), low(1)), []),
        ((low(3),), []),
        ((low(3, 150, 59), low(1, 150, 59)), [("low_diastolic", "queue")]),
        ((low(3, 150, 60), low(1, 150, 60)), []),
        ((low(3, 150, 59),), []),
        ((low(3, 99, 59), low(1, 150, 59)), [PERSISTENT]),
        ((low(3, 100, 59), low(1, 150, 59)), [("low_diastolic", "queue")]),
        ((low(3, 99, 65), low(2, 150, 59), low(1, 150, 59)), [("low_diastolic", "queue")]),
    ],
)
def test_persistent_low(
    readings: tuple[BloodPressure, ...], expected: list[tuple[str, str]]
) -> None:
    assert alarms(readings=readings) == expected


@pytest.mark.parametrize("symptom", [Symptom.SYNCOPE, Symptom.DIZZINESS, Symptom.FALL])
def test_a_low_diastolic_with_faintness_is_the_same_day(symptom: Symptom) -> None:
    report = SymptomReport(symptom, NOW - DAY, open=True)
    readings = (low(3, 150, 59), low(1, 150, 59))
    assert PERSISTENT in alarms(readings=readings, symptoms=(report,))
    cough = SymptomReport(Symptom.COUGH, NOW - DAY, open=True)
    assert PERSISTENT not in alarms(readings=readings, symptoms=(cough,))


def test_persistent_low_names_the_low_readings_and_began_with_the_first() -> None:
    found_low = one(readings=(low(5, 120, 70), low(3), low(1)))
    assert found_low == Alarm(
        AlarmCause.PERSISTENT_LOW, Urgency.SAME_DAY, NOW - 3 * DAY, ("3", "1")
    )
    standing = reading(NOW - DAY, 80, 50, posture=Posture.STANDING_1_MIN)
    assert alarms(readings=(low(3), standing)) == []


@pytest.mark.parametrize(
    ("symptom", "expected"),
    [
        (Symptom.CHEST_PAIN, ("emergency_symptom", "emergency")),
        (Symptom.BREATHLESSNESS, ("emergency_symptom", "emergency")),
        (Symptom.WEAKNESS_OR_SPEECH, ("emergency_symptom", "emergency")),
        (Symptom.FACE_SWELLING, ("emergency_symptom", "emergency")),
        (Symptom.SEVERE_HEADACHE, ("emergency_symptom", "same_day")),
        (Symptom.VISION_LOSS, ("emergency_symptom", "same_day")),
        (Symptom.CONFUSION, ("emergency_symptom", "same_day")),
        (Symptom.SYNCOPE, ("emergency_symptom", "same_day")),
        (Symptom.DIZZINESS, ("symptom", "queue")),
        (Symptom.FALL, ("symptom", "queue")),
        (Symptom.PALPITATIONS, ("symptom", "queue")),
        (Symptom.VOMITING_OR_DIARRHOEA, ("symptom", "queue")),
        (Symptom.COUGH, ("symptom", "queue")),
        (Symptom.ANKLE_SWELLING, ("symptom", "queue")),
        (Symptom.FATIGUE, ("symptom", "queue")),
    ],
)
def test_open_symptoms_by_themselves(symptom: Symptom, expected: tuple[str, str]) -> None:
    report = SymptomReport(symptom, NOW - DAY, open=True)
    assert alarms(symptoms=(report,)) == [expected]
    assert one(symptoms=(report,)).evidence_ids == (symptom.value,)
    assert one(symptoms=(report,)).since == NOW - DAY
    assert alarms(symptoms=(SymptomReport(symptom, NOW - DAY, open=False),)) == []


@pytest.mark.parametrize(
    ("symptom", "cause"),
    [
        (Symptom.CHEST_PAIN, "emergency_symptom"),
        (Symptom.SYNCOPE, "emergency_symptom"),
        (Symptom.COUGH, "symptom"),
    ],
)
def test_a_symptom_of_history_or_a_day_late_is_a_task_and_no_page(
    symptom: Symptom, cause: str
) -> None:
    second = timedelta(seconds=1)
    late = SymptomReport(symptom, NOW - DAY - second, open=True)
    history = SymptomReport(symptom, NOW - MINUTE, open=True, history=True)
    assert alarms(symptoms=(late,)) == alarms(symptoms=(history,)) == [(cause, "queue")]


def test_a_closed_symptom_before_an_open_one_hides_nothing() -> None:
    closed = SymptomReport(Symptom.COUGH, NOW - DAY, open=False)
    opened = SymptomReport(Symptom.FATIGUE, NOW - DAY, open=True)
    assert alarms(symptoms=(closed, opened)) == [("symptom", "queue")]


def test_the_dead_page_nobody() -> None:
    assert alarms(deceased=True, readings=(at(5),)) == []


def test_the_most_urgent_comes_first() -> None:
    report = SymptomReport(Symptom.CHEST_PAIN, NOW - DAY, open=True)
    assert alarms(
        labs=(lab(Lab.POTASSIUM, 5200, 1),), symptoms=(report,), readings=(low(3), low(1))
    ) == [("emergency_symptom", "emergency"), PERSISTENT, ("potassium_high", "queue")]
    assert week()[0].history is False
