"""What a chart needs, binned here so that a page never handles raw series: days, hours, summary.

Pure. Only sitting cuff readings are counted; days and hours are the patient's own.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean, median, pstdev

from clinician_app.api.trend_wire import (
    ChangeMark,
    CuffPoint,
    DayBin,
    HourBin,
    TargetOut,
    Trend,
    TrendSummary,
)
from clinician_app.words import ago, change_words
from services.clinical.averaging import in_target_percent
from services.clinical.moves import DoseChange
from services.clinical.patient import Adherence, DoseChangeRecord, Snapshot, Target
from services.clinical.readings import BloodPressure, Posture

# Lower edges of the goal bands: below them an increase is held.
# Source: CLINICAL §4, "home average SBP < 110 or DBP < 65" [K].
SYSTOLIC_FLOOR_MMHG = 110
DIASTOLIC_FLOOR_MMHG = 65
MORNING_HOURS = range(4, 12)
EVENING_HOURS = range(16, 24)
PROFILE_DAYS = 14
SUMMARY_DAYS = 7
LEAST_FOR_BANDS = 5
"""Fewer readings in an hour of the day than this draw a median and no bands."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a trend is made of. `readings` and `changes` are oldest first."""

    readings: tuple[BloodPressure, ...]
    changes: tuple[DoseChangeRecord, ...]
    target: Target | None
    adherence: Adherence | None


def course_of(snapshot: Snapshot) -> Course:
    """Return the part of a snapshot that a trend needs."""
    return Course(snapshot.readings, snapshot.changes, snapshot.target, snapshot.adherence)


def summarise(course: Course, *, days: int, now: datetime) -> Trend:
    """Return the trend of the last `days` days up to `now`."""
    readings = sitting(course.readings, since=now - timedelta(days=days), until=now)
    recent = sitting(course.readings, since=now - timedelta(days=PROFILE_DAYS), until=now)
    bins = _days(readings, days, now)
    return Trend(
        start=now - timedelta(days=days),
        end=now,
        days=bins,
        cuff=[_point(r) for r in readings if r.taken_local.date() >= bins[0].day],
        changes=_marks(course, since=now - timedelta(days=days)),
        target=target_out(course.target),
        profile=_hours(recent),
        summary=summary(course, now=now),
        last_data=ago(max((r.taken_at for r in course.readings), default=None), now),
    )


def summary(course: Course, *, now: datetime) -> TrendSummary:
    """Return morning, evening, time in target and doses taken of the last seven days, with the
    change against the seven days before. None wherever there is nothing to tell it from."""
    week = timedelta(days=SUMMARY_DAYS)
    this = sitting(course.readings, since=now - week, until=now)
    before = sitting(course.readings, since=now - 2 * week, until=now - week)
    target = course.target
    return TrendSummary(
        am_systolic=mean_systolic(this, MORNING_HOURS),
        pm_systolic=mean_systolic(this, EVENING_HOURS),
        am_diastolic=_mean_diastolic(this, MORNING_HOURS),
        pm_diastolic=_mean_diastolic(this, EVENING_HOURS),
        am_change=_difference(this, before, MORNING_HOURS),
        pm_change=_difference(this, before, EVENING_HOURS),
        in_target_percent=_in_target(this, target, now - week, now),
        in_target_before_percent=_in_target(before, target, now - 2 * week, now - week),
        doses_taken_percent=taken_percent(course.adherence),
        day_to_day_sd=_day_to_day_sd([*before, *this]),
        last_reading_at=max((r.taken_at for r in course.readings), default=None),
        readings_7_days=len(this),
    )


def taken_percent(adherence: Adherence | None) -> int | None:
    """Return the share of due doses that the patient confirmed; None when that is not known."""
    if adherence is None or adherence.due == 0:
        return None
    return round(100 * adherence.taken / adherence.due)


def sparkline(readings: Iterable[BloodPressure], *, days: int, now: datetime) -> list[int | None]:
    """Return one daily median systolic per day, oldest first; None on a day without readings."""
    chosen = sitting(readings, since=now - timedelta(days=days), until=now)
    return [bin_.systolic_median for bin_ in _days(chosen, days, now)]


def sitting(
    readings: Iterable[BloodPressure], *, since: datetime, until: datetime
) -> list[BloodPressure]:
    """Return the sitting readings in [since, until], oldest first."""
    chosen = (r for r in readings if r.posture is Posture.SITTING and since <= r.taken_at <= until)
    return sorted(chosen, key=lambda r: r.taken_at)


def mean_systolic(readings: Sequence[BloodPressure], hours: range) -> int | None:
    """Return the mean systolic of the readings taken in these hours of the patient's day."""
    values = [r.systolic_mmhg for r in readings if r.taken_local.hour in hours]
    return round(fmean(values)) if values else None


