"""Home averages: the protocol window that alone can move a dose, or what is missing from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isqrt
from typing import Literal, NamedTuple

from services.clinical.patient import Target
from services.clinical.readings import BloodPressure, Posture, ReadingSource
from services.clinical.windows import (
    MIN_COUNTED_DAYS,
    MIN_COUNTED_READINGS,
    WINDOW_DAYS,
    Day,
    Sifted,
    fault,
    is_stale,
    latest_window,
    once_each,
    shortfall,
    sift,
)

READINGS_PER_DAY = 4
# The effect of a change is there after 14 days, and a window that ended more than 14 days ago says
# nothing of today. Source: CLINICAL §2 rules for code [D].
SETTLING = timedelta(days=14)
MAX_AGE = timedelta(days=14)
# Day-to-day autocorrelation 0.3 widens the standard error: √(1.3/0.7) = 1.36. Source: [D].
_SE_FACTOR_HUNDREDTHS = 136
# Two windows of a self-titration plan are a month apart at most, with slack for a late week.
# Source: TASMINH2 measured one week a month [V].
MAX_GAP_BETWEEN_WINDOWS_DAYS = 42
DAYS_ABOVE_TO_COUNT = 4
_TYPED = ReadingSource.TYPED
# One-sided 95 % bound on the mean: 1.64 standard errors. Source: CLINICAL §2 dead band [D].
_BOUND_HUNDREDTHS = 164


class DayMean(NamedTuple):
    """Mean of one day's counted readings, in tenths of mmHg; `ordinal` counts local days."""

    ordinal: int
    systolic_tenths: int
    diastolic_tenths: int


@dataclass(frozen=True, slots=True)
class SufficientAverage:
    """The average of one complete window. Pressures are tenths of mmHg."""

    systolic_tenths: int
    diastolic_tenths: int
    morning_systolic_tenths: int
    morning_diastolic_tenths: int
    evening_systolic_tenths: int
    evening_diastolic_tenths: int
    systolic_se_tenths: int
    diastolic_se_tenths: int
    counted_days: int
    counted_readings: int
    typed_readings: int
    days: tuple[DayMean, ...]
    days_above: int | None
    """Counted days above the target in either pressure; None when no target was given."""
    heart_rate_bpm: int | None
    first_at: datetime
    last_at: datetime
    kind: Literal["sufficient"] = "sufficient"

    @property
    def systolic_lower_tenths(self) -> int:
        """The one-sided 95 % lower bound of the systolic mean."""
        return self.systolic_tenths - _ceil_div(_BOUND_HUNDREDTHS * self.systolic_se_tenths, 100)

    @property
    def diastolic_lower_tenths(self) -> int:
        """The one-sided 95 % lower bound of the diastolic mean."""
        return self.diastolic_tenths - _ceil_div(_BOUND_HUNDREDTHS * self.diastolic_se_tenths, 100)


@dataclass(frozen=True, slots=True)
class InsufficientAverage:
    """No average yet: what is missing, and when it could be complete at the earliest.

    Names: `readings`, `days`, `morning_readings`, `evening_readings`, `fresh_readings`,
    `settling` (the last change is under 14 days old), `validated_device`, `fitting_cuff`,
    `regular_pulse`.
    """

    missing: tuple[str, ...]
    complete_at: datetime
    counted_days: int
    counted_readings: int
    kind: Literal["insufficient"] = "insufficient"


Average = SufficientAverage | InsufficientAverage


def average(
    readings: Iterable[BloodPressure],
    *,
    now: datetime,
    last_change_at: datetime | None,
    target: Target | None = None,
    posture: Posture = Posture.SITTING,
) -> Average:
    """Return the average of the latest window, in tenths of mmHg, or what it lacks.

    Readings before the last change took effect plus 14 days never count, nor do those after `now`.
    """
    sifted = reach_back(readings, now=now, last_change_at=last_change_at, posture=posture)
    return average_of(sifted, now=now, last_change_at=last_change_at, target=target)


def reach_back(
    readings: Iterable[BloodPressure],
    *,
    now: datetime,
    last_change_at: datetime | None,
    posture: Posture = Posture.SITTING,
) -> Sifted:
    """Return what may count for the latest window and the one before it."""
    return sift(readings, posture, oldest_counted(now, last_change_at), now)


