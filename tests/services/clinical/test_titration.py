"""The titrator: a guideline engine that orders the moves it is given."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.clinical.formulary import Drug, DrugClass, drug_class
from services.clinical.moves import Move, MoveKind, Path, legal_moves
from services.clinical.patient import Condition, Lab, Symptom, SymptomReport, Target
from services.clinical.readings import Posture
from services.clinical.titration import Guideline, Titrator, guideline_target
from tests.services.clinical.examples import (
    DAY,
    LABS,
    NOW,
    changed,
    lab,
    prescription,
    reading,
    snapshot,
    week,
)

NONE: frozenset[Condition] = frozenset()


@pytest.mark.parametrize(
    ("guideline", "age", "conditions", "expected"),
    [
        (Guideline.AHA, 90, NONE, (130, 80)),
        (Guideline.ESC, 84, NONE, (130, 80)),
        (Guideline.ESC, 85, NONE, (140, 90)),
        (Guideline.ESC, 60, frozenset({Condition.FRAILTY}), (140, 90)),
        (Guideline.ESC, None, NONE, (140, 90)),
        (Guideline.NICE, 79, NONE, (135, 85)),
        (Guideline.NICE, 80, NONE, (145, 85)),
        (Guideline.NICE, None, NONE, (145, 85)),
        (Guideline.WHO, 60, NONE, (140, 90)),
        (Guideline.WHO, 60, frozenset({Condition.DIABETES_TYPE_2}), (130, 90)),
    ],
)
def test_goals(
    guideline: Guideline, age: int | None, conditions: frozenset[Condition], expected: Any
) -> None:
    assert guideline_target(guideline, age=age, conditions=conditions) == Target(*expected)


def order(guideline: Guideline = Guideline.AHA, **changes: Any) -> list[Move]:
    made = snapshot(**changes)
    moves = legal_moves(made, path=Path.CLINICIAN, now=NOW)
    ranking = Titrator(guideline).rank(made, moves, made.target or Target(130, 80), NOW)
    assert sorted(m.move.move_id for m in ranking.moves) == sorted(m.move_id for m in moves)
    return [item.move for item in ranking.moves]


def first_start(guideline: Guideline = Guideline.AHA, **changes: Any) -> DrugClass:
    moves = order(guideline, **changes)
    chosen = next(move for move in moves if move.kind is MoveKind.START)
    return drug_class(chosen.changes[0].drug)


UNTREATED: dict[str, Any] = {"regimen": (), "adherence": None}
STAGE_1 = week(133, 84, spread=0)


def test_the_ladder_is_a_then_c_then_d_then_the_mra() -> None:
    assert first_start(**UNTREATED) is DrugClass.ACE_INHIBITOR
    lisinopril = prescription(Drug.LISINOPRIL, 40_000)
    amlodipine = prescription(Drug.AMLODIPINE, 10_000)
    chlorthalidone = prescription(Drug.CHLORTHALIDONE, 25_000)
    assert first_start(regimen=(lisinopril,)) is DrugClass.CALCIUM_CHANNEL_BLOCKER
    assert first_start(regimen=(lisinopril, amlodipine)) is DrugClass.THIAZIDE
    three = (lisinopril, amlodipine, chlorthalidone)
    assert first_start(regimen=three) is DrugClass.MRA


FRAIL = {"conditions": frozenset({Condition.FRAILTY})}
FALLS = (
    *week(),
    reading(NOW - timedelta(minutes=20), 146, 90),
    reading(NOW - timedelta(minutes=17), 126, 85, posture=Posture.STANDING_3_MIN),
)


def test_untreated_at_stage_2_starts_two_and_below_it_one() -> None:
    assert order(**UNTREATED)[0].kind is MoveKind.START_TWO
    assert order(readings=STAGE_1, **UNTREATED)[0].kind is MoveKind.START


@pytest.mark.parametrize("guideline", [Guideline.AHA, Guideline.ESC, Guideline.WHO])
@pytest.mark.parametrize(
    ("systolic", "diastolic", "expected"),
    [
        (134, 84, MoveKind.START),
        (135, 84, MoveKind.ADD_AND_STEP_UP),
        (134, 85, MoveKind.ADD_AND_STEP_UP),
    ],
)
def test_treated_at_stage_2_adds_a_class_and_steps_up_and_below_it_adds_one(
    guideline: Guideline, systolic: int, diastolic: int, expected: MoveKind
) -> None:
    assert order(guideline, readings=week(systolic, diastolic, spread=0))[0].kind is expected


@pytest.mark.parametrize("treated", [{}, UNTREATED])
@pytest.mark.parametrize(
    "gentle",
    [
        FRAIL,
        {"birth_date": date(1946, 5, 20)},
        {"birth_date": None},
        {"readings": FALLS},
    ],
    ids=["frail", "80 years", "age not known", "falls on standing"],
)
def test_who_cannot_bear_two_rungs_gets_one_at_stage_2(
    treated: dict[str, Any], gentle: dict[str, Any]
) -> None:
    assert order(**treated, **gentle)[0].kind is MoveKind.START


def test_nice_takes_one_drug_at_a_time() -> None:
    assert order(Guideline.NICE)[0].kind is MoveKind.START
    assert order(Guideline.NICE, **UNTREATED)[0].kind is MoveKind.START


def test_at_stage_2_nobody_goes_from_one_drug_to_three_while_one_class_can_be_added() -> None:
    kinds = [move.kind for move in order()]
    assert kinds.index(MoveKind.START) < kinds.index(MoveKind.START_TWO)
    top = order(regimen=(prescription(Drug.AMLODIPINE, 10_000),))
    assert top[0].kind is MoveKind.START


def test_the_step_up_beside_the_new_class_is_the_ras_blockers() -> None:
    both = (prescription(Drug.LISINOPRIL, 10_000), prescription(Drug.AMLODIPINE, 5000))
    best = order(regimen=both)[0]
    assert [change.drug for change in best.changes] == [Drug.CHLORTHALIDONE, Drug.LISINOPRIL]


def test_a_class_is_added_before_a_dose_is_doubled_and_a_ras_blocker_is_doubled_first() -> None:
    both = (prescription(Drug.LISINOPRIL, 10_000), prescription(Drug.AMLODIPINE, 5000))
    moves = order(readings=STAGE_1, regimen=both)
    kinds = [move.kind for move in moves]
    assert kinds.index(MoveKind.START) < kinds.index(MoveKind.STEP_UP)
    ups = [move.changes[0].drug for move in moves if move.kind is MoveKind.STEP_UP]
    assert ups == [Drug.LISINOPRIL, Drug.AMLODIPINE]


def test_a_drug_whose_symptom_is_open_is_not_raised_before_the_others() -> None:
    swollen = (SymptomReport(Symptom.ANKLE_SWELLING, NOW - DAY, open=True),)
    moves = order(symptoms=swollen)
    assert moves[0].kind is MoveKind.SWAP
    kinds = [move.kind for move in moves]
    assert kinds.index(MoveKind.START) < kinds.index(MoveKind.KEEP)
    assert kinds.index(MoveKind.KEEP) < kinds.index(MoveKind.STEP_UP)


def test_the_kidney_puts_the_ras_blocker_first_in_every_guideline() -> None:
    old = {"birth_date": date(1960, 1, 1), **UNTREATED, "readings": STAGE_1}
    assert first_start(**{**old}, guideline=Guideline.NICE) is (DrugClass.CALCIUM_CHANNEL_BLOCKER)
    for kidney in (
        {"conditions": frozenset({Condition.ALBUMINURIA})},
        {"labs": (*LABS[:3], lab(Lab.EGFR, 59_999))},
        {"labs": (*LABS, lab(Lab.ALBUMIN_CREATININE_RATIO, 30_000))},
        {"conditions": frozenset({Condition.DIABETES_TYPE_2})},
        {"birth_date": date(1975, 1, 1)},
        {"birth_date": None},
    ):
        found = first_start(**{**old, **kidney}, guideline=Guideline.NICE)
        assert found is DrugClass.ACE_INHIBITOR, kidney


def test_coronary_disease_brings_the_beta_blocker_forward() -> None:
    regimen = (prescription(Drug.LISINOPRIL, 40_000),)
    heart = frozenset({Condition.CORONARY_DISEASE})
    assert first_start(regimen=regimen, conditions=heart) is DrugClass.BETA_BLOCKER


def test_over_treated_steps_down_and_reverses_the_last_change_first() -> None:
    regimen = (prescription(Drug.AMLODIPINE, 10_000), prescription(Drug.LISINOPRIL, 20_000))
    low = week(104, 62, spread=0)
    raised = (
        changed(60, Drug.AMLODIPINE, 5000, 10_000),
        changed(90, Drug.LISINOPRIL, 5000, 20_000),
    )
    down = order(regimen=regimen, readings=low, changes=raised)[0]
    assert down.kind is MoveKind.STEP_DOWN
    assert down.changes[0].drug is Drug.AMLODIPINE
    down = order(regimen=regimen, readings=low, changes=raised[1:])[0]
    assert down.changes[0].drug is Drug.LISINOPRIL


def test_in_target_or_without_an_average_nothing_changes() -> None:
    assert order(readings=week(122, 74))[0].kind is MoveKind.KEEP
    assert order(readings=())[0].kind is MoveKind.KEEP


@pytest.mark.parametrize(
    ("symptom", "drug", "dose_ug"),
    [
        (Symptom.COUGH, Drug.LISINOPRIL, 10_000),
        (Symptom.ANKLE_SWELLING, Drug.AMLODIPINE, 5000),
        (Symptom.FATIGUE, Drug.BISOPROLOL, 2500),
    ],
)
def test_a_symptom_of_a_class_asks_for_a_swap(symptom: Symptom, drug: Drug, dose_ug: int) -> None:
    report = SymptomReport(symptom, NOW - DAY, open=True)
    best = order(regimen=(prescription(drug, dose_ug),), symptoms=(report,))[0]
    assert best.kind is MoveKind.SWAP
    assert any(change.drug is drug and change.to_ug == 0 for change in best.changes)


def test_a_sick_day_pauses_and_its_end_resumes() -> None:
    ill = (SymptomReport(Symptom.VOMITING_OR_DIARRHOEA, NOW - DAY, open=True),)
    taken = prescription(Drug.LISINOPRIL, 10_000)
    assert order(regimen=(taken,), symptoms=ill)[0].kind is MoveKind.PAUSE
    held = replace(taken, paused_since=NOW - 3 * DAY)
    assert order(regimen=(held,))[0].kind is MoveKind.RESUME
    just_held = replace(taken, paused_since=NOW - DAY)
    assert order(regimen=(just_held,))[0].kind is not MoveKind.RESUME


def test_the_same_patient_gets_the_same_ranking() -> None:
    assert order() == order()
