from dataclasses import replace

import pytest

from services.clinical.formulary import Drug, DrugClass
from services.clinical.lines import is_next_line, proposable
from services.clinical.moves import KEEP, DoseChange, Move, MoveKind
from services.clinical.patient import Condition, Snapshot
from services.clinical.units import Micrograms
from tests.services.clinical.examples import NOW, prescription
from tests.services.clinical.examples import snapshot as patient

UNTREATED = patient(regimen=())
FIRST_LINE = (
    prescription(Drug.LOSARTAN, 50_000),
    prescription(Drug.AMLODIPINE, 5_000),
    prescription(Drug.CHLORTHALIDONE, 12_500),
)


def on(*drugs: Drug) -> Snapshot:
    return replace(UNTREATED, regimen=tuple(p for p in FIRST_LINE if p.drug in drugs))


def start(drug: Drug, dose_ug: int) -> DoseChange:
    return DoseChange(drug, Micrograms(0), Micrograms(dose_ug))


@pytest.mark.parametrize(
    "cls",
    [
        DrugClass.ACE_INHIBITOR,
        DrugClass.ARB,
        DrugClass.CALCIUM_CHANNEL_BLOCKER,
        DrugClass.THIAZIDE,
    ],
)
def test_first_line_classes_may_always_be_proposed(cls: DrugClass) -> None:
    assert is_next_line(cls, UNTREATED)


@pytest.mark.parametrize("cls", [DrugClass.BETA_BLOCKER, DrugClass.MRA])
@pytest.mark.parametrize(
    ("drugs", "expected"),
    [
        ((), False),
        ((Drug.LOSARTAN, Drug.AMLODIPINE), False),
        ((Drug.LOSARTAN, Drug.CHLORTHALIDONE), False),
        ((Drug.AMLODIPINE, Drug.CHLORTHALIDONE), False),
        ((Drug.LOSARTAN, Drug.AMLODIPINE, Drug.CHLORTHALIDONE), True),
    ],
)
def test_other_classes_wait_until_the_first_line_is_used(
    cls: DrugClass, drugs: tuple[Drug, ...], expected: bool
) -> None:
    assert is_next_line(cls, on(*drugs)) is expected


@pytest.mark.parametrize(
    "condition",
    [Condition.CORONARY_DISEASE, Condition.HEART_FAILURE, Condition.ATRIAL_FIBRILLATION],
)
def test_a_heart_that_asks_for_a_beta_blocker_gets_one_proposed_but_no_mra(
    condition: Condition,
) -> None:
    snapshot = replace(UNTREATED, conditions=frozenset({condition}))
    assert is_next_line(DrugClass.BETA_BLOCKER, snapshot)
    assert not is_next_line(DrugClass.MRA, snapshot)


def test_two_agents_that_are_not_first_line_are_never_proposed_to_the_untreated() -> None:
    odd = Move(
        MoveKind.START_TWO, (start(Drug.BISOPROLOL, 5_000), start(Drug.SPIRONOLACTONE, 25_000))
    )
    mixed = Move(
        MoveKind.START_TWO, (start(Drug.LISINOPRIL, 10_000), start(Drug.BISOPROLOL, 5_000))
    )
    plain = Move(
        MoveKind.START_TWO, (start(Drug.LISINOPRIL, 10_000), start(Drug.AMLODIPINE, 5_000))
    )
    assert proposable(UNTREATED, (KEEP, odd, mixed, plain)) == (KEEP, plain)


def test_a_paused_drug_is_taken_up_again_whatever_its_line() -> None:
    paused = replace(prescription(Drug.BISOPROLOL, 5_000), paused_since=NOW)
    snapshot = replace(UNTREATED, regimen=(paused,))
    resume = Move(MoveKind.RESUME, (start(Drug.BISOPROLOL, 5_000),))
    assert proposable(snapshot, (KEEP, resume)) == (KEEP, resume)


def test_steps_of_drugs_that_are_taken_pass() -> None:
    up = Move(
        MoveKind.STEP_UP, (DoseChange(Drug.LOSARTAN, Micrograms(50_000), Micrograms(100_000)),)
    )
    assert proposable(on(Drug.LOSARTAN), (KEEP, up)) == (KEEP, up)
