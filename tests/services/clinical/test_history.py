"""Facts from readings and changes, each at its limit."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.clinical.averaging import (
    InsufficientAverage,
    SufficientAverage,
    average,
    two_windows_above,
)
from services.clinical.formulary import Drug
from services.clinical.history import (
    NEVER_DAYS,
    History,
    falls_on_standing,
    is_crisis,
    read_history,
)
from services.clinical.patient import Condition, Target
from services.clinical.readings import CLOCK_AHEAD, BloodPressure, Posture, ReadingSource
from tests.services.clinical.examples import (
    DAY,
    LONG_AGO,
    NOW,
    changed,
    prescription,
    reading,
    snapshot,
    week,
)

HOUR = timedelta(hours=1)


def history(**changes: Any) -> History:
    return read_history(snapshot(**changes), NOW)


def test_the_average_and_its_bounds_are_among_the_facts() -> None:
    read = history()
    assert isinstance(read.average, SufficientAverage)
    assert read.average_known
    assert (read.mean_systolic, read.mean_diastolic) == (
        read.average.systolic_tenths,
        read.average.diastolic_tenths,
    )
    assert (read.lower_systolic, read.lower_diastolic) == (
        read.average.systolic_lower_tenths,
        read.average.diastolic_lower_tenths,
    )
    assert read.typed_readings == 0
    assert history(readings=week(source=ReadingSource.TYPED)).typed_readings == 22


def test_without_an_average_none_of_its_facts_is_known() -> None:
    read = history(readings=week(days=2))
    assert isinstance(read.average, InsufficientAverage)
    assert not read.average_known
    assert (read.mean_systolic, read.mean_diastolic, read.lower_systolic) == (None, None, None)
    assert (read.lower_diastolic, read.typed_readings, read.two_windows) == (None, None, False)


@pytest.mark.parametrize(
    ("systolic", "diastolic", "crisis"),
    [(179, 119, False), (180, 100, True), (170, 120, True)],
)
def test_what_a_crisis_reading_is(systolic: int, diastolic: int, crisis: bool) -> None:
    assert is_crisis(reading(systolic=systolic, diastolic=diastolic)) is crisis


@pytest.mark.parametrize(
    ("hours", "posture", "recent"),
    [
        (24, Posture.SITTING, True),
        (24.1, Posture.SITTING, False),
        (0, Posture.SITTING, True),
        (-1 / 6, Posture.SITTING, True),
        (-0.17, Posture.SITTING, False),
        (1, Posture.STANDING_1_MIN, False),
    ],
)
def test_a_crisis_is_recent_for_a_day(hours: float, posture: Posture, recent: bool) -> None:
    high = reading(NOW - hours * HOUR, 184, 100, posture=posture)
    assert history(readings=(*week(), high)).crisis_recent is recent


@pytest.mark.parametrize(
    ("days", "expected"), [(14, 99), (14.1, None), (-1 / 144, 99), (-0.007, None)]
)
def test_the_lowest_systolic_is_of_a_fortnight(days: float, expected: int | None) -> None:
    assert history(readings=(reading(NOW - days * DAY, 99, 66),)).lowest_systolic == expected
    higher = reading(NOW - HOUR, 120, 70)
    seen = history(readings=(reading(NOW - days * DAY, 99, 66), higher)).lowest_systolic
    assert seen == (99 if expected else 120)


def test_the_heart_rate_is_the_whole_mean_of_known_pulses() -> None:
    pulses = (60, None, 65)
    readings = tuple(
        reading(NOW - n * HOUR, pulse_bpm=pulse) for n, pulse in enumerate(pulses, start=1)
    )
    assert history(readings=readings).heart_rate == 62
    assert history(readings=(reading(pulse_bpm=None),)).heart_rate is None


@pytest.mark.parametrize(
    ("target", "systolic", "earlier", "expected"),
    [
        (Target(130, 80), 136, 136, True),
        (Target(130, 80), 136, 126, False),
        (Target(130, 80), 129, 136, False),
        (None, 136, 136, False),
    ],
)
def test_two_windows(target: Target | None, systolic: int, earlier: int, expected: bool) -> None:
    readings = week(earlier, 78, last_day=NOW - 28 * DAY) + week(systolic, 78)
    assert history(readings=readings, target=target).two_windows is expected


def standing(
    minutes_ago: float, systolic: int, diastolic: int, posture: Posture = Posture.STANDING_1_MIN
) -> BloodPressure:
    return reading(NOW - timedelta(minutes=minutes_ago), systolic, diastolic, posture=posture)


def falls(*readings: BloodPressure) -> tuple[int | None, int | None, int | None]:
    read = history(readings=readings)
    return read.standing_drop_systolic, read.standing_drop_diastolic, read.standing_systolic


SIT = reading(NOW - timedelta(minutes=60), 146, 90)


def test_the_fall_on_standing_is_the_largest_of_one_and_three_minutes() -> None:
    third = standing(55, 124, 86, Posture.STANDING_3_MIN)
    assert falls(SIT, standing(57, 130, 80), third) == (22, 10, 124)


def test_the_sitting_pressure_is_the_last_one_of_the_half_hour_before() -> None:
    earlier = reading(NOW - timedelta(minutes=80), 170, 99)
    assert falls(earlier, SIT, standing(57, 130, 85)) == (16, 5, 130)
    assert falls(earlier, standing(50, 130, 85)) == (40, 14, 130)
    assert falls(earlier, standing(49.9, 130, 85)) == (None, None, 130)
    after = reading(NOW - timedelta(minutes=50), 120, 70)
    assert falls(standing(57, 130, 85), after) == (None, None, 130)
    at_once = reading(NOW - timedelta(minutes=57), 150, 90)
    assert falls(at_once, standing(57, 130, 85)) == (20, 5, 130)


@pytest.mark.parametrize(
    ("systolic", "diastolic", "with_sitting", "found"),
    [
        (127, 81, True, False),
        (126, 81, True, True),
        (127, 80, True, True),
        (90, 81, False, False),
        (89, 81, False, True),
    ],
)
def test_the_pressure_falls_on_standing_by_twenty_ten_or_below_ninety(
    systolic: int, diastolic: int, with_sitting: bool, found: bool
) -> None:
    taken = (*([SIT] if with_sitting else []), standing(57, systolic, diastolic))
    assert falls_on_standing(taken, NOW) is found


def test_only_the_last_session_counts() -> None:
    old = (
        reading(NOW - 10 * DAY, 150, 90),
        reading(NOW - 10 * DAY, 100, 60, posture=Posture.STANDING_1_MIN),
    )
    assert falls(*old, SIT, standing(57, 140, 88)) == (6, 2, 140)
    same = standing(87, 100, 60)
    sit = reading(NOW - timedelta(minutes=90), 146, 90)
    assert falls(sit, same, standing(57, 140, 88)) == (46, 30, 100)
    other = standing(87.1, 100, 60)
    assert falls(sit, other, SIT, standing(57, 140, 88)) == (6, 2, 140)


def test_a_monitor_s_clock_may_be_ahead_by_so_much_and_no_more() -> None:
    for ahead, known in ((CLOCK_AHEAD, True), (CLOCK_AHEAD + timedelta(seconds=1), False)):
        stand = reading(NOW + ahead, 84, 60, posture=Posture.STANDING_1_MIN)
        assert falls_on_standing((stand,), NOW) is known


@pytest.mark.parametrize(("days", "known"), [(90, True), (90.1, False), (-1, False)])
def test_a_standing_pressure_is_good_for_ninety_days(days: float, known: bool) -> None:
    moment = NOW - days * DAY
    sit = reading(moment - timedelta(minutes=3), 146, 90)
    stand = reading(moment, 140, 88, posture=Posture.STANDING_3_MIN)
    assert (falls(sit, stand) != (None, None, None)) is known


def test_lying_is_no_standing() -> None:
    assert falls(SIT, standing(57, 100, 60, Posture.LYING)) == (None, None, None)
    assert falls() == (None, None, None)


def irregular(days_ago: float) -> BloodPressure:
    return reading(NOW - days_ago * DAY, irregular_pulse=True)


@pytest.mark.parametrize(
    ("days", "flag", "checked", "expected"),
    [
        ((1, 2), None, None, True),
        ((1,), None, None, False),
        ((1, 15), None, None, False),
        ((1, 2), None, 0.5, False),
        ((1, 2), None, 1, False),
        ((1, 2), None, 1.5, True),
        ((), 3, None, True),
        ((), 3, 3, False),
        ((), 3, 4, True),
        ((), 3, 2, False),
        ((), None, 2, False),
    ],
)
def test_an_irregular_rhythm_stands_until_checked_by_hand(
    days: tuple[float, ...], flag: float | None, checked: float | None, expected: bool
) -> None:
    read = history(
        readings=tuple(irregular(day) for day in days),
        irregular_rhythm_flag_at=None if flag is None else NOW - flag * DAY,
        rhythm_checked_manually_at=None if checked is None else NOW - checked * DAY,
    )
    assert read.irregular_rhythm is expected


@pytest.mark.parametrize(
    ("checked", "confirmed"), [(None, False), (28, True), (28.1, False), (0, True), (-1, False)]
)
def test_known_fibrillation_is_confirmed_by_hand_every_four_weeks(
    checked: float | None, confirmed: bool
) -> None:
    at = None if checked is None else NOW - checked * DAY
    fibrillation = frozenset({Condition.ATRIAL_FIBRILLATION})
    read = history(conditions=fibrillation, rhythm_checked_manually_at=at)
    assert read.rhythm_confirmed is confirmed
    assert history(rhythm_checked_manually_at=at).rhythm_confirmed


def test_a_change_of_monitor_within_a_fortnight_is_seen() -> None:
    a, b = reading(NOW - 14 * DAY, device_id="a"), reading(NOW - DAY, device_id="b")
    assert history(readings=(a, b)).device_changed
    assert not history(readings=(replace(a, taken_at=NOW - 15 * DAY), b)).device_changed
    assert not history(readings=(b,)).device_changed
    assert not history(readings=()).device_changed


def test_days_since_the_last_change_are_whole_and_never_is_a_century() -> None:
    assert history(regimen=(), changes=()).days_since_change == NEVER_DAYS == 36_500
    assert history(changes=(changed(27), changed(90))).days_since_change == 27
    assert history(changes=(changed(300),)).days_since_change == 200
    recent = prescription(since=NOW - 10 * DAY)
    assert history(regimen=(recent,)).days_since_change == 10


def test_slow_drugs_are_chlorthalidone_and_the_mras() -> None:
    assert history(changes=(changed(20),)).days_since_slow_change == NEVER_DAYS
    for drug in (Drug.CHLORTHALIDONE, Drug.SPIRONOLACTONE, Drug.EPLERENONE):
        assert history(changes=(changed(20, drug),)).days_since_slow_change == 20
        held = prescription(drug, since=LONG_AGO)
        assert history(regimen=(held,)).days_since_slow_change == 200
    for drug in (Drug.HYDROCHLOROTHIAZIDE, Drug.INDAPAMIDE, Drug.LISINOPRIL):
        assert history(changes=(changed(20, drug),)).days_since_slow_change == NEVER_DAYS


@pytest.mark.parametrize("reverse", [False, True])
def test_who_measures_for_months_is_judged_as_if_every_reading_were_looked_at(
    reverse: bool,
) -> None:
    """The short way over the last days says what the long way over all readings says."""
    source = random.Random(20260520)
    for _ in range(60):
        readings = []
        at = NOW + timedelta(minutes=source.choice((0, 5, 20)))
        for place in range(source.choice((0, 3, 30, 120))):
            at -= source.choice(_GAPS)
            valid = source.random() > 0.05
            readings.append(
                reading(
                    at,
                    source.choice((128, 138, 148)),
                    source.choice((76, 84, 92)),
                    reading_id=str(place),
                    device_validated=valid,
                    utc_offset_minutes=source.choice((0, 60, 840, -720)),
                )
            )
        made = snapshot(readings=tuple(readings if reverse else reversed(readings)))
        found = read_history(made, NOW)
        of_all = average(made.readings, now=NOW, last_change_at=LONG_AGO, target=made.target)
        assert found.average == of_all
        if found.average_known:
            target = made.target
            assert target is not None
            assert found.two_windows == two_windows_above(
                made.readings, target, now=NOW, last_change_at=LONG_AGO
            )


_GAPS = tuple(timedelta(seconds=s) for s in (20, 59, 60, 120, 14_400, 43_200, 43_200, 90_000))


@pytest.mark.parametrize("older", [1, 2])
def test_what_an_average_lacks_is_read_from_older_readings_too(older: int) -> None:
    before = tuple(
        reading(NOW - (11 + place) * DAY, device_validated=False) for place in range(older)
    )
    recent = week(days=1)
    found = history(readings=(*before, *recent)).average
    assert isinstance(found, InsufficientAverage)
    assert "validated_device" in found.missing
    assert found == average((*before, *recent), now=NOW, last_change_at=LONG_AGO, target=None)
