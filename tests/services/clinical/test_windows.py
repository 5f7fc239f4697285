"""Windows: the seven days that end with the last counted reading."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.clinical.readings import BloodPressure, Posture, ReadingSource
from services.clinical.windows import covers, fault, latest_window, once_each, shortfall, sift
from tests.services.clinical.examples import DAY, NOW, reading, week


def test_a_window_is_seven_calendar_days_and_loses_its_first() -> None:
    sifted = sift(week(days=10), Posture.SITTING, NOW - 60 * DAY, NOW)
    window = latest_window(sifted)
    assert len(sifted.days) == 10
    ordinals = [day.ordinal for day in window]
    assert ordinals == list(range(ordinals[0], ordinals[0] - 6, -1))
    assert ordinals[0] == max(sifted.days)


def test_days_without_readings_leave_gaps_and_the_first_day_with_readings_is_dropped() -> None:
    readings = tuple(r for r in week() if r.taken_at.day not in (14, 16))
    window = latest_window(sift(readings, Posture.SITTING, NOW - 60 * DAY, NOW))
    assert len(window) == 4
    assert shortfall(window) == ()


@pytest.mark.parametrize(
    ("since", "newest_back", "whole"),
    [
        (NOW - 8 * DAY, None, True),
        (NOW - 7 * DAY, None, False),
        (NOW - 7 * DAY, 0, False),
        (NOW - 8 * DAY, 0, True),
        (NOW - 8 * DAY, 1, False),
        (NOW - 9 * DAY, 1, True),
    ],
)
def test_a_whole_window_needs_two_days_of_slack_before_it(
    since: datetime, newest_back: int | None, whole: bool
) -> None:
    sifted = sift(week(days=20), Posture.SITTING, since, NOW)
    newest = None if newest_back is None else max(sifted.days) - newest_back
    assert covers(sifted, since, newest=newest) is whole
    assert not covers(sift((), Posture.SITTING, since, NOW), since)


def test_a_window_before_another_ends_before_it() -> None:
    sifted = sift(week(days=14), Posture.SITTING, NOW - 60 * DAY, NOW)
    latest = latest_window(sifted)
    earlier = latest_window(sifted, before=latest[0].ordinal - 6)
    assert earlier[0].ordinal == latest[0].ordinal - 7
    assert latest_window(sifted, before=min(sifted.days)) == []


def test_sifting_keeps_the_moments_of_a_closed_interval() -> None:
    second = timedelta(seconds=1)
    morning = NOW.replace(hour=8)
    inside = (reading(morning - DAY), reading(morning))
    outside = (reading(morning - DAY - second), reading(morning + second))
    sifted = sift((*inside, *outside), Posture.SITTING, morning - DAY, morning)
    assert sifted.last_at == morning
    counted = [r for day in sifted.days.values() for r in day.mornings]
    assert counted == list(inside)


MORNING = NOW.replace(hour=8)
SECOND = timedelta(seconds=1)


def typed(after_s: int, **changes: Any) -> BloodPressure:
    moment = MORNING + after_s * SECOND
    return reading(moment, source=ReadingSource.TYPED, reading_id=f"t{after_s}", **changes)


@pytest.mark.parametrize("after_s", [-59, -45, 0, 59])
@pytest.mark.parametrize("pulse_bpm", [70, None])
def test_a_measurement_sent_and_typed_counts_once_as_sent(
    after_s: int, pulse_bpm: int | None
) -> None:
    sent, copy = reading(MORNING), typed(after_s, pulse_bpm=pulse_bpm)
    for order in ((sent, copy), (copy, sent)):
        assert once_each(order) == [sent]
        sifted = sift(order, Posture.SITTING, MORNING - DAY, NOW)
        assert [r for day in sifted.days.values() for r in day.mornings] == [sent]


@pytest.mark.parametrize(
    "other",
    [
        typed(60),
        typed(-60),
        typed(30, systolic=141),
        typed(30, diastolic=89),
        typed(30, pulse_bpm=71),
        typed(30, posture=Posture.STANDING_1_MIN),
    ],
)
def test_another_measurement_counts_beside_it(other: BloodPressure) -> None:
    assert len(once_each((reading(MORNING), other))) == 2


def test_a_copy_is_found_behind_another_reading_and_a_third_copy_is_the_same() -> None:
    between = typed(20, systolic=150)
    sent = reading(MORNING + 40 * SECOND)
    assert once_each((typed(0), between, sent)) == [between, sent]
    assert once_each((typed(0), typed(30), typed(59))) == [typed(0)]
    assert once_each((sent, typed(50))) == [sent]
    assert once_each((typed(0), sent, typed(50))) == [sent]


def test_the_same_figures_a_whole_minute_later_are_another_measurement_whatever_lies_between() -> (
    None
):
    first, other, again = (
        reading(NOW - timedelta(seconds=seconds), systolic)
        for seconds, systolic in ((60, 141), (30, 150), (0, 141))
    )
    assert once_each((first, other, again)) == [first, other, again]
    sooner = reading(NOW - timedelta(seconds=1), 141)
    assert once_each((first, other, sooner)) == [first, other]


def test_a_flaw_that_the_monitor_told_is_not_hidden_by_the_typed_copy() -> None:
    flawed = reading(MORNING, irregular_pulse=True)
    sifted = sift((flawed, typed(30)), Posture.SITTING, MORNING - DAY, NOW)
    assert (sifted.days, sifted.excluded) == ({}, ("regular_pulse",))


def test_a_casual_hour_makes_no_day() -> None:
    sifted = sift((reading(NOW),), Posture.SITTING, NOW - DAY, NOW)
    assert (sifted.last_at, sifted.days) == (NOW, {})


def test_a_fault_is_named_in_the_order_that_the_patient_can_mend_it() -> None:
    assert fault(reading(), Posture.SITTING) is None
    assert fault(reading(posture=Posture.LYING), Posture.SITTING) == ""
    assert fault(reading(device_validated=False, cuff_fits=False), Posture.SITTING) == (
        "validated_device"
    )
    assert fault(reading(cuff_fits=False, irregular_pulse=True), Posture.SITTING) == "fitting_cuff"
