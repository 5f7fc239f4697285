"""The day's course of a measure: hourly medians, day, night and the nightly dip.

`course_features` names what the course of a few days of stored window features comes to. They are
context for a person to read and for the dosage model: no rule takes them in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.signals.window import FloatArray, IntArray

HOURS = 24
# Source: fixed clock times, ESH ambulatory practice guideline 2014: day 09-21, night 01-06.
DAY_HOURS = (9, 21)
NIGHT_HOURS = (1, 6)
# Source: ESH 2014 asks for 20 valid day and 7 night readings; a wearable has many more.
LEAST_DAY, LEAST_NIGHT = 20, 7

# Raise the version whenever a name, a unit or a meaning below changes.
COURSE_VERSION = "1"
# A window feature, and the names of its mean by day, by night, and of its nightly dip.
COURSES: Mapping[str, tuple[str, str, str | None]] = {
    "heart_rate_bpm": ("heart_rate_day_bpm", "heart_rate_night_bpm", "heart_rate_dip_fraction"),
    "rest": ("rest_day_fraction", "rest_night_fraction", None),
    "motion_deviation_g": ("motion_deviation_day_g", "motion_deviation_night_g", None),
}
COURSE_ORDER: tuple[str, ...] = tuple(n for names in COURSES.values() for n in names if n)


@dataclass(frozen=True, slots=True, eq=False)
class DailyCourse:
    """Hourly medians (24, NaN where none), counts (24,), means and dip; None where too few.

    dip_fraction: (day − night) / day. Source: a dip of 10-20 % is usual (ESH 2014).
    """

    hourly_median: FloatArray
    hourly_count: FloatArray
    day_mean: float | None
    night_mean: float | None
    dip_fraction: float | None


def daily_course(values: FloatArray, local_hours: FloatArray) -> DailyCourse:
    """Return the course of a measure over the patient's own day.

    values: (moments,), NaN left out; local_hours: hour with fraction on the patient's clock, 0-24.
    """
    known = np.isfinite(values) & np.isfinite(local_hours)
    values, hours = values[known], np.floor(local_hours[known]).astype(np.intp) % HOURS
    count = np.bincount(hours, minlength=HOURS).astype(np.float64)
    median = np.full(HOURS, np.nan)
    for hour in np.unique(hours):
        median[hour] = np.median(values[hours == hour])
    day = _mean_between(values, hours, DAY_HOURS, LEAST_DAY)
    night = _mean_between(values, hours, NIGHT_HOURS, LEAST_NIGHT)
    dip = None if day is None or night is None or day == 0 else (day - night) / day
    return DailyCourse(median, count, day, night, dip)


def _mean_between(
    values: FloatArray, hours: IntArray, span: tuple[int, int], least: int
) -> float | None:
    inside = values[(hours >= span[0]) & (hours < span[1])]
    return float(inside.mean()) if len(inside) >= least else None


def course_features(
    measures: Mapping[str, FloatArray], local_hours: FloatArray
) -> tuple[tuple[str, float], ...]:
    """Return the course of each measure of `COURSES` by name; what is unknown has no entry.

    measures: (moments,) each, NaN left out; local_hours: as `daily_course`. Fewer moments than
    `LEAST_DAY` by day or `LEAST_NIGHT` by night give no value for that part, and no dip.
    """
    found: dict[str, float] = {}
    for measure, (day_name, night_name, dip_name) in COURSES.items():
        course = daily_course(measures[measure], local_hours)
        values = {day_name: course.day_mean, night_name: course.night_mean}
        if dip_name is not None:
            values[dip_name] = course.dip_fraction
        found.update({name: value for name, value in values.items() if value is not None})
    return tuple(found.items())
