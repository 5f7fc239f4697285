"""One patient moves the sum by C at most, whatever their windows hold."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models import entropy, privacy
from models.ledger import Charge, epsilon_of
from models.privacy import Mechanism, Quantile


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1e30), min_size=1, max_size=500),
    st.floats(0.01, 10),
)
def test_the_weighted_norms_of_one_patient_sum_to_c_at_most(
    norms: list[float], clip: float
) -> None:
    held = torch.tensor(norms)
    weight = privacy.weights(held, torch.zeros(len(norms), dtype=torch.int64), 1, clip)
    assert float((weight.double() * held.double()).sum()) <= clip


def test_a_window_whose_gradient_is_no_number_counts_for_nothing() -> None:
    norms = torch.tensor([float("nan"), float("inf"), 1.0])
    weight = privacy.weights(norms, torch.zeros(3, dtype=torch.int64), 1, 1.0)
    assert weight[:2].tolist() == [0.0, 0.0]


def test_an_empty_draw_still_takes_its_noise() -> None:
    assert np.abs(privacy.noisy(np.zeros(50), Mechanism())).min() > 0


def test_the_noise_has_the_sd_that_sigma_says() -> None:
    mechanism = Mechanism(clip=0.5, sigma=3.0, expected_batch=10)
    drawn = np.concatenate([privacy.noisy(np.zeros(1000), mechanism) for _ in range(40)])
    assert drawn.std() == pytest.approx(0.15, rel=0.02)


def test_gaussians_from_the_systems_entropy_are_standard_normal() -> None:
    drawn = entropy.gaussian(60_000)
    assert drawn.mean() == pytest.approx(0.0, abs=0.02)
    assert drawn.std() == pytest.approx(1.0, abs=0.015)
    assert (np.abs(drawn) < 1.96).mean() == pytest.approx(0.95, abs=0.005)
    assert not np.array_equal(entropy.gaussian(5), entropy.gaussian(5))


def test_sigma_is_the_least_that_stays_within_epsilon() -> None:
    sigma = privacy.sigma_for(3.0, rate=0.1, steps=100, others=[])
    assert epsilon_of([Charge("", "", sigma, 0.1, 100)]) <= 3.0
    assert epsilon_of([Charge("", "", sigma - 0.03, 0.1, 100)]) > 3.0


def test_nothing_is_left_when_the_others_have_spent_it() -> None:
    spent = [Charge("", "", 1.0, 0.1, 1000)]
    with pytest.raises(ValueError, match="no noise"):
        privacy.sigma_for(3.0, rate=0.1, steps=10, others=spent)


def test_the_private_quantile_is_near_the_true_one() -> None:
    scores = np.abs(np.random.default_rng(1).normal(size=4_000))
    found = [Quantile().of(scores) for _ in range(15)]
    assert np.median(found) == pytest.approx(1.645, abs=0.15)


def test_one_absurd_score_moves_the_quantile_by_no_more_than_a_bin_count() -> None:
    scores = np.full(2_000, 0.5)
    scores[0] = 1e12
    assert Quantile().of(scores) <= 1.0
