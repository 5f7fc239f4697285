import numpy as np
import pytest

from models import kalman

CEILING = np.array([9.0, 0.25])


def test_many_patients_at_once_are_each_patient_alone() -> None:
    chance = np.random.default_rng(1)
    mean, row, seen = chance.normal(size=(5, 2)), chance.normal(size=(5, 2)), chance.normal(size=5)
    covariance = np.tile(np.diag(CEILING), (5, 1, 1))
    means, covariances = kalman.update(mean, covariance, row, seen, 2.0)
    for at in range(5):
        alone = kalman.update(mean[at], covariance[at], row[at], np.asarray(seen[at]), 2.0)
        assert means[at] == pytest.approx(alone[0])
        assert covariances[at] == pytest.approx(alone[1])


def test_ten_days_at_once_are_ten_days_one_by_one() -> None:
    covariance = np.array([[1.0, 0.1], [0.1, 0.2]])
    slowly = covariance
    for _ in range(10):
        slowly = kalman.forget(slowly, CEILING, 0.985, 1)
    assert kalman.forget(covariance, CEILING, 0.985, 10) == pytest.approx(slowly)


def test_forgetting_never_goes_beyond_the_literature() -> None:
    covariance = kalman.forget(np.diag([1.0, 0.2]), CEILING, 0.985, 10_000)
    assert np.diag(covariance) == pytest.approx(CEILING)


def test_an_update_gives_the_exact_posterior_of_a_normal_mean() -> None:
    mean, covariance = kalman.update(
        np.array([0.0]), np.array([[4.0]]), np.array([1.0]), np.asarray(10.0), 4.0
    )
    assert (mean[0], covariance[0, 0]) == (pytest.approx(5.0), pytest.approx(2.0))
