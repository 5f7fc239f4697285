"""Home averages: what counts, what is missing and until when, the dead band, the two windows."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from math import ceil, sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clinical.averaging import (
    Average,
    InsufficientAverage,
    SufficientAverage,
    average,
    in_target_percent,
    standard_error_tenths,
    two_windows_above,
)
from services.clinical.patient import Target
from services.clinical.readings import BloodPressure, Posture, ReadingSource
from tests.services.clinical.examples import DAY, NOW, reading, week

TARGET = Target(130, 80)


def mean(readings: tuple[BloodPressure, ...], **changes: Any) -> Average:
    fields: dict[str, Any] = {"now": NOW, "last_change_at": None, "target": TARGET}
    return average(readings, **{**fields, **changes})


def sufficient(readings: tuple[BloodPressure, ...], **changes: Any) -> SufficientAverage:
    found = mean(readings, **changes)
    assert isinstance(found, SufficientAverage), found
    return found


def insufficient(readings: tuple[BloodPressure, ...], **changes: Any) -> InsufficientAverage:
    found = mean(readings, **changes)
    assert isinstance(found, InsufficientAverage), found
    return found


def test_a_full_week_counts_six_days_and_all_figures_are_of_them() -> None:
    """The week's last day has its morning only: 5 days of 4 and one of 2 readings."""
    found = sufficient(week(148, 92, spread=0))
    assert (found.counted_days, found.counted_readings) == (6, 22)
    assert (found.systolic_tenths, found.diastolic_tenths) == (1480, 920)
    assert (found.systolic_se_tenths, found.diastolic_se_tenths) == (0, 0)
    assert (found.systolic_lower_tenths, found.diastolic_lower_tenths) == (1480, 920)
    assert (found.first_at, found.last_at) == (
        NOW.replace(hour=7) - 5 * DAY,
        NOW.replace(hour=7, minute=2),
    )
    assert (found.days_above, found.typed_readings, found.heart_rate_bpm) == (6, 0, 70)
    assert len(found.days) == 6
    assert [day.ordinal for day in found.days] == sorted(day.ordinal for day in found.days)


def test_day_one_is_dropped_however_high_it_is() -> None:
    first, *rest = week(148, 92, spread=0)
    high = reading(first.taken_at, 220, 130)
    assert sufficient((high, *rest)).systolic_tenths == 1480


def test_mornings_and_evenings_are_kept_apart() -> None:
    readings = tuple(
        reading(
            r.taken_at, 150 if r.taken_at.hour < 12 else 130, 95 if r.taken_at.hour < 12 else 75
        )
        for r in week()
    )
    found = sufficient(readings)
    assert (found.morning_systolic_tenths, found.evening_systolic_tenths) == (1500, 1300)
    assert (found.morning_diastolic_tenths, found.evening_diastolic_tenths) == (950, 750)


def test_means_are_to_the_nearest_tenth_halves_upward() -> None:
    """22 readings, eleven of them one higher: a mean of 148.5; the pulse is whole."""
    counted = [r for r in week(148, 92, spread=0) if r.taken_at >= NOW.replace(hour=0) - 5 * DAY]
    dropped = week(148, 92, spread=0)[:4]
    raised = [reading(r.taken_at, 149, 93, pulse_bpm=71) for r in counted[:11]]
    found = sufficient((*dropped, *raised, *counted[11:]))
    assert (found.systolic_tenths, found.diastolic_tenths) == (1485, 925)
    assert found.heart_rate_bpm == 70
    # one of 22 higher: 148.0454… is 148.0; two of 22: 148.0909… is 148.1
    found = sufficient((*dropped, *raised[:1], *counted[1:]))
    assert found.systolic_tenths == 1480
    found = sufficient((*dropped, *raised[:2], *counted[2:]))
    assert found.systolic_tenths == 1481


