"""Proposals: undecided and without overrides unless they say so."""

from services.clinical.moves import KEEP, Path
from services.clinical.proposal import Predictor, Proposal
from services.clinical.titration import Titrator
from tests.services.clinical.examples import NOW


def test_a_proposal_is_nobody_s_decision_until_it_is_signed() -> None:
    made = Proposal("q", "p", KEEP, Path.CLINICIAN, None, NOW, NOW)
    assert not made.decided_by_clinician
    assert made.overrides == ()


def test_the_titrator_is_a_predictor() -> None:
    predictor: Predictor = Titrator()
    assert callable(predictor.rank)
