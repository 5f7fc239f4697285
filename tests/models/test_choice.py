import pytest

from models import choice, dosage
from models.choice import Valued
from services.clinical.formulary import FORMULARY, Drug
from services.clinical.moves import KEEP, DoseChange, Move, MoveKind
from services.clinical.patient import Condition
from services.clinical.units import Micrograms
from tests.models.patients import NOW, TARGET, prescription, snapshot


def step(drug: Drug, before_ug: int, after_ug: int, kind: MoveKind = MoveKind.STEP_UP) -> Move:
    return Move(kind, (DoseChange(drug, Micrograms(before_ug), Micrograms(after_ug)),))


UP = step(Drug.AMLODIPINE, 5_000, 10_000)
DOWN = step(Drug.AMLODIPINE, 5_000, 2_500, MoveKind.STEP_DOWN)
REGIMEN = (prescription(Drug.AMLODIPINE, 5_000),)


def best_at(systolic_mmhg: float) -> Move:
    posterior = dosage.observe(snapshot([systolic_mmhg] * 40, REGIMEN), now=NOW)
    before = {Drug.AMLODIPINE: 5_000}
    valued = [choice.value(posterior, before, m, TARGET) for m in (KEEP, UP, DOWN)]
    return choice.order(valued)[0].move


@pytest.mark.parametrize(("systolic_mmhg", "best"), [(150.0, UP), (120.0, KEEP), (100.0, DOWN)])
def test_up_when_high_keep_when_in_target_down_when_low(systolic_mmhg: float, best: Move) -> None:
    assert best_at(systolic_mmhg) == best


def test_a_severe_patient_whom_one_move_cannot_bring_to_target_is_not_left_alone() -> None:
    assert best_at(190.0) == UP


def test_without_the_excess_term_that_patient_would_even_be_stepped_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choice, "EXCESS_WEIGHT", 0.0)
    assert best_at(190.0) == DOWN


def test_a_move_is_worth_to_the_digit_the_same_alone_and_among_others() -> None:
    posterior = dosage.observe(snapshot([140.0] * 40, REGIMEN), now=NOW)
    before = {Drug.AMLODIPINE: 5_000}
    start = step(Drug.LOSARTAN, 0, 25_000, MoveKind.START)
    swap = Move(MoveKind.SWAP, (*step(Drug.AMLODIPINE, 5_000, 0).changes, *start.changes))
    moves = (KEEP, UP, DOWN, start, swap)
    together = choice.values(posterior, before, moves, TARGET)
    alone = [choice.value(posterior, before, m, TARGET) for m in moves]
    assert together == alone
    assert choice.values(posterior, before, moves[::-1], TARGET) == together[::-1]


BETA = step(Drug.BISOPROLOL, 0, 2_500, MoveKind.START)
THIAZIDE = step(Drug.CHLORTHALIDONE, 0, 12_500, MoveKind.START)


def scored(move: Move, *drugs: Drug, conditions: frozenset[Condition] = frozenset()) -> Valued:
    posterior = dosage.observe(snapshot([150.0] * 40, REGIMEN), now=NOW)
    before = {drug: int(FORMULARY[drug].start_ug) for drug in drugs}
    return choice.values(posterior, before, (move,), TARGET, conditions)[0]


@pytest.mark.parametrize(
    ("taken", "skipped"),
    [
        ((), 3),
        ((Drug.AMLODIPINE,), 2),
        ((Drug.AMLODIPINE, Drug.LISINOPRIL), 1),
        ((Drug.LOSARTAN, Drug.LISINOPRIL), 2),
        ((Drug.AMLODIPINE, Drug.LOSARTAN, Drug.CHLORTHALIDONE), 0),
    ],
)
def test_a_later_class_costs_for_each_first_line_class_that_it_skips(
    taken: tuple[Drug, ...], skipped: int
) -> None:
    found = scored(BETA, *taken)
    assert found.lines_skipped == skipped
    free = found.in_target - choice.SYMPTOM_WEIGHT * found.symptoms
    free -= choice.EXCESS_WEIGHT * found.excess_mmhg + choice.CHANGE_WEIGHT
    assert found.score == pytest.approx(free - choice.LINE_WEIGHT * skipped)


def test_first_line_classes_skip_nothing_and_nor_does_what_is_not_raised() -> None:
    assert scored(THIAZIDE).lines_skipped == 0
    assert scored(UP, Drug.AMLODIPINE, Drug.BISOPROLOL).lines_skipped == 0
    down = step(Drug.BISOPROLOL, 5_000, 2_500, MoveKind.STEP_DOWN)
    assert scored(down, Drug.BISOPROLOL).lines_skipped == 0


@pytest.mark.parametrize("condition", [Condition.CORONARY_DISEASE, Condition.HEART_FAILURE])
def test_a_heart_that_asks_for_a_beta_blocker_has_it_at_no_cost(condition: Condition) -> None:
    held = frozenset({condition})
    assert scored(BETA, conditions=held).lines_skipped == 0
    spironolactone = step(Drug.SPIRONOLACTONE, 0, 12_500, MoveKind.START)
    assert scored(spironolactone, conditions=held).lines_skipped == 3


def test_a_level_is_that_of_the_doses_after_the_move() -> None:
    posterior = dosage.observe(snapshot([140.0] * 40, REGIMEN), now=NOW)
    found = choice.value(posterior, {Drug.AMLODIPINE: 5_000}, UP, TARGET)
    before, after = {Drug.AMLODIPINE: 5_000}, {Drug.AMLODIPINE: 10_000}
    expected = dosage.change(posterior, before, after)
    assert found.change.mean_mmhg == pytest.approx(expected.mean_mmhg)
    assert found.change.sd_mmhg == pytest.approx(expected.sd_mmhg)
    assert found.symptoms == pytest.approx(choice.symptom_probability(after))


def test_more_drug_never_has_fewer_symptoms() -> None:
    alone = choice.symptom_probability({Drug.AMLODIPINE: 5_000})
    more = choice.symptom_probability({Drug.AMLODIPINE: 10_000})
    two = choice.symptom_probability({Drug.AMLODIPINE: 5_000, Drug.CHLORTHALIDONE: 25_000})
    assert 0.0 < alone < more
    assert alone < two


@pytest.mark.parametrize(("change_mmhg", "days"), [(8.7, 16), (5.0, 47), (4.4, 60), (1.5, 516)])
def test_days_to_know_are_the_published_ones(change_mmhg: float, days: int) -> None:
    assert choice.days_to_know(-change_mmhg) == pytest.approx(days, abs=1)


def test_no_change_can_never_be_known() -> None:
    assert choice.days_to_know(0.0) is None
