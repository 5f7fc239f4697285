"""The words of the rules, spoken over facts."""

import pytest

from services.clinical.facts import DRUGS, Facts, facts
from services.clinical.formulary import FORMULARY, Drug, DrugClass
from services.clinical.guard import _RECORDS
from services.clinical.logic import Condition, compile_conditions
from services.clinical.moves import KEEP, Move, MoveKind
from services.clinical.vocabulary import (
    CHANGES,
    RAISES,
    TITRATES,
    before,
    off_ladder,
    on_order,
    raised,
    started,
    stopped_above_lowest,
)
from tests.services.clinical.examples import (
    DOWN,
    NOW,
    STOP,
    UP,
    change,
    prescription,
    proposal,
    snapshot,
    start,
)


def said(condition: Condition, move: Move, drug: Drug = Drug.AMLODIPINE, dose: int = 5000) -> bool:
    made = snapshot(regimen=(prescription(drug, dose),))
    read: Facts = facts(made, proposal(move), None, NOW)
    return compile_conditions((condition,), _RECORDS)(*read) == [0]


SWAP = Move(MoveKind.SWAP, (change(Drug.AMLODIPINE, 5000, 0), change(Drug.LISINOPRIL, 0, 10_000)))
RESUME = Move(MoveKind.RESUME, (change(Drug.LISINOPRIL, 0, 10_000),))


@pytest.mark.parametrize(
    ("move", "changes", "raises", "titrates"),
    [
        (KEEP, False, False, False),
        (UP, True, True, True),
        (DOWN, True, False, False),
        (STOP, True, False, False),
        (SWAP, True, True, True),
        (RESUME, True, True, False),
        (start(Drug.LISINOPRIL, 5000), True, True, True),
    ],
)
def test_the_directions_of_a_move(move: Move, changes: bool, raises: bool, titrates: bool) -> None:
    spoken = [said(condition, move) for condition in (CHANGES, RAISES, TITRATES)]
    assert spoken == [changes, raises, titrates]


def test_classes_rise_start_and_stay_on_order() -> None:
    ccb, ace = DrugClass.CALCIUM_CHANNEL_BLOCKER, DrugClass.ACE_INHIBITOR
    assert said(raised(ccb), UP) and not said(raised(ace), UP)
    assert not said(started(ccb), UP)
    assert said(started(ace), start(Drug.LISINOPRIL, 5000))
    assert said(on_order(ccb), DOWN) and not said(on_order(ccb), STOP)
    pause = Move(MoveKind.PAUSE, STOP.changes)
    assert said(on_order(ccb), pause)


def test_stopping_from_above_the_lowest_rung() -> None:
    beta = DrugClass.BETA_BLOCKER
    for dose, above in ((5000, True), (2500, False)):
        stop = Move(MoveKind.STOP, (change(Drug.BISOPROLOL, dose, 0),))
        assert said(stopped_above_lowest(beta), stop, Drug.BISOPROLOL, dose) is above


@pytest.mark.parametrize("drug", DRUGS)
def test_only_rungs_and_nothing_are_on_the_ladder(drug: Drug) -> None:
    for rung in FORMULARY[drug].ladder_ug:
        assert not said(off_ladder(drug, before(drug)), KEEP, drug, int(rung))
        assert said(off_ladder(drug, before(drug)), KEEP, drug, int(rung) + 1)
