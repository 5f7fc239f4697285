"""The trial: paired, guarded, and its anchors."""

import numpy as np
import pytest

from models.simulation import summary, trial
from models.simulation.course import Course
from models.simulation.legal import MoveBook, Offered
from models.simulation.policies import POLICIES, Decision, chosen
from models.simulation.trial import BadTrial, Design
from models.simulation.worlds import WORLDS

BOOK = MoveBook()
WORLD = WORLDS["literature"]


def test_the_same_seed_gives_the_same_outcomes() -> None:
    runs = [trial.run(POLICIES["filter"], WORLD, Design(80, 84, 28), 4, BOOK) for _ in range(2)]
    assert np.array_equal(runs[0].in_target_days, runs[1].in_target_days)
    assert np.array_equal(runs[0].last_systolic, runs[1].last_systolic)


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_is_offered_keep_and_never_raises_more_than_two_rungs(name: str) -> None:
    outcomes = trial.run(POLICIES[name], WORLD, Design(150, 90, 28), 2, BOOK)
    assert 1 <= outcomes.most_rungs_raised <= 2
    assert outcomes.moves.sum() > 0


def test_no_policy_moves_what_the_guard_forbids() -> None:
    """A policy that wants everything: still at most one raise in 28 days, and no ACE with ARB."""

    def greedy(asked: Decision) -> np.ndarray:
        return np.asarray(asked.doses.sum(1))

    course = trial.run(greedy, WORLD, Design(200, 168, 14), 3, BOOK)
    assert course.moves.max() <= 6


def test_the_best_score_is_made_and_ties_go_to_the_first() -> None:
    offered = Offered(np.array([0, 0, 1, 1, 1]), np.array([5, 6, 7, 8, 9]))
    assert chosen(np.array([1.0, 2.0, 3.0, 3.0, 1.0]), offered).tolist() == [1, 2]


def test_the_bounds_are_best_and_the_ladder_of_single_steps_slowest() -> None:
    found = {
        name: trial.run(POLICIES[name], WORLD, Design(1_000, 182, 28), 8, BOOK)
        for name in ("stepped_care", "filter", "knowable", "oracle")
    }
    share = {name: o.in_target_days.mean() for name, o in found.items()}
    assert share["stepped_care"] < share["filter"] < share["knowable"] < share["oracle"]
    # Goal: 95 % of what a chooser could reach.
    assert share["filter"] >= 0.95 * share["knowable"]


def test_what_could_be_known_holds_no_untried_class_and_no_symptom_to_come() -> None:
    """Two cohorts that differ in nothing that has shown yet are scored alike."""
    scored: dict[str, list[np.ndarray]] = {"knowable": [], "oracle": []}
    for exchanged in (False, True):

        def both(asked: Decision, exchanged: bool = exchanged) -> np.ndarray:
            course = asked.course
            people, untried = course.body.people, ~course.ever_taken
            if exchanged:
                people.sensitivity[untried] = people.sensitivity[untried][::-1]
                hidden = people.symptom_threshold
                hidden[untried] = np.clip(0.5 * hidden[untried], 1e-3, None)
            for name, found in scored.items():
                found.append(POLICIES[name](asked))
            return scored["knowable"][-1]

        trial.run(both, WORLD, Design(200, 1, 28), 5, BOOK)
    first, second = scored["knowable"]
    np.testing.assert_array_equal(first, second)
    ours, theirs = scored["oracle"]
    assert not np.array_equal(ours, theirs)


def test_telemonitoring_lowers_pressure_by_what_trials_found() -> None:
    """Source: TASMINH4, -4.7 (-7.0 to -2.4) for telemonitoring at 12 months [S]; goal 3 to 5.

    Both arms climb the same ladder with the same inertia: in the telemonitored arm somebody looks
    every four weeks, in usual care every half year. Therapeutic inertia is an assumption: half
    of the indicated steps are not made.
    """
    closely, usual = (
        trial.run(POLICIES["stepped_care"], WORLD, Design(1_500, 364, cadence, 0.5), 6, BOOK)
        for cadence in (28, 182)
    )
    contrast = summary.difference(closely, usual)["final_systolic_mmhg"]
    assert -5.0 <= contrast.mean <= -3.0


@pytest.mark.parametrize("world", WORLDS)
def test_every_named_world_can_be_lived_in(world: str) -> None:
    course = Course(40, WORLDS[world], 1)
    assert np.isfinite(course.body.latent_systolic()).all()
    assert course.averages().known.mean() > 0.7


@pytest.mark.parametrize(
    "figures", [(0, 182, 28, 0.0), (10, 0, 28, 0.0), (10, 182, 7, 0.0), (10, 182, 28, 1.0)]
)
def test_impossible_designs_are_refused(figures: tuple[int, int, int, float]) -> None:
    with pytest.raises(BadTrial):
        Design(*figures)
