"""Simulated home readings against the published spreads. The averages are held to the clinical
core's own in test_judged.py."""

import numpy as np
import pytest

from models.simulation.course import Course
from models.simulation.home import Week
from models.simulation.worlds import WORLDS


def weeks(count: int, days: int, seed: int = 2) -> list[Week]:
    """Untreated people who measure every week."""
    course = Course(count, WORLDS["literature"], seed)
    course.doses_ug[:] = 0
    course.body.prescribed[:] = 0.0
    course.body.effect[:] = 0.0
    found = []
    for start in range(0, days, 7):
        for _ in range(7):
            course.live(measuring=True, next_decision=start + 7)
        found.append(course.weeks[-1])
    return found


def test_morning_pressure_varies_from_day_to_day_as_at_ohasama() -> None:
    """Source: SD 8.6 +- 3.1 mmHg over four weeks of mornings [S]."""
    found = weeks(1_000, 28)
    mornings = np.concatenate(
        [np.where(w.present[:, 1:, 0], w.systolic[:, 1:, 0], np.nan) for w in found], axis=1
    )
    spread = np.nanstd(mornings, axis=1, ddof=1)
    assert spread.mean() == pytest.approx(8.6, abs=1.0)
    assert spread.std() == pytest.approx(3.1, abs=0.7)


def test_the_home_mean_drifts_over_a_year_as_measured() -> None:
    """Source: SD of the one-year change 7.7 mmHg, Asayama 2021 [S]."""
    found = weeks(1_200, 371, seed=3)
    first, last = (
        np.where(w.present[:, 1:], w.systolic[:, 1:], np.nan) for w in (found[0], found[-1])
    )
    measured = found[0].present[:, 1:].any((1, 2)) & found[-1].present[:, 1:].any((1, 2))
    first, last = first[measured], last[measured]
    change = np.nanmean(last, axis=(1, 2)) - np.nanmean(first, axis=(1, 2))
    assert change.std() == pytest.approx(7.7, abs=0.8)


def test_the_first_day_is_higher_and_some_readings_are_missed() -> None:
    week = weeks(6_000, 7)[0]
    seen = np.where(week.present, week.systolic, np.nan)
    first, later = np.nanmean(seen[:, 0]), np.nanmean(seen[:, 1:])
    assert first - later == pytest.approx(2.8, abs=0.6)
    assert 1.0 - week.present.mean() == pytest.approx(0.127, abs=0.02)