@pytest.mark.parametrize("spread", [4, 40])
def test_the_standard_error_is_of_daily_means_widened_by_autocorrelation(spread: int) -> None:
    found = sufficient(week(148, 92, spread=spread))
    daily = [day.systolic_tenths for day in found.days]
    centre = sum(daily) / 6
    deviation = sqrt(sum((value - centre) ** 2 for value in daily) / 5)
    assert found.systolic_se_tenths == ceil(1.36 * deviation / sqrt(6))
    assert found.systolic_lower_tenths == found.systolic_tenths - ceil(
        Fraction(164 * found.systolic_se_tenths, 100)
    )
    assert found.diastolic_lower_tenths == found.diastolic_tenths - ceil(
        Fraction(164 * found.diastolic_se_tenths, 100)
    )


def test_the_standard_error_of_known_figures() -> None:
    assert standard_error_tenths([1400, 1400, 1400]) == 0
    # SD 100, 3 days: 1.36 × 100 / √3 = 78.52
    assert standard_error_tenths([1300, 1400, 1500]) == 79
    # SD √2·50, 2 days: 1.36 × 70.71 / 1.414 = 68 exactly: nothing is rounded up
    assert standard_error_tenths([1400, 1500]) == 68


@given(st.lists(st.integers(600, 2500), min_size=2, max_size=12))
def test_the_standard_error_is_the_least_tenth_not_below_the_exact_one(daily: list[int]) -> None:
    n = len(daily)
    spread = sum((Fraction(value) - Fraction(sum(daily), n)) ** 2 for value in daily)
    exact_squared = Fraction(136, 100) ** 2 * spread / (n - 1) / n
    found = standard_error_tenths(daily)
    assert found**2 >= exact_squared
    assert found == 0 or (found - 1) ** 2 < exact_squared


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"device_validated": False}, "validated_device"),
        ({"device_validated": None}, "validated_device"),
        ({"cuff_fits": False}, "fitting_cuff"),
        ({"cuff_fits": None}, "fitting_cuff"),
        ({"irregular_pulse": True}, "regular_pulse"),
    ],
)
def test_what_may_not_count_is_named(changes: dict[str, Any], named: str) -> None:
    found = insufficient(week(**changes))
    assert found.missing == ("readings", "days", "morning_readings", "evening_readings", named)
    assert (found.counted_days, found.counted_readings) == (0, 0)


def test_a_rhythm_that_the_monitor_does_not_report_counts() -> None:
    assert sufficient(week(irregular_pulse=None)).counted_days == 6


def test_a_sufficient_week_beside_bad_readings_is_sufficient() -> None:
    bad = reading(NOW - timedelta(hours=1), device_validated=False)
    assert sufficient((*week(), bad)).counted_days == 6


@pytest.mark.parametrize("posture", [p for p in Posture if p is not Posture.SITTING])
def test_other_postures_do_not_count_and_are_not_named(posture: Posture) -> None:
    assert insufficient(week(posture=posture)).missing[-1] == "evening_readings"
    assert sufficient(week(posture=posture), posture=posture).counted_days == 6


def test_without_readings_everything_is_missing_and_four_days_are_needed() -> None:
    found = insufficient(())
    assert found.missing == ("readings", "days", "morning_readings", "evening_readings")
    assert found.complete_at == NOW + 4 * DAY


@pytest.mark.parametrize(("days", "needed"), [(1, 4), (2, 3), (3, 2)])
def test_it_says_when_the_average_could_be_complete(days: int, needed: int) -> None:
    """Of three days with today's morning, one and a half are counted: 6 readings."""
    assert insufficient(week(days=days)).complete_at == NOW + needed * DAY


def test_four_days_with_today_s_morning_alone_lack_readings() -> None:
    found = insufficient(week(days=4))
    assert found.missing == ("readings",)
    assert (found.counted_days, found.counted_readings) == (3, 10)
    assert found.complete_at == NOW + DAY


