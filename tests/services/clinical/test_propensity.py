"""What is logged of a choice, and how two rankings are compared."""

from dataclasses import replace

import pytest

from services.clinical.assessment import assess
from services.clinical.moves import Path, legal_moves
from services.clinical.propensity import Agreement, agreement, in_charge, in_shadow
from services.clinical.proposal import Ranking
from services.clinical.titration import Titrator
from tests.models.patients import NOW, TARGET, snapshot
from tests.models.test_predict import REGIMEN

PATIENT = snapshot([150.0] * 40, REGIMEN)


def ranking() -> Ranking:
    moves = legal_moves(PATIENT, path=Path.CLINICIAN, now=NOW)
    return Titrator().rank(PATIENT, moves, TARGET, NOW)


def test_every_offered_move_is_logged_with_its_score_in_order() -> None:
    made = assess(PATIENT, None, Titrator(), NOW, "a")
    logged = in_charge(made)
    assert [o.move_id for o in logged.offered] == [r.move.move_id for r in made.ranking.moves]
    assert [o.score_thousandths for o in logged.offered] == [
        r.score_thousandths for r in made.ranking.moves
    ]
    assert {r.move.move_id for r in made.ranking.moves} == {m.move_id for m in made.moves}
    assert logged.first_move_id == made.proposal.move.move_id
    assert logged.probability_ppm == 1_000_000
    assert logged.agreement is None


def test_the_same_order_agrees_fully_and_the_reverse_not_at_all() -> None:
    one = ranking()
    assert agreement(one, one) == Agreement(True, 1000)
    turned = replace(one, moves=one.moves[::-1])
    assert agreement(one, turned) == Agreement(False, -1000)


def test_one_exchange_of_neighbours_is_spearmans_number() -> None:
    one = replace(ranking(), moves=ranking().moves[:4])
    a, b, c, d = one.moves
    assert agreement(one, replace(one, moves=(b, a, c, d))) == Agreement(False, 800)
    assert agreement(one, replace(one, moves=(a, b, d, c))) == Agreement(True, 800)


def test_a_single_move_has_no_correlation() -> None:
    one = replace(ranking(), moves=ranking().moves[:1])
    assert agreement(one, one) == Agreement(True, None)


def test_a_candidate_that_adds_or_loses_a_move_is_refused() -> None:
    made = assess(PATIENT, None, Titrator(), NOW, "a")
    with pytest.raises(ValueError, match="different moves"):
        in_shadow(made, replace(made.ranking, moves=made.ranking.moves[1:]))
    twice = (made.ranking.moves[0], *made.ranking.moves[:-1])
    with pytest.raises(ValueError, match="different moves"):
        in_shadow(made, replace(made.ranking, moves=twice))
