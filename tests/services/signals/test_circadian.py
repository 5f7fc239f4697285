import numpy as np
import pytest

from services.signals.circadian import daily_course


def test_the_dip_is_the_share_by_which_night_is_below_day() -> None:
    hours = np.tile(np.arange(0, 24, 0.5), 4)
    values = np.where((hours >= 1) & (hours < 6), 108.0, 120.0)
    found = daily_course(values, hours)
    assert found.dip_fraction == pytest.approx(0.1)
    assert found.hourly_median[3] == 108 and found.hourly_count.sum() == len(hours)


def test_too_few_at_night_is_unknown_and_not_a_flat_course() -> None:
    hours = np.arange(0, 24, 1.0)
    found = daily_course(np.full(24, 120.0), hours)
    assert found.night_mean is None and found.dip_fraction is None


def test_an_hour_without_values_is_unknown_and_unknown_values_are_left_out() -> None:
    found = daily_course(np.array([120.0, np.nan]), np.array([10.2, 11.0]))
    assert found.hourly_median[10] == 120 and np.isnan(found.hourly_median[11])
    assert found.hourly_count.sum() == 1