def test_twelve_readings_on_three_counted_days_are_enough() -> None:
    evening = NOW.replace(hour=20)
    assert sufficient(week(days=4, last_day=evening), now=evening).counted_readings == 12
    assert insufficient(week(days=4, last_day=evening)[:-1], now=evening).counted_readings == 11


def test_twelve_readings_on_two_counted_days_are_not() -> None:
    """Only two of each half-day count, so that two days give eight."""
    extra = tuple(
        reading(r.taken_at + timedelta(minutes=10 * n), 200, 120)
        for r in week(days=3)
        for n in (1, 2)
    )
    found = insufficient((*week(days=3), *extra))
    assert found.counted_readings == 6
    assert found.missing == ("readings", "days")


def test_only_the_first_two_readings_of_a_half_day_count_in_whatever_order_they_come() -> None:
    extra = tuple(reading(r.taken_at + timedelta(minutes=30), 200, 120) for r in week())
    for readings in ((*week(spread=0), *extra), (*extra, *week(spread=0))):
        found = sufficient(readings)
        assert (found.counted_readings, found.systolic_tenths) == (22, 1480)


@pytest.mark.parametrize(("hours", "named"), [((7,), "evening"), ((19,), "morning")])
def test_both_halves_of_the_day_are_wanted(hours: tuple[int, ...], named: str) -> None:
    evening = NOW.replace(hour=20)
    halves = tuple(r for r in week(last_day=evening) if r.taken_at.hour in hours)
    found = insufficient(halves, now=evening)
    assert found.missing == (f"{named}_readings",)
    assert found.complete_at == evening + DAY


@pytest.mark.parametrize(
    ("hour", "minute", "counts"),
    [
        (3, 59, 0),
        (4, 0, 1),
        (11, 59, 1),
        (12, 0, 0),
        (15, 59, 0),
        (16, 0, 1),
        (23, 59, 1),
        (0, 0, 0),
    ],
)
def test_morning_is_four_to_noon_and_evening_four_to_midnight(
    hour: int, minute: int, counts: int
) -> None:
    base = week(days=6, last_day=NOW - DAY)
    extra = reading(NOW.replace(hour=hour, minute=minute) - 3 * DAY - timedelta(days=0), 148, 92)
    without = tuple(r for r in base if r.taken_at.date() != extra.taken_at.date())
    before = sufficient(without).counted_readings
    assert sufficient((*without, extra)).counted_readings == before + counts


def test_the_day_is_the_patient_s_own() -> None:
    """22:00 UTC in Tokyo is seven in the morning of the next day."""
    shifted = tuple(
        reading(r.taken_at - timedelta(hours=9), 148, 92, utc_offset_minutes=540) for r in week()
    )
    found = sufficient(shifted)
    assert (found.counted_days, found.counted_readings) == (6, 22)


@pytest.mark.parametrize(("hour", "minute", "counts"), [(19, 0, True), (18, 59, False)])
def test_four_in_the_morning_is_morning_across_midnight_utc(
    hour: int, minute: int, counts: bool
) -> None:
    """04:00 in Tokyo is 19:00 UTC of the day before."""
    tokyo = [
        reading(r.taken_at - timedelta(hours=9), 148, 92, utc_offset_minutes=540) for r in week()
    ]
    at = (NOW - 4 * DAY).replace(hour=hour, minute=minute)
    base = [r for r in tokyo if r.taken_local.date() != (NOW - 3 * DAY).date()]
    early = reading(at, 148, 92, utc_offset_minutes=540)
    assert early.taken_local.date() == (NOW - 3 * DAY).date()
    before = sufficient(tuple(base)).counted_readings
    assert sufficient((*base, early)).counted_readings == before + counts


def test_one_moment_counts_once() -> None:
    again = tuple(reading(r.taken_at, 200, 120, reading_id="again") for r in week())
    assert sufficient((*week(), *again)).counted_readings == 22


