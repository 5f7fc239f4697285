import platform

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


@pytest.mark.parametrize("taken", [(), (1,), (2, 5), (1, 3, 4), (1, 2, 3, 4, 5, 6)])
def test_one_patient_in_plain_floats_is_the_arrays_to_the_digit(taken: tuple[int, ...]) -> None:
    chance = np.random.default_rng(len(taken))
    ceiling = np.array([225.0, *([0.2025] * 6)])
    mean, covariance = np.array([152.0, *([1.0] * 6)]), np.diag(ceiling)
    belief = kalman.Belief(mean.tolist(), ceiling.tolist(), [0, *taken])
    places = belief.places
    for days in (1, 1, 3, 20, 1):
        row = np.zeros(7)
        row[places] = [1.0, *(-chance.uniform(0.0, 15.0, len(taken)))]
        seen = float(chance.normal(140.0, 12.0))
        covariance = kalman.forget(covariance, ceiling, 0.985, days)
        mean, covariance = kalman.update(mean, covariance, row, np.asarray(seen), 136.8)
        belief.forget(0.985, days)
        belief.update(row[places].tolist(), seen, 136.8)
    at = np.ix_(places, places)
    assert belief.mean == pytest.approx(mean[places], rel=1e-12)
    assert np.array(belief.covariance) == pytest.approx(covariance[at], rel=1e-9, abs=1e-12)
    if platform.machine() == "x86_64":  # other processors may fuse a product and a sum in numpy
        assert belief.mean == mean[places].tolist()
        assert belief.covariance == covariance[at].tolist()