def percentile(values: Sequence[int], share: float) -> int:
    """Return the value at `share` (0 to 1) of the sorted values, interpolated, as whole mmHg."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (ordered[above] - ordered[below]) * (position - below))


def _in_target(
    readings: Sequence[BloodPressure], target: Target | None, since: datetime, until: datetime
) -> int | None:
    if target is None:
        return None
    return in_target_percent(readings, target, since=since, until=until)


def _days(readings: Sequence[BloodPressure], days: int, now: datetime) -> list[DayBin]:
    by_day: dict[date, list[BloodPressure]] = defaultdict(list)
    for reading in readings:
        by_day[reading.taken_local.date()].append(reading)
    offset = timedelta(minutes=readings[-1].utc_offset_minutes if readings else 0)
    last = max([(now + offset).date(), *by_day])
    return [
        _day(last - timedelta(days=back), by_day.get(last - timedelta(days=back), []))
        for back in reversed(range(days))
    ]


def _day(day: date, readings: Sequence[BloodPressure]) -> DayBin:
    if not readings:
        return DayBin(day=day, count=0)
    systolic = [r.systolic_mmhg for r in readings]
    diastolic = [r.diastolic_mmhg for r in readings]
    return DayBin(
        day=day,
        count=len(readings),
        systolic_median=round(median(systolic)),
        systolic_p10=percentile(systolic, 0.1),
        systolic_p90=percentile(systolic, 0.9),
        diastolic_median=round(median(diastolic)),
        diastolic_p10=percentile(diastolic, 0.1),
        diastolic_p90=percentile(diastolic, 0.9),
    )


def _hours(readings: Sequence[BloodPressure]) -> list[HourBin]:
    by_hour: dict[int, list[BloodPressure]] = defaultdict(list)
    for reading in readings:
        by_hour[reading.taken_local.hour].append(reading)
    return [_hour(hour, by_hour[hour]) for hour in sorted(by_hour)]


def _hour(hour: int, readings: Sequence[BloodPressure]) -> HourBin:
    systolic = [r.systolic_mmhg for r in readings]
    enough = len(systolic) >= LEAST_FOR_BANDS
    p05, p25, p75, p95 = (
        percentile(systolic, share) if enough else None for share in (0.05, 0.25, 0.75, 0.95)
    )
    return HourBin(
        hour=hour,
        count=len(readings),
        systolic_median=round(median(systolic)),
        diastolic_median=round(median([r.diastolic_mmhg for r in readings])),
        systolic_p05=p05,
        systolic_p25=p25,
        systolic_p75=p75,
        systolic_p95=p95,
    )


def _mean_diastolic(readings: Sequence[BloodPressure], hours: range) -> int | None:
    values = [r.diastolic_mmhg for r in readings if r.taken_local.hour in hours]
    return round(fmean(values)) if values else None


def _difference(
    this: Sequence[BloodPressure], before: Sequence[BloodPressure], hours: range
) -> int | None:
    now_mean, then_mean = mean_systolic(this, hours), mean_systolic(before, hours)
    return None if now_mean is None or then_mean is None else now_mean - then_mean


def _day_to_day_sd(readings: Sequence[BloodPressure]) -> int | None:
    """SD of the daily means; three days are the least that say anything."""
    by_day: dict[date, list[int]] = defaultdict(list)
    for reading in readings:
        by_day[reading.taken_local.date()].append(reading.systolic_mmhg)
    means = [fmean(values) for values in by_day.values()]
    return round(pstdev(means)) if len(means) >= 3 else None


def _point(reading: BloodPressure) -> CuffPoint:
    return CuffPoint(
        at=reading.taken_local,
        systolic=reading.systolic_mmhg,
        diastolic=reading.diastolic_mmhg,
    )


def _marks(course: Course, *, since: datetime) -> list[ChangeMark]:
    """The dose changes since then, on the patient's own clock like everything in the chart."""
    readings = course.readings
    offset = timedelta(minutes=readings[-1].utc_offset_minutes if readings else 0)
    return [
        ChangeMark(
            at=(change.effective_at + offset).replace(tzinfo=None),
            label=_mark_label(DoseChange(change.drug, change.from_ug, change.to_ug)),
            by_patient=change.by_patient,
        )
        for change in course.changes
        if change.effective_at >= since
    ]


def _mark_label(change: DoseChange) -> str:
    if change.from_ug == 0:
        return f"+ {change_words(change)}"
    return f"stop {change.drug.value}" if change.to_ug == 0 else change_words(change)


def target_out(target: Target | None) -> TargetOut | None:
    """Return the goal band with its lower edges; None without a target."""
    if target is None:
        return None
    return TargetOut(
        systolic_from=SYSTOLIC_FLOOR_MMHG,
        systolic_below=target.systolic_below_mmhg,
        diastolic_from=DIASTOLIC_FLOOR_MMHG,
        diastolic_below=target.diastolic_below_mmhg,
    )