def test_a_week_typed_beside_the_monitor_s_own_counts_once() -> None:
    sent = week()
    typed = tuple(
        replace(
            item,
            reading_id=f"t-{item.reading_id}",
            taken_at=item.taken_at - timedelta(seconds=30),
            source=ReadingSource.TYPED,
        )
        for item in sent
    )
    alone, both = sufficient(sent), sufficient((*typed, *sent))
    assert both == alone
    assert both.typed_readings == 0
    high = (reading(NOW - DAY, 150, 90), reading(NOW - DAY + timedelta(seconds=30), 150, 90))
    good = reading(NOW - 2 * DAY, 120, 70)
    since = NOW - 3 * DAY
    assert in_target_percent((good, *high), Target(130, 80), since=since, until=NOW) == 50


def test_readings_after_now_do_not_count() -> None:
    assert sufficient((*week(spread=0), reading(NOW + DAY, 220, 120))).systolic_tenths == 1480


def test_a_reading_of_this_moment_counts() -> None:
    morning = NOW.replace(hour=7, minute=2)
    assert sufficient(week(), now=morning).last_at == morning


def test_a_stale_week_is_named_and_starts_anew() -> None:
    old = week(last_day=NOW - 14 * DAY)
    fresh = NOW - 14 * DAY + timedelta(hours=7, minutes=2) - timedelta(hours=12)
    assert old[-1].taken_at == fresh
    assert sufficient(old, now=fresh + timedelta(days=14)).counted_days == 6
    found = insufficient(old, now=fresh + timedelta(days=14, seconds=1))
    assert found.missing == ("fresh_readings",)
    assert found.complete_at == fresh + timedelta(days=18, seconds=1)
    assert found.counted_days == 6


def test_readings_before_the_last_change_has_settled_do_not_count() -> None:
    """The window opens 14 days after the change, on the second."""
    first = week()[0].taken_at
    assert sufficient(week(), last_change_at=first - 14 * DAY).counted_days == 6
    # With the first reading gone day 1 still has others.
    found = sufficient(week(), last_change_at=first - 14 * DAY + timedelta(seconds=1))
    assert found.counted_days == 6
    found = sufficient(week(), last_change_at=first - 13 * DAY)
    assert found.counted_days == 5


def test_while_a_change_settles_it_says_so_and_counts_from_its_end() -> None:
    found = insufficient(week(), last_change_at=NOW - 4 * DAY)
    assert found.missing == (
        "readings",
        "days",
        "morning_readings",
        "evening_readings",
        "settling",
    )
    assert found.complete_at == NOW + 14 * DAY
    assert "settling" not in insufficient((), last_change_at=NOW - 14 * DAY).missing


def test_days_above_counts_either_pressure_strictly_above() -> None:
    assert sufficient(week(130, 80, spread=0)).days_above == 0
    assert sufficient(week(131, 79, spread=0)).days_above == 6
    assert sufficient(week(129, 81, spread=0)).days_above == 6
    assert sufficient(week(131, 79, spread=0), target=None).days_above is None


def test_typed_readings_are_counted_and_told() -> None:
    assert sufficient(week(source=ReadingSource.TYPED)).typed_readings == 22


def test_without_pulses_there_is_no_heart_rate() -> None:
    assert sufficient(week(pulse_bpm=None)).heart_rate_bpm is None


def above(*windows: tuple[BloodPressure, ...], **changes: Any) -> bool:
    readings = tuple(r for window in windows for r in window)
    fields: dict[str, Any] = {"now": NOW, "last_change_at": None}
    return two_windows_above(readings, TARGET, **{**fields, **changes})


HIGH = week(136, 84, spread=0)


@pytest.mark.parametrize(
    ("systolic", "diastolic", "expected"),
    [(131, 70, True), (130, 80, False), (120, 81, True), (120, 70, False)],
)
def test_two_windows_above_in_one_and_the_same_pressure(
    systolic: int, diastolic: int, expected: bool
) -> None:
    earlier = week(systolic, diastolic, spread=0, last_day=NOW - 28 * DAY)
    assert above(earlier, week(systolic, diastolic, spread=0)) is expected


