import numpy as np

from models.simulation import reference
from models.simulation.reference import CHOOSERS, REGIMENS, reachable
from models.simulation.trial import Design


def test_there_are_sixty_four_regimens_and_two_levels_are_two_levels() -> None:
    assert len(REGIMENS) == 64
    patient, regimen = reachable(np.array([0, 63]), 2)
    distance = np.abs(REGIMENS[regimen] - REGIMENS[np.array([0, 63])[patient]]).sum(1)
    assert distance.max() == 2
    assert (patient == 0).sum() == 10, "none, three single, three double and three pairs of levels"


def test_the_filter_beats_the_ladders_by_five_points_where_nothing_holds_it_back() -> None:
    """Goal: time in target at least five points above dual-first at a 28-day cadence."""
    share = {
        name: reference.run(CHOOSERS[name], Design(1_500, 182, 28), 11).in_target_days.mean() / 182
        for name in CHOOSERS
    }
    assert share["stepped_care"] < share["dual_first"]
    assert share["filter"] >= share["dual_first"] + 0.05
    assert share["oracle"] > share["knowable"] > share["filter"]