def oldest_counted(now: datetime, last_change_at: datetime | None) -> datetime:
    """Return the moment before which no reading counts for either window."""
    oldest = now - MAX_AGE - timedelta(days=2 * WINDOW_DAYS + MAX_GAP_BETWEEN_WINDOWS_DAYS)
    return oldest if last_change_at is None else max(oldest, last_change_at + SETTLING)


def average_of(
    sifted: Sifted, *, now: datetime, last_change_at: datetime | None, target: Target | None
) -> Average:
    """Return the average of the latest window among sifted readings, or what it lacks."""
    opens_at = None if last_change_at is None else last_change_at + SETTLING
    window = latest_window(sifted)
    missing = _missing(window, sifted, now, opens_at)
    if missing:
        return _insufficient(missing, window, now, opens_at)
    return _summary(window, target)


def two_windows_above(
    readings: Iterable[BloodPressure],
    target: Target,
    *,
    now: datetime,
    last_change_at: datetime | None,
    posture: Posture = Posture.SITTING,
) -> bool:
    """Say whether two consecutive complete windows each had four or more days above target.

    Both windows lie after the last change has settled; the systolic and the diastolic pressure
    are looked at apart. Source: TASMINH2 [V], as four of six counted days.
    """
    sifted = reach_back(readings, now=now, last_change_at=last_change_at, posture=posture)
    return two_windows_of(sifted, target, now)


def two_windows_of(sifted: Sifted, target: Target, now: datetime) -> bool:
    """Say the same of readings already sifted."""
    latest = latest_window(sifted)
    if shortfall(latest) or is_stale(sifted, now, MAX_AGE):
        return False
    start = first_day_of_latest(sifted)
    earlier = latest_window(sifted, before=start)
    if shortfall(earlier) or start - earlier[0].ordinal > MAX_GAP_BETWEEN_WINDOWS_DAYS:
        return False
    return _both_above(_day_means(latest), _day_means(earlier), target)


def first_day_of_latest(sifted: Sifted) -> int:
    """Return the local day on which the latest window begins, its dropped day included.

    Raises:
        ValueError: no day has readings.
    """
    return max(sifted.days) - WINDOW_DAYS + 1


def _both_above(latest: tuple[DayMean, ...], earlier: tuple[DayMean, ...], target: Target) -> bool:
    systolic_limit = 10 * target.systolic_below_mmhg
    diastolic_limit = 10 * target.diastolic_below_mmhg
    windows = (latest, earlier)
    systolic = min(sum(day.systolic_tenths > systolic_limit for day in days) for days in windows)
    diastolic = min(sum(day.diastolic_tenths > diastolic_limit for day in days) for days in windows)
    return max(systolic, diastolic) >= DAYS_ABOVE_TO_COUNT


# Source: time in target range counts systolic 110-130 (Fatani, JACC 2021) [S].
IN_TARGET_FLOOR_MMHG = 110


def in_target_percent(
    readings: Iterable[BloodPressure], target: Target, *, since: datetime, until: datetime
) -> int | None:
    """Return the share of valid sitting readings in [since, until) in target, in percent.

    In target is below both limits and not below the systolic floor: too low is not controlled.
    None when there is no valid reading: an empty record is not a controlled one.
    """
    counted = [
        reading
        for reading in once_each(readings)
        if since <= reading.taken_at < until and fault(reading, Posture.SITTING) is None
    ]
    if not counted:
        return None
    inside = sum(
        IN_TARGET_FLOOR_MMHG <= reading.systolic_mmhg < target.systolic_below_mmhg
        and reading.diastolic_mmhg < target.diastolic_below_mmhg
        for reading in counted
    )
    return 100 * inside // len(counted)


def _missing(
    window: list[Day],
    sifted: Sifted,
    now: datetime,
    opens_at: datetime | None,
) -> tuple[str, ...]:
    missing = shortfall(window)
    if is_stale(sifted, now, MAX_AGE):
        missing += ("fresh_readings",)
    if not missing:
        return ()
    if opens_at is not None and now < opens_at:
        missing += ("settling",)
    return missing + sifted.excluded


