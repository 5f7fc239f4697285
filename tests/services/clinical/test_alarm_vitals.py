"""Alarms of heart rate, weight and rhythm, each at its limit."""

from datetime import timedelta
from typing import Any

import pytest

from services.clinical.alarms import Alarm, AlarmCause, Urgency, scan
from services.clinical.formulary import Drug
from services.clinical.patient import Condition, Weight
from services.clinical.readings import BloodPressure
from tests.services.clinical.examples import DAY, NOW, prescription, reading, snapshot

HOUR = timedelta(hours=1)


def pulses(*values: int | None, days_ago: float = 1) -> tuple[BloodPressure, ...]:
    start = NOW - timedelta(days=days_ago)
    return tuple(
        reading(
            start + n * timedelta(minutes=2), 140, 85, pulse_bpm=v, reading_id=f"{days_ago}.{n}"
        )
        for n, v in enumerate(values)
    )


def alarms(**changes: Any) -> list[tuple[str, str]]:
    made = snapshot(**{"labs": (), "readings": (), **changes})
    return [(alarm.cause.value, alarm.urgency.value) for alarm in scan(made, NOW)]


URGENT, QUEUE = [("heart_rate", "same_day")], [("heart_rate", "queue")]
BISOPROLOL = (prescription(Drug.BISOPROLOL, 5000),)


@pytest.mark.parametrize(
    ("values", "beta_blocker", "expected"),
    [
        ((40, 40), False, []),
        ((39, 39), False, URGENT),
        ((129, 129), False, []),
        ((130, 130), False, URGENT),
        ((50, 50), True, []),
        ((49, 49), True, URGENT),
        ((49, 49), False, []),
        ((30,), False, []),
        ((30, None), False, []),
        ((None, None, None), False, []),
        ((30, 49), False, URGENT),
        ((30, 50), False, []),
    ],
)
def test_a_mean_rate_of_three_days_that_is_extreme(
    values: tuple[int | None, ...], beta_blocker: bool, expected: list[tuple[str, str]]
) -> None:
    regimen = BISOPROLOL if beta_blocker else ()
    assert alarms(readings=pulses(*values), regimen=regimen) == expected


def test_the_alarm_names_the_recent_readings() -> None:
    (alarm,) = scan(
        snapshot(labs=(), readings=(*pulses(70, 70, days_ago=5), *pulses(35, 35, days_ago=3))), NOW
    )
    assert alarm == Alarm(AlarmCause.HEART_RATE, Urgency.SAME_DAY, NOW - 3 * DAY, ("3.0", "3.1"))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((60,) * 4, (90,) * 4, QUEUE),
        ((60,) * 4, (89,) * 4, []),
        ((90,) * 4, (60,) * 4, QUEUE),
        ((60,) * 3, (90,) * 4, []),
        ((60,) * 4, (90,) * 3, []),
        ((60,) * 5, (90,) * 5, QUEUE),
    ],
)
def test_a_rate_that_shifts_by_thirty(
    before: tuple[int, ...], after: tuple[int, ...], expected: list[tuple[str, str]]
) -> None:
    assert alarms(readings=(*pulses(*before, days_ago=10), *pulses(*after))) == expected


@pytest.mark.parametrize(("days_ago", "expected"), [(3.1, QUEUE), (17, QUEUE), (17.1, []), (3, [])])
def test_the_rate_before_is_of_the_fortnight_before(
    days_ago: float, expected: list[tuple[str, str]]
) -> None:
    readings = (*pulses(60, 60, 60, 60, days_ago=days_ago), *pulses(*(90,) * 40))
    assert alarms(readings=readings) == expected


