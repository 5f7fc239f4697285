"""Legal moves: ladders only, two rungs for a clinician, one for a patient inside the plan."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.clinical.envelope import DrugBounds
from services.clinical.facts import facts
from services.clinical.formulary import FORMULARY, Drug, DrugClass, drug_class
from services.clinical.moves import (
    KEEP,
    Move,
    MoveKind,
    Path,
    is_stage_2,
    is_well_formed,
    legal_moves,
)
from services.clinical.patient import Intolerance, Symptom, SymptomReport
from services.clinical.units import Micrograms
from tests.proof.worlds import random_snapshot
from tests.services.clinical.examples import (
    DAY,
    NOW,
    UP,
    change,
    envelope,
    prescription,
    proposal,
    snapshot,
    week,
)


def ids(path: Path = Path.CLINICIAN, plan: Any = None, **changes: Any) -> list[str]:
    moves = legal_moves(snapshot(**changes), path=path, now=NOW, envelope=plan)
    return [move.move_id for move in moves]


def test_keep_comes_first_and_no_move_comes_twice() -> None:
    for path in Path:
        found = ids(path, envelope())
        assert found[0] == "keep" and len(found) == len(set(found))


def test_a_clinician_s_moves_on_one_drug() -> None:
    found = ids(regimen=(prescription(Drug.AMLODIPINE, 2500),))
    assert {
        "step_up:amlodipine:2500>5000",
        "step_up_two:amlodipine:2500>10000",
        "stop:amlodipine:2500>0",
        "start:lisinopril:0>10000",
        "add_and_step_up:lisinopril:0>10000,amlodipine:2500>5000",
        "start_two:lisinopril:0>10000,chlorthalidone:0>12500",
    } <= set(found)
    assert not any(item.startswith("step_down") for item in found)
    assert "start_two:lisinopril:0>10000,losartan:0>50000" not in found
    assert not any("start:amlodipine" in item for item in found)


def test_two_drugs_step_up_together_and_the_top_steps_no_further() -> None:
    regimen = (prescription(), prescription(Drug.LISINOPRIL, 40_000))
    assert not any("step_up:lisinopril" in item for item in ids(regimen=regimen))
    regimen = (prescription(), prescription(Drug.LISINOPRIL, 20_000))
    assert "step_up_two:amlodipine:5000>10000,lisinopril:20000>40000" in ids(regimen=regimen)


def test_two_starts_are_for_stage_2() -> None:
    def starts_two(systolic: int, diastolic: int) -> bool:
        readings = week(systolic, diastolic, spread=0)
        return any(item.startswith("start_two") for item in ids(readings=readings))

    assert starts_two(135, 80) and starts_two(130, 85) and not starts_two(134, 84)
    assert not any(item.startswith("start_two") for item in ids(readings=()))
    assert is_stage_2(snapshot(), NOW)


def test_a_patient_moves_one_rung_between_rungs_of_the_plan() -> None:
    assert ids(Path.PATIENT, envelope()) == [
        "keep",
        "step_up:amlodipine:5000>10000",
        "step_down:amlodipine:5000>2500",
    ]
    narrow = envelope(bounds=(DrugBounds(Drug.AMLODIPINE, (Micrograms(10_000),)),))
    assert ids(Path.PATIENT, narrow) == ["keep", "step_up:amlodipine:5000>10000"]
    other = envelope(bounds=(DrugBounds(Drug.RAMIPRIL, (Micrograms(10_000),)),))
    assert ids(Path.PATIENT, other) == ids(Path.PATIENT, None) == ["keep"]
    rungs = tuple(Micrograms(r) for r in (10_000, 20_000))
    bracketed = envelope(bounds=(DrugBounds(Drug.RAMIPRIL, rungs),))
    regimen = (prescription(Drug.RAMIPRIL, 10_000),)
    assert ids(Path.PATIENT, bracketed, regimen=regimen) == ["keep"]


def test_swaps_are_for_drugs_that_are_not_tolerated() -> None:
    lisinopril = (prescription(Drug.LISINOPRIL, 10_000),)
    assert not any(item.startswith("swap") for item in ids(regimen=lisinopril))
    for reason in (
        {"intolerances": (Intolerance(Drug.LISINOPRIL),)},
        {"symptoms": (SymptomReport(Symptom.COUGH, NOW, open=True),)},
    ):
        found = ids(regimen=lisinopril, **reason)
        assert "swap:lisinopril:10000>0,losartan:0>25000" in found
        assert "swap:lisinopril:10000>0,amlodipine:0>5000" in found
        beside = (*lisinopril, prescription(Drug.LOSARTAN, 50_000, paused_since=NOW - DAY))
        assert not any("losartan" in i for i in ids(regimen=beside, **reason) if "swap" in i)
    closed = (SymptomReport(Symptom.COUGH, NOW, open=False),)
    assert not any(i.startswith("swap") for i in ids(regimen=lisinopril, symptoms=closed))


def test_a_sick_day_pauses_all_that_harms_a_dry_kidney_and_only_that() -> None:
    ill = (SymptomReport(Symptom.VOMITING_OR_DIARRHOEA, NOW, open=True),)
    regimen = (
        prescription(),
        prescription(Drug.LISINOPRIL, 10_000),
        prescription(Drug.CHLORTHALIDONE, 12_500),
    )
    pause = "pause:lisinopril:10000>0,chlorthalidone:12500>0"
    for path in Path:
        assert pause in ids(path, envelope(), regimen=regimen, symptoms=ill)
        assert pause not in ids(path, envelope(), regimen=regimen)
        assert ids(path, envelope(), symptoms=ill)[-1] != "pause:amlodipine:5000>0"


def test_what_is_paused_is_resumed_at_its_ordered_dose_and_moved_no_other_way() -> None:
    held = (prescription(paused_since=NOW - DAY),)
    for path in Path:
        found = ids(path, envelope(), regimen=held)
        assert "resume:amlodipine:0>5000" in found
        assert not any("amlodipine:5000" in item or "start:amlodipine" in item for item in found)


def test_an_ace_inhibitor_and_an_arb_are_never_resumed_together_nor_beside_each_other() -> None:
    ace = prescription(Drug.RAMIPRIL, 2500, paused_since=NOW - DAY)
    arb = prescription(Drug.OLMESARTAN, 40_000, paused_since=NOW - DAY)
    held = prescription(paused_since=NOW - DAY)
    taken = prescription(Drug.RAMIPRIL, 2500)
    for path in Path:
        assert not any(i.startswith("resume") for i in ids(path, envelope(), regimen=(ace, arb)))
        assert not any(i.startswith("resume") for i in ids(path, envelope(), regimen=(taken, arb)))
        assert "resume:amlodipine:0>5000" in ids(path, envelope(), regimen=(ace, arb, held))
        assert "resume:ramipril:0>2500" in ids(path, envelope(), regimen=(ace,))


def test_the_dead_and_conflicting_regimens_have_no_moves() -> None:
    assert ids(deceased=True) == ["keep"]
    assert ids(regimen=(prescription(), prescription())) == ["keep"]
    assert ids(regimen=(prescription(dose_ug=7500),)) == ["keep"]


@given(st.integers(0, 2**32))
@example(580)
@example(7803)
@settings(max_examples=80, deadline=None)
def test_every_legal_move_is_well_formed_on_the_ladder_and_small(seed: int) -> None:
    import random

    made = random_snapshot(random.Random(seed))
    plan = envelope(bounds=tuple(DrugBounds(d, e.rungs_ug) for d, e in FORMULARY.items()))
    for path, most in ((Path.CLINICIAN, 2), (Path.PATIENT, 1)):
        for move in legal_moves(made, path=path, now=NOW, envelope=plan):
            assert is_well_formed(move)
            read = facts(made, proposal(move, path), plan, NOW).move
            assert not read.mismatch and read.rungs_raised <= most
            assert all(c.to_ug in (0, *FORMULARY[c.drug].ladder_ug) for c in move.changes)
            added = {drug_class(c.drug) for c in move.changes if c.from_ug == 0}
            assert not {DrugClass.ACE_INHIBITOR, DrugClass.ARB} <= added


AML, LIS = Drug.AMLODIPINE, Drug.LISINOPRIL


@pytest.mark.parametrize(
    ("kind", "changes", "sound"),
    [
        (MoveKind.KEEP, (), True),
        (MoveKind.KEEP, ((AML, 5000, 10_000),), False),
        (MoveKind.STEP_UP, ((AML, 5000, 10_000),), True),
        (MoveKind.STEP_UP, ((AML, 0, 10_000),), False),
        (MoveKind.STEP_UP, ((AML, 10_000, 5000),), False),
        (MoveKind.STEP_UP, ((AML, 5000, 5000),), False),
        (MoveKind.STEP_DOWN, ((AML, 10_000, 5000),), True),
        (MoveKind.STEP_DOWN, ((AML, 10_000, 0),), False),
        (MoveKind.START, ((AML, 0, 5000),), True),
        (MoveKind.START, ((AML, -5000, 5000),), False),
        (MoveKind.STOP, ((AML, 5000, 0),), True),
        (MoveKind.STOP, ((AML, 5000, -1),), False),
        (MoveKind.START_TWO, ((AML, 0, 5000), (LIS, 0, 10_000)), True),
        (MoveKind.START_TWO, ((AML, 0, 5000), (AML, 0, 10_000)), False),
        (MoveKind.START_TWO, ((AML, 0, 5000),), False),
        (MoveKind.ADD_AND_STEP_UP, ((LIS, 10_000, 20_000), (AML, 0, 5000)), True),
        (MoveKind.STEP_UP_TWO, ((AML, 2500, 10_000),), True),
        (MoveKind.STEP_UP_TWO, ((AML, 2500, 5000), (LIS, 10_000, 20_000)), True),
        (MoveKind.SWAP, ((LIS, 10_000, 0), (AML, 0, 5000)), True),
        (MoveKind.SWAP, ((LIS, 10_000, 5000), (AML, 0, 5000)), False),
        (MoveKind.PAUSE, ((LIS, 10_000, 0), (AML, 5000, 0)), True),
        (MoveKind.PAUSE, (), False),
        (MoveKind.PAUSE, ((LIS, 10_000, 5000),), False),
        (MoveKind.RESUME, ((LIS, 0, 10_000),), True),
        (MoveKind.RESUME, (), False),
        (MoveKind.RESUME, ((LIS, 10_000, 0),), False),
    ],
)
def test_a_move_is_what_its_kind_promises(
    kind: MoveKind, changes: tuple[tuple[Drug, int, int], ...], sound: bool
) -> None:
    assert is_well_formed(Move(kind, tuple(change(*item) for item in changes))) is sound


def test_a_move_has_a_stable_name() -> None:
    assert UP.move_id == "step_up:amlodipine:5000>10000"
    assert KEEP.move_id == "keep"