def _insufficient(
    missing: tuple[str, ...], window: list[Day], now: datetime, opens_at: datetime | None
) -> InsufficientAverage:
    readings = sum([len(day.mornings) + len(day.evenings) for day in window])
    # A window that starts anew has a first day which will be dropped.
    restart = "fresh_readings" in missing or not window
    more_days = MIN_COUNTED_DAYS + 1 if restart else MIN_COUNTED_DAYS - len(window)
    more_readings = 0 if restart else MIN_COUNTED_READINGS - readings
    days = max(more_days, _ceil_div(more_readings, READINGS_PER_DAY), 1)
    start = now if opens_at is None else max(now, opens_at)
    return InsufficientAverage(missing, start + timedelta(days=days), len(window), readings)


_Sums = tuple[int, int, int]
"""Systolic total, diastolic total, number of readings."""


def _sums(readings: list[BloodPressure]) -> _Sums:
    systolic = diastolic = 0
    for reading in readings:
        systolic += reading.systolic_mmhg
        diastolic += reading.diastolic_mmhg
    return systolic, diastolic, len(readings)


def _plus(sums: list[_Sums]) -> _Sums:
    systolic = diastolic = readings = 0
    for item in sums:
        systolic += item[0]
        diastolic += item[1]
        readings += item[2]
    return systolic, diastolic, readings


def _means(sums: _Sums) -> tuple[int, int]:
    """Return both means in tenths, to the nearest tenth, halves upward."""
    systolic, diastolic, count = sums
    return (20 * systolic + count) // (2 * count), (20 * diastolic + count) // (2 * count)


def _summary(window: list[Day], target: Target | None) -> SufficientAverage:
    by_day = [(day.ordinal, _sums(day.mornings), _sums(day.evenings)) for day in window]
    mornings = _plus([morning for _, morning, _ in by_day])
    evenings = _plus([evening for _, _, evening in by_day])
    both = _plus([mornings, evenings])
    days = tuple([DayMean(day, *_means(_plus([m, e]))) for day, m, e in reversed(by_day)])
    halves = [half for _, *both_halves in window for half in both_halves if half]
    counted = [reading for half in halves for reading in half]
    pulses = [reading.pulse_bpm for reading in counted if reading.pulse_bpm is not None]
    systolic, diastolic = _means(both)
    morning_systolic, morning_diastolic = _means(mornings)
    evening_systolic, evening_diastolic = _means(evenings)
    return SufficientAverage(
        systolic_tenths=systolic,
        diastolic_tenths=diastolic,
        morning_systolic_tenths=morning_systolic,
        morning_diastolic_tenths=morning_diastolic,
        evening_systolic_tenths=evening_systolic,
        evening_diastolic_tenths=evening_diastolic,
        systolic_se_tenths=standard_error_tenths([day.systolic_tenths for day in days]),
        diastolic_se_tenths=standard_error_tenths([day.diastolic_tenths for day in days]),
        counted_days=len(days),
        counted_readings=both[2],
        typed_readings=len([r for r in counted if r.source is _TYPED]),
        days=days,
        days_above=None if target is None else _days_above(days, target),
        heart_rate_bpm=sum(pulses) // len(pulses) if pulses else None,
        # Each half is in order of time.
        first_at=min([half[0].taken_at for half in halves]),
        last_at=max([half[-1].taken_at for half in halves]),
    )


def _days_above(days: tuple[DayMean, ...], target: Target) -> int:
    systolic_limit = 10 * target.systolic_below_mmhg
    diastolic_limit = 10 * target.diastolic_below_mmhg
    return sum(
        [d.systolic_tenths > systolic_limit or d.diastolic_tenths > diastolic_limit for d in days]
    )


def _day_means(window: list[Day]) -> tuple[DayMean, ...]:
    """Return the mean of each day, oldest first."""
    return tuple(
        [
            DayMean(day.ordinal, *_means(_sums(day.mornings + day.evenings)))
            for day in reversed(window)
        ]
    )


def standard_error_tenths(daily_tenths: list[int]) -> int:
    """Return SD of the daily means / √days × 1.36, rounded up to a tenth.

    Whole-number arithmetic, so that every machine gives the same digit at a limit.
    """
    days = len(daily_tenths)
    spread = days * sum([value * value for value in daily_tenths]) - sum(daily_tenths) ** 2
    # variance of the mean = spread / (n²(n−1)); the factor is in hundredths
    numerator = _SE_FACTOR_HUNDREDTHS**2 * spread
    denominator = 100**2 * days * days * (days - 1)
    whole = isqrt(numerator // denominator)
    return whole if whole * whole * denominator == numerator else whole + 1


def _ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
