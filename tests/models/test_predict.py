from models.predict import FilterPredictor
from services.clinical.formulary import Drug
from services.clinical.moves import KEEP, DoseChange, Move, MoveKind
from services.clinical.units import Micrograms
from tests.models.patients import NOW, TARGET, prescription, snapshot

REGIMEN = (prescription(Drug.AMLODIPINE, 5_000),)
MOVES = (
    KEEP,
    Move(MoveKind.STEP_UP, (DoseChange(Drug.AMLODIPINE, Micrograms(5_000), Micrograms(10_000)),)),
    Move(MoveKind.START, (DoseChange(Drug.LOSARTAN, Micrograms(0), Micrograms(25_000)),)),
)


def test_it_ranks_exactly_the_moves_that_it_was_given() -> None:
    ranking = FilterPredictor().rank(snapshot([150.0] * 40, REGIMEN), MOVES, TARGET, NOW)
    assert sorted(r.move.move_id for r in ranking.moves) == sorted(m.move_id for m in MOVES)


def test_the_same_snapshot_gives_the_same_ranking() -> None:
    rank = FilterPredictor().rank
    patient = snapshot([150.0] * 40, REGIMEN)
    assert rank(patient, MOVES, TARGET, NOW) == rank(patient, MOVES, TARGET, NOW)


def test_the_order_of_the_moves_does_not_matter() -> None:
    rank = FilterPredictor().rank
    patient = snapshot([150.0] * 40, REGIMEN)
    assert rank(patient, MOVES, TARGET, NOW) == rank(patient, MOVES[::-1], TARGET, NOW)


def test_the_interval_holds_the_expected_change() -> None:
    ranking = FilterPredictor().rank(snapshot([150.0] * 40, REGIMEN), MOVES, TARGET, NOW)
    for ranked in ranking.moves:
        expected = ranked.expected_systolic_change_tenths
        assert ranked.expected_low_tenths <= expected <= ranked.expected_high_tenths


def test_too_few_days_make_it_abstain() -> None:
    ranking = FilterPredictor().rank(snapshot([150.0] * 2, REGIMEN), MOVES, TARGET, NOW)
    assert ranking.abstained == "too_few_days"


def test_in_the_middle_of_the_target_it_says_that_no_move_is_worth_it() -> None:
    ranking = FilterPredictor().rank(snapshot([120.0] * 60, REGIMEN), MOVES, TARGET, NOW)
    assert ranking.moves[0].move == KEEP or ranking.abstained == "hardly_better_than_no_change"
