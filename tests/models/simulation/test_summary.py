import numpy as np
import pytest

from models.simulation import summary, trial
from models.simulation.legal import MoveBook
from models.simulation.policies import POLICIES
from models.simulation.trial import Design
from models.simulation.worlds import WORLDS

BOOK = MoveBook()


def outcomes(name: str, seed: int = 3) -> trial.Outcomes:
    return trial.run(POLICIES[name], WORLDS["literature"], Design(120, 90, 28), seed, BOOK)


def test_the_interval_is_the_normal_one() -> None:
    found = summary.figure(np.array([0.0, 2.0, 4.0, 6.0]))
    half = 1.96 * np.std([0, 2, 4, 6], ddof=1) / 2
    assert found.mean == 3.0
    assert found.high - found.mean == pytest.approx(half, rel=1e-3)


def test_a_policy_against_itself_makes_no_difference() -> None:
    same = summary.difference(outcomes("filter"), outcomes("filter"))
    assert all((f.mean, f.low, f.high) == (0.0, 0.0, 0.0) for f in same.values())


def test_pairing_narrows_the_interval() -> None:
    ours, theirs = outcomes("oracle"), outcomes("filter")
    paired = summary.difference(ours, theirs)["ttr_percent"]
    single = summary.figure(summary.measures(ours)["ttr_percent"])
    assert paired.high - paired.low < single.high - single.low


def test_pooled_seeds_are_all_their_patients_and_subgroups_cover_them() -> None:
    both = trial.pooled([outcomes("filter", 3), outcomes("filter", 4)])
    assert len(both.in_target_days) == 240
    assert (both.groups["women"] | both.groups["men"]).all()
    assert set(summary.by_group(both)["women"]) == set(summary.measures(both))
