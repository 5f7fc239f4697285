"""The trend on the wire."""

from datetime import date, datetime

from clinician_app.api.wire import Instant, Out


class DayBin(Out):
    """One day of the patient's calendar: medians and the 10–90 % band, mmHg."""

    day: date
    count: int
    systolic_median: int | None = None
    systolic_p10: int | None = None
    systolic_p90: int | None = None
    diastolic_median: int | None = None
    diastolic_p10: int | None = None
    diastolic_p90: int | None = None


class HourBin(Out):
    """One hour of the patient's day over the last 14 days, mmHg."""

    hour: int
    count: int
    systolic_median: int
    diastolic_median: int
    systolic_p05: int | None
    systolic_p25: int | None
    systolic_p75: int | None
    systolic_p95: int | None


class CuffPoint(Out):
    """One cuff reading at the patient's own clock."""

    at: datetime
    systolic: int
    diastolic: int


class ChangeMark(Out):
    """A dose change that took effect, at the patient's own clock."""

    at: datetime
    label: str
    by_patient: bool


class TargetOut(Out):
    """The goal band: from the lower edge up to but not including `below`, mmHg."""

    systolic_from: int
    systolic_below: int
    diastolic_from: int
    diastolic_below: int


class TrendSummary(Out):
    """The last seven days beside the seven before."""

    am_systolic: int | None
    pm_systolic: int | None
    am_diastolic: int | None
    pm_diastolic: int | None
    am_change: int | None
    pm_change: int | None
    in_target_percent: int | None
    in_target_before_percent: int | None
    doses_taken_percent: int | None
    day_to_day_sd: int | None
    last_reading_at: Instant | None
    readings_7_days: int


class Trend(Out):
    """Everything that the two charts and the tiles show."""

    start: Instant
    end: Instant
    days: list[DayBin]
    cuff: list[CuffPoint]
    changes: list[ChangeMark]
    target: TargetOut | None
    profile: list[HourBin]
    summary: TrendSummary
    last_data: str
