import numpy as np
import pytest

from services.signals.skill import LEAST_ERRORS, conformal_width, skill


def test_half_the_error_is_half_the_skill_and_informs() -> None:
    carried = np.random.default_rng(1).normal(0, 8, 60)
    found = skill(carried / 2, carried, np.arange(60))
    assert found is not None and found.value == pytest.approx(0.5) and found.informs


def test_the_same_error_is_no_skill() -> None:
    carried = np.random.default_rng(1).normal(0, 8, 60)
    found = skill(carried, carried, np.arange(60))
    assert found is not None and found.value == 0 and not found.informs


def test_a_gain_in_one_patient_of_many_readings_does_not_inform() -> None:
    rng = np.random.default_rng(2)
    carried = rng.normal(0, 8, 100)
    groups = np.repeat(np.arange(5), 20)
    ours = np.where(groups == 0, carried * 0.1, carried * 1.02)
    by_patient, by_reading = skill(ours, carried, groups), skill(ours, carried, np.arange(100))
    assert by_patient is not None and by_reading is not None
    assert not by_patient.informs and by_reading.low > by_patient.low


def test_too_few_readings_or_no_error_is_unknown() -> None:
    few = np.ones(LEAST_ERRORS - 1)
    assert skill(few, few, np.arange(len(few))) is None
    assert skill(np.zeros(20), np.zeros(20), np.arange(20)) is None


def test_the_width_covers_ninety_percent_of_what_comes_next() -> None:
    rng = np.random.default_rng(3)
    for spread in (0.5, 1.0, 2.0):
        inside = [
            abs(rng.normal(0, spread)) <= conformal_width(np.abs(rng.normal(0, spread, 200)))
            for _ in range(1500)
        ]
        assert 0.87 <= np.mean(inside) <= 0.93


@pytest.mark.parametrize("count", [11, 14, 16, 21])
def test_few_errors_of_ones_own_do_not_widen_the_interval(count: int) -> None:
    """A rank rounded up would cover 93 to 95 % of what comes after so few."""
    scores = np.abs(np.random.default_rng(4).normal(0, 1.3, (4000, count + 1)))
    inside = [row[-1] <= conformal_width(row[:-1]) for row in scores]
    assert 0.88 <= np.mean(inside) <= 0.92


def test_without_errors_the_width_is_that_of_a_normal_error() -> None:
    assert 1.64 <= conformal_width(np.empty(0)) <= 2.0
