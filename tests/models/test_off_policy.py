"""The estimators on a log whose truth is known exactly, and the log that the trial writes."""

import numpy as np
import pytest

from models import off_policy
from models.off_policy import ESTIMATORS, Log, Randomised, Step
from models.simulation import trial
from models.simulation.legal import MoveBook
from models.simulation.trial import Design
from models.simulation.worlds import WORLDS

TRUTH = 2 * (1.0 + 2.0)
"""Two decisions; the target's action earns 2 beside a mean of 1 that both actions share."""


def known(patients: int, *, wrong_propensity: bool = False, blind: bool = False) -> Log:
    """A log in which the better action is taken three times in ten, more often by the healthy.

    The reward is the patient's health plus 2 for the better action; a policy that always takes it
    earns `TRUTH`. `blind` features cannot tell the actions apart.
    """
    chance = np.random.default_rng(3)
    health = chance.normal(1.0, 0.5, patients)
    steps = []
    for _ in range(2):
        propensity = np.where(health > 1.0, 0.5, 0.1)
        better = chance.random(patients) < propensity
        reward = health + 2.0 * better + chance.normal(0.0, 0.3, patients)
        one, seen = np.ones(patients), np.zeros(patients) if blind else better
        logged = np.where(better, propensity, 1.0 - propensity)
        steps.append(
            Step(
                np.full(patients, 0.5) if wrong_propensity else logged,
                np.stack([one, health, seen.astype(np.float64)], axis=1),
                {"t": np.stack([one, health, 0.0 * one if blind else one], axis=1)},
                {"t": better},
                reward,
            )
        )
    return Log(tuple(steps), np.arange(patients))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_each_estimator_finds_the_known_truth(name: str) -> None:
    log = known(40_000)
    assert ESTIMATORS[name](log, "t") == pytest.approx(TRUTH, abs=0.1)
    # What the log shows as it is, is far from it.
    assert sum(s.reward.mean() for s in log.steps) < TRUTH - 2.0


def test_the_doubly_robust_estimate_survives_one_wrong_part_and_not_two() -> None:
    wrong = known(40_000, wrong_propensity=True)
    assert off_policy.doubly_robust(wrong, "t") == pytest.approx(TRUTH, abs=0.1)
    assert off_policy.wis(wrong, "t") > TRUTH + 0.3
    blind = known(40_000, blind=True)
    assert off_policy.doubly_robust(blind, "t") == pytest.approx(TRUTH, abs=0.1)
    assert off_policy.fqe(blind, "t") < TRUTH - 1.0
    both = known(40_000, wrong_propensity=True, blind=True)
    assert abs(off_policy.doubly_robust(both, "t") - TRUTH) > 0.3


def test_intervals_hold_the_known_truth() -> None:
    low, high = off_policy.interval(known(2_000), off_policy.doubly_robust, "t", seed=1)
    assert low < TRUTH < high
    assert high - low < 1.5


def test_the_trial_logs_the_probability_of_what_it_did() -> None:
    design = Design(300, 90, 28)
    behaviour = Randomised(5, design.days)
    outcomes = trial.run(behaviour, WORLDS["literature"], design, 5, MoveBook(), behaviour)
    log = behaviour.log()
    assert len(log.steps) == 4
    for step in log.steps:
        assert ((step.propensity > 0.0) & (step.propensity <= 1.0)).all()
        followed = step.matches["filter"]
        assert (step.propensity[followed] >= 1.0 - off_policy.RANDOMISED).all()
        assert (step.propensity[~followed] <= off_policy.RANDOMISED / 2).all()
        # The share that follows is the probability of following.
        assert 0.0 < followed.mean() < 1.0
    earned = sum(step.reward for step in log.steps)
    assert earned == pytest.approx(100.0 * outcomes.in_target_days / design.days)