def weights(*pairs: tuple[float, int]) -> tuple[Weight, ...]:
    return tuple(Weight(grams, NOW - timedelta(days=days)) for days, grams in pairs)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (((3, 80_000), (0, 82_000)), []),
        (((3, 80_000), (0, 82_001)), [("weight_change", "queue")]),
        (((3, 82_001), (0, 80_000)), [("weight_change", "queue")]),
        (((3.1, 80_000), (0, 82_001)), []),
        (((5, 80_000), (3, 82_001)), [("weight_change", "queue")]),
        (((5, 80_000), (3.1, 82_001)), []),
        (((2, 80_000), (1, 85_000), (0, 81_000)), [("weight_change", "queue")]),
        (((0, 82_001), (3, 80_000)), [("weight_change", "queue")]),
        (((1, 80_000), (-1, 90_000)), []),
        (((0, 80_000),), []),
    ],
)
def test_weight(given: tuple[tuple[float, int], ...], expected: list[tuple[str, str]]) -> None:
    assert alarms(weights=weights(*given)) == expected


@pytest.mark.parametrize(
    ("condition", "urgency"),
    [
        (Condition.HEART_FAILURE, "same_day"),
        (Condition.HEART_FAILURE_DECOMPENSATED, "same_day"),
        (Condition.GOUT, "queue"),
    ],
)
def test_weight_in_heart_failure_is_the_same_day(condition: Condition, urgency: str) -> None:
    given = weights((3, 80_000), (0, 82_001))
    assert alarms(weights=given, conditions=frozenset({condition})) == [("weight_change", urgency)]
    made = snapshot(labs=(), readings=(), weights=given)
    assert scan(made, NOW)[0].since == NOW - 3 * DAY


RHYTHM = [("irregular_rhythm", "queue")]


def irregular(days_ago: float) -> BloodPressure:
    return reading(NOW - timedelta(days=days_ago), irregular_pulse=True, reading_id=f"{days_ago}")


@pytest.mark.parametrize(
    ("days", "checked", "expected"),
    [
        ((2, 1), None, RHYTHM),
        ((1,), None, []),
        ((14, 1), None, RHYTHM),
        ((14.1, 1), None, []),
        ((2, 1), 3, RHYTHM),
        ((2, 1), 1.5, []),
        ((2, 1), 2, []),
        ((3, 2, 1), 3, RHYTHM),
    ],
)
def test_two_irregular_pulses_ask_for_a_check_by_hand(
    days: tuple[float, ...], checked: float | None, expected: list[tuple[str, str]]
) -> None:
    at = None if checked is None else NOW - timedelta(days=checked)
    readings = tuple(irregular(day) for day in days)
    assert alarms(readings=readings, rhythm_checked_manually_at=at) == expected


def test_a_flag_asks_until_the_pulse_was_felt() -> None:
    flag_at = NOW - 2 * DAY
    assert alarms(irregular_rhythm_flag_at=flag_at) == RHYTHM
    assert alarms(irregular_rhythm_flag_at=flag_at, rhythm_checked_manually_at=flag_at) == []
    earlier = flag_at - HOUR
    assert alarms(irregular_rhythm_flag_at=flag_at, rhythm_checked_manually_at=earlier) == RHYTHM
    assert alarms(rhythm_checked_manually_at=earlier) == []


def test_rhythm_alarms_name_their_evidence() -> None:
    made = snapshot(labs=(), readings=(irregular(2), irregular(1)))
    assert scan(made, NOW) == (
        Alarm(AlarmCause.IRREGULAR_RHYTHM, Urgency.QUEUE, NOW - 2 * DAY, ("2", "1")),
    )
    made = snapshot(labs=(), readings=(), irregular_rhythm_flag_at=NOW - DAY)
    assert scan(made, NOW) == (Alarm(AlarmCause.IRREGULAR_RHYTHM, Urgency.QUEUE, NOW - DAY),)


def test_a_pulse_of_exactly_three_days_ago_is_recent_and_no_baseline() -> None:
    moment = NOW - 3 * DAY
    old = tuple(reading(moment, pulse_bpm=60, reading_id=f"{n}") for n in range(4))
    assert alarms(readings=(*old, *pulses(*(200,) * 4))) == URGENT
    assert alarms(readings=(*old, *pulses(*(100,) * 40))) == []
