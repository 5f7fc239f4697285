"""Home averages: the protocol window that alone can move a dose, or what is missing from it.

A window is the seven calendar days (the patient's own) that end with the last counted reading.
Its first day with readings is dropped, mornings and evenings count apart, and at most two readings
of each half-day count, so that a run of repeats after a bad reading cannot carry the average.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isqrt
from typing import Literal, NamedTuple

from services.clinical.patient import Target
from services.clinical.readings import BloodPressure, Posture, ReadingSource

# Source: ESH practice [V, PMC8030885 table 3]: 7 days, not fewer than 3, average at least 12
# readings after discarding day 1; AHA25 p17 [S]: two readings, morning and evening.
WINDOW_DAYS = 7
MIN_COUNTED_READINGS = 12
MIN_COUNTED_DAYS = 3
READINGS_PER_HALF_DAY = 2
READINGS_PER_DAY = 4
# Source: titration window rules [D]: the effect of a change is there after 14 days, and a window
# that ended more than 14 days ago says nothing of today.
SETTLING = timedelta(days=14)
MAX_AGE_DAYS = 14
# Morning is before the drugs, evening before dinner, on the patient's clock; half-open [D].
MORNING_HOURS = (4, 12)
EVENING_HOURS = (16, 24)
# Day-to-day autocorrelation 0.3 widens the standard error: √(1.3/0.7) = 1.36. Source: [D].
_SE_FACTOR_SQUARED_E4 = 13_600**2 // 10_000
# Two windows of a self-titration plan are a month apart at most, with slack for a late week.
# Source: TASMINH2 measured one week a month [V].
MAX_GAP_BETWEEN_WINDOWS_DAYS = 42
DAYS_ABOVE_TO_COUNT = 4
# One-sided 95 % bound on the mean. Source: CLINICAL dead band, 1.64 standard errors [D].
_BOUND_HUNDREDTHS = 164


@dataclass(frozen=True, slots=True)
class DayMean:
    """Mean of one day's counted readings, in tenths of mmHg; `ordinal` is the local date's."""

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


class _Day(NamedTuple):
    """What was counted on one local day."""

    ordinal: int
    mornings: list[BloodPressure]
    evenings: list[BloodPressure]


class _Sifted(NamedTuple):
    """Readings that may count, by local day, newest day first; and why others may not."""

    days: dict[int, _Day]
    excluded: tuple[str, ...]
    last_at: datetime | None


def average(
    readings: Iterable[BloodPressure],
    *,
    now: datetime,
    last_change_at: datetime | None,
    target: Target | None = None,
    window_days: int = WINDOW_DAYS,
    posture: Posture = Posture.SITTING,
    max_age_days: int = MAX_AGE_DAYS,
) -> Average:
    """Return the average of the latest window, in tenths of mmHg, or what it lacks.

    Readings before the last change took effect plus 14 days never count. Readings later than
    `now` never count.
    """
    opens_at = None if last_change_at is None else last_change_at + SETTLING
    oldest = now - timedelta(days=max_age_days + window_days + 1)
    sifted = _sift(readings, posture, oldest if opens_at is None else max(oldest, opens_at), now)
    window = _window(sifted, window_days, before=None)
    missing = _missing(window, sifted, now, max_age_days, opens_at)
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
    reach = timedelta(days=MAX_AGE_DAYS + 2 * WINDOW_DAYS + MAX_GAP_BETWEEN_WINDOWS_DAYS)
    oldest = now - reach
    if last_change_at is not None:
        oldest = max(oldest, last_change_at + SETTLING)
    sifted = _sift(readings, posture, oldest, now)
    latest = _window(sifted, WINDOW_DAYS, before=None)
    if _missing(latest, sifted, now, MAX_AGE_DAYS, None):
        return False
    start = max(sifted.days) - WINDOW_DAYS + 1
    earlier = _window(sifted, WINDOW_DAYS, before=start)
    if _shortfall(earlier) or start - earlier[0].ordinal > MAX_GAP_BETWEEN_WINDOWS_DAYS:
        return False
    return _both_above(_day_means(latest), _day_means(earlier), target)


def _both_above(latest: tuple[DayMean, ...], earlier: tuple[DayMean, ...], target: Target) -> bool:
    systolic = min(
        sum(day.systolic_tenths > 10 * target.systolic_below_mmhg for day in days)
        for days in (latest, earlier)
    )
    diastolic = min(
        sum(day.diastolic_tenths > 10 * target.diastolic_below_mmhg for day in days)
        for days in (latest, earlier)
    )
    return max(systolic, diastolic) >= DAYS_ABOVE_TO_COUNT


def in_target_percent(
    readings: Iterable[BloodPressure], target: Target, *, since: datetime, until: datetime
) -> int | None:
    """Return the share of valid sitting readings in [since, until) below both limits, in percent.

    None when there is no valid reading: an empty record is not a controlled one.
    """
    counted = [
        reading
        for reading in readings
        if since <= reading.taken_at < until and _fault(reading, Posture.SITTING) is None
    ]
    if not counted:
        return None
    inside = sum(
        reading.systolic_mmhg < target.systolic_below_mmhg
        and reading.diastolic_mmhg < target.diastolic_below_mmhg
        for reading in counted
    )
    return 100 * inside // len(counted)


def _fault(reading: BloodPressure, posture: Posture) -> str | None:
    """Return why a reading may not count: "" for no named reason, None when it may."""
    if reading.posture is not posture:
        return ""
    if reading.device_validated is not True:
        return "validated_device"
    if reading.cuff_fits is not True:
        return "fitting_cuff"
    # Oscillometric averages are unreliable in an irregular pulse; many monitors say nothing of
    # the rhythm, so that only a reported irregularity excludes.
    return "regular_pulse" if reading.irregular_pulse else None


def _sift(
    readings: Iterable[BloodPressure], posture: Posture, oldest: datetime, now: datetime
) -> _Sifted:
    """Sort what may count into local days. A moment measured twice counts once."""
    days: dict[int, _Day] = {}
    excluded: set[str] = set()
    seen: set[datetime] = set()
    for reading in readings:
        taken_at = reading.taken_at
        if taken_at < oldest or taken_at > now:
            continue
        fault = _fault(reading, posture)
        if fault is not None:
            excluded.add(fault)
            continue
        if taken_at in seen:  # a Bluetooth upload repeated under a new id
            continue
        seen.add(taken_at)
        _place(reading, days)
    last_at = max(seen, default=None)
    return _Sifted(days, tuple(sorted(excluded - {""})), last_at)


def _place(reading: BloodPressure, days: dict[int, _Day]) -> None:
    """Put a reading into its half-day; those at other hours are casual and are left out."""
    local = reading.taken_local
    hour, ordinal = local.hour, local.toordinal()
    day = days.get(ordinal)
    if day is None:
        day = days[ordinal] = _Day(ordinal, [], [])
    if MORNING_HOURS[0] <= hour < MORNING_HOURS[1]:
        day.mornings.append(reading)
    elif EVENING_HOURS[0] <= hour < EVENING_HOURS[1]:
        day.evenings.append(reading)


def _window(sifted: _Sifted, window_days: int, *, before: int | None) -> list[_Day]:
    """Return the days of the latest window that ends before `before`, newest first, day 1 gone."""
    ordinals = sorted(
        (
            o
            for o, day in sifted.days.items()
            if (before is None or o < before) and (day[1] or day[2])
        ),
        reverse=True,
    )
    if not ordinals:
        return []
    start = ordinals[0] - window_days + 1
    inside = [sifted.days[ordinal] for ordinal in ordinals if ordinal >= start]
    return [_capped(day) for day in inside[:-1]]


def _capped(day: _Day) -> _Day:
    """Return the day with the first two readings of each half."""
    mornings, evenings = day.mornings, day.evenings
    if len(mornings) <= READINGS_PER_HALF_DAY and len(evenings) <= READINGS_PER_HALF_DAY:
        return day
    return _Day(
        day.ordinal,
        sorted(mornings, key=_taken_at)[:READINGS_PER_HALF_DAY],
        sorted(evenings, key=_taken_at)[:READINGS_PER_HALF_DAY],
    )


def _taken_at(reading: BloodPressure) -> datetime:
    return reading.taken_at


def _shortfall(window: list[_Day]) -> tuple[str, ...]:
    """Name what the counted days lack."""
    mornings = sum(len(day.mornings) for day in window)
    evenings = sum(len(day.evenings) for day in window)
    lacks = (
        (mornings + evenings < MIN_COUNTED_READINGS, "readings"),
        (len(window) < MIN_COUNTED_DAYS, "days"),
        (mornings == 0, "morning_readings"),
        (evenings == 0, "evening_readings"),
    )
    return tuple(name for lacking, name in lacks if lacking)


def _missing(
    window: list[_Day],
    sifted: _Sifted,
    now: datetime,
    max_age_days: int,
    opens_at: datetime | None,
) -> tuple[str, ...]:
    missing = _shortfall(window)
    if sifted.last_at is not None and now - sifted.last_at > timedelta(days=max_age_days):
        missing += ("fresh_readings",)
    if missing and opens_at is not None and now < opens_at:
        missing += ("settling",)
    return missing + sifted.excluded if missing else ()


def _insufficient(
    missing: tuple[str, ...], window: list[_Day], now: datetime, opens_at: datetime | None
) -> InsufficientAverage:
    readings = sum(len(day.mornings) + len(day.evenings) for day in window)
    restart = "fresh_readings" in missing or not window
    counted_days, counted = (0, 0) if restart else (len(window), readings)
    days = max(
        MIN_COUNTED_DAYS - counted_days,
        _ceil_div(MIN_COUNTED_READINGS - counted, READINGS_PER_DAY),
        1,
    )
    # A window that starts anew has a first day which will be dropped.
    days += 1 if restart else 0
    start = now if opens_at is None else max(now, opens_at)
    return InsufficientAverage(missing, start + timedelta(days=days), len(window), readings)


def _summary(window: list[_Day], target: Target | None) -> SufficientAverage:
    mornings = [reading for day in window for reading in day.mornings]
    evenings = [reading for day in window for reading in day.evenings]
    counted = mornings + evenings
    moments = [reading.taken_at for reading in counted]
    pulses = [reading.pulse_bpm for reading in counted if reading.pulse_bpm is not None]
    days = _day_means(window)
    systolic, diastolic = _means(counted)
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
        counted_readings=len(counted),
        typed_readings=sum(reading.source is ReadingSource.TYPED for reading in counted),
        days=days,
        days_above=None if target is None else sum(_above(day, target) for day in days),
        heart_rate_bpm=_mean_tenths(pulses) // 10 if pulses else None,
        first_at=min(moments),
        last_at=max(moments),
    )


def _above(day: DayMean, target: Target) -> bool:
    return (
        day.systolic_tenths > 10 * target.systolic_below_mmhg
        or day.diastolic_tenths > 10 * target.diastolic_below_mmhg
    )


def _day_means(window: list[_Day]) -> tuple[DayMean, ...]:
    """Return the mean of each day, oldest first."""
    return tuple(
        DayMean(day.ordinal, *_means(day.mornings + day.evenings)) for day in reversed(window)
    )


def _means(readings: list[BloodPressure]) -> tuple[int, int]:
    return (
        _mean_tenths([reading.systolic_mmhg for reading in readings]),
        _mean_tenths([reading.diastolic_mmhg for reading in readings]),
    )


def _mean_tenths(values: list[int]) -> int:
    """Return the mean in tenths, to the nearest tenth, halves upward."""
    return (20 * sum(values) + len(values)) // (2 * len(values))


def standard_error_tenths(daily_tenths: list[int]) -> int:
    """Return SD of the daily means / √days × 1.36, rounded up to a tenth.

    Whole-number arithmetic, so that every machine gives the same digit at a limit.
    """
    days = len(daily_tenths)
    spread = days * sum(value * value for value in daily_tenths) - sum(daily_tenths) ** 2
    # variance of the mean = spread / (n²(n−1)); factor² in ten-thousandths
    numerator = _SE_FACTOR_SQUARED_E4 * spread
    denominator = 10_000 * days * days * (days - 1)
    root = isqrt(numerator // denominator)
    while root * root * denominator < numerator:
        root += 1
    return root


def _ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
