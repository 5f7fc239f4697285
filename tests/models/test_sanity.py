"""Agreement is counted against engines that are asked, and each frown is one that can happen."""

from dataclasses import replace

import numpy as np
import pytest

from models import sanity
from models.literature import CLASSES
from models.sanity import CHECKS, Picked
from models.simulation.policies import POLICIES, titrated
from models.simulation.trial import Design
from models.simulation.worlds import WORLDS

NONE = np.zeros((1, len(CLASSES)))
CALM = Picked(
    before=NONE,
    after=NONE,
    systolic_tenths=np.array([1200]),
    diastolic_tenths=np.array([700]),
    known=np.array([True]),
    symptoms=np.zeros((1, len(CLASSES)), dtype=np.bool_),
)
HIGH = replace(CALM, systolic_tenths=np.array([1500]))


def doses(**by_place: float) -> np.ndarray:
    found = NONE.copy()
    for name, dose in by_place.items():
        found[0, [c.value for c in CLASSES].index(name)] = dose
    return found


CCB, ACE = doses(calcium_channel_blocker=1.0), doses(ace_inhibitor=1.0)
FROWNED = {
    "raises_without_an_average": replace(HIGH, known=np.array([False]), after=CCB),
    "raises_when_in_target": replace(CALM, after=CCB),
    "lowers_when_above_without_a_symptom": replace(HIGH, before=CCB),
    "raises_what_gives_a_symptom": replace(HIGH, after=CCB, symptoms=CCB > 0),
    "two_blockers_of_the_renin_system": replace(HIGH, after=ACE + doses(arb=1.0)),
    "fourth_line_before_first": replace(HIGH, after=doses(beta_blocker=1.0)),
}


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_frowns_at_its_own_case_and_not_at_a_plain_step(name: str) -> None:
    assert CHECKS[name](FROWNED[name]).tolist() == [True]
    assert CHECKS[name](replace(HIGH, after=CCB)).tolist() == [False]
    assert CHECKS[name](CALM).tolist() == [False]


def test_the_titrator_agrees_with_itself_entirely_and_the_filter_does_not() -> None:
    design = Design(80, 60, 28)
    own = sanity.judged(titrated, WORLDS["literature"], design, 3)
    assert own["agreement"]["aha_acc_2025"]["same_move_percent"]["mean"] == 100.0
    other = sanity.judged(POLICIES["filter"], WORLDS["literature"], design, 3)
    same = other["agreement"]["aha_acc_2025"]
    assert same["same_move_percent"]["mean"] < 100.0
    assert same["same_direction_percent"]["mean"] >= same["same_move_percent"]["mean"]
    assert other["decisions"] == 80 * 3


def test_the_filter_hardly_ever_begins_with_what_guidelines_keep_for_later() -> None:
    judged = sanity.judged(POLICIES["filter"], WORLDS["literature"], Design(200, 112, 28), 4)
    assert judged["frowned_at_percent"]["fourth_line_before_first"] < 0.5
    assert judged["sane_percent"]["mean"] > 98.0