def test_one_window_systolic_and_one_diastolic_are_not_two_above() -> None:
    assert not above(week(140, 70, last_day=NOW - 28 * DAY), week(120, 90))


def test_four_days_above_are_enough_and_three_are_not() -> None:
    def days(high: int) -> tuple[BloodPressure, ...]:
        readings = []
        for r in week(spread=0):
            back = (NOW.date() - r.taken_at.date()).days
            readings.append(reading(r.taken_at, 140 if back < high else 120, 70))
        return tuple(readings)

    earlier = week(140, 70, last_day=NOW - 28 * DAY)
    assert above(earlier, days(4))
    assert not above(earlier, days(3))


def test_the_earlier_window_must_be_complete_and_within_reach() -> None:
    assert above(HIGH, week(136, 84, last_day=NOW - 7 * DAY))
    assert not above(HIGH)
    assert not above(HIGH, week(136, 84, days=3, last_day=NOW - 28 * DAY))
    # The latest window starts on the 14th; 42 days before it is the 2nd of April.
    assert above(HIGH, week(136, 84, last_day=NOW - 48 * DAY))
    assert not above(HIGH, week(136, 84, last_day=NOW - 49 * DAY))


def test_a_window_as_far_back_as_may_be_is_reached() -> None:
    """A latest week of 14 days ago, and the earlier one 42 days before it."""
    latest_at = HIGH[-1].taken_at
    earlier = week(136, 84, spread=0, last_day=NOW - 48 * DAY)
    assert above(earlier, HIGH, now=latest_at + 14 * DAY)


def test_the_latest_window_must_be_complete_and_fresh() -> None:
    earlier = week(136, 84, last_day=NOW - 28 * DAY)
    assert not above(earlier, week(136, 84, days=3))
    assert above(earlier, HIGH, now=HIGH[-1].taken_at + 14 * DAY)
    assert not above(earlier, HIGH, now=HIGH[-1].taken_at + 14 * DAY + timedelta(seconds=1))


def test_both_windows_lie_after_the_last_change() -> None:
    earlier = week(136, 84, last_day=NOW - 28 * DAY)
    assert above(earlier, HIGH, last_change_at=NOW - 60 * DAY)
    assert not above(earlier, HIGH, last_change_at=NOW - 40 * DAY)


def test_other_postures_have_their_own_windows() -> None:
    standing = tuple(
        r
        for day in (0, 28)
        for r in week(136, 84, last_day=NOW - day * DAY, posture=Posture.STANDING_1_MIN)
    )
    assert not above(standing)
    assert above(standing, posture=Posture.STANDING_1_MIN)


def test_the_share_in_target_is_of_valid_readings_in_a_half_open_interval() -> None:
    readings = (
        reading(NOW - 2 * DAY, 129, 79),
        reading(NOW - DAY, 130, 79),
        reading(NOW - DAY / 2, 129, 80),
        reading(NOW - DAY / 3, 120, 70, device_validated=False),
        reading(NOW - DAY / 4, 120, 70),
        reading(NOW, 120, 70),
    )
    assert in_target_percent(readings, TARGET, since=NOW - 2 * DAY, until=NOW) == 50
    assert in_target_percent(readings, TARGET, since=NOW - DAY, until=NOW) == 33
    assert in_target_percent((), TARGET, since=NOW - DAY, until=NOW) is None


@pytest.mark.parametrize(("systolic", "share"), [(109, 0), (110, 100), (129, 100), (130, 0)])
def test_too_low_is_not_in_target(systolic: int, share: int) -> None:
    readings = (reading(NOW - DAY, systolic, 70),)
    assert in_target_percent(readings, TARGET, since=NOW - 2 * DAY, until=NOW) == share
