"""A move is carried out exactly, or not at all."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clinical.formulary import FORMULARY, Drug
from services.clinical.moves import KEEP, DoseChange, Move, MoveKind
from services.clinical.units import Micrograms
from services.store.moved_regimen import MoveDoesNotFit, apply, parse_move, regimen_after
from tests.services.store.people import NOW, amlodipine

UP = DoseChange(Drug.AMLODIPINE, Micrograms(5000), Micrograms(10000))
OFF = DoseChange(Drug.AMLODIPINE, Micrograms(5000), Micrograms(0))
ON = DoseChange(Drug.AMLODIPINE, Micrograms(0), Micrograms(5000))
START = DoseChange(Drug.CARVEDILOL, Micrograms(0), Micrograms(12500))
ORDERS = {Drug.AMLODIPINE: "new-a", Drug.CARVEDILOL: "new-c"}

changes = st.builds(
    DoseChange,
    st.sampled_from(Drug),
    st.integers(0, 400_000).map(Micrograms),
    st.integers(0, 400_000).map(Micrograms),
)


@given(st.sampled_from(MoveKind), st.lists(changes, max_size=3).map(tuple))
def test_a_move_id_names_exactly_one_move(kind: MoveKind, steps: tuple[DoseChange, ...]) -> None:
    assert parse_move(Move(kind, steps).move_id) == Move(kind, steps)


@pytest.mark.parametrize(
    "text", ["", "up", "keep:", "step_up:amlodipine", "step_up:x:1>2", "step_up:amlodipine:05>1"]
)
def test_what_is_no_move_id_is_refused(text: str) -> None:
    with pytest.raises(MoveDoesNotFit):
        parse_move(text)


def test_a_step_replaces_the_order_and_keeps_the_tablets() -> None:
    (done,) = apply(Move(MoveKind.STEP_UP, (UP,)), [amlodipine()], order_ids=ORDERS, now=NOW)
    assert done.effect == "ordered"
    expected = replace(amlodipine(), daily_dose_ug=Micrograms(10000), order_id="new-a", since=NOW)
    assert regimen_after([amlodipine()], [done]) == (expected,)


def test_a_stop_takes_the_drug_out_and_a_pause_keeps_it_on_order() -> None:
    (stopped,) = apply(Move(MoveKind.STOP, (OFF,)), [amlodipine()], order_ids=ORDERS, now=NOW)
    (paused,) = apply(Move(MoveKind.PAUSE, (OFF,)), [amlodipine()], order_ids=ORDERS, now=NOW)
    assert regimen_after([amlodipine()], [stopped]) == ()
    assert regimen_after([amlodipine()], [paused]) == (replace(amlodipine(), paused_since=NOW),)


def test_resuming_goes_back_to_the_ordered_dose_without_a_new_order() -> None:
    resting = replace(amlodipine(), paused_since=NOW)
    (done,) = apply(Move(MoveKind.RESUME, (ON,)), [resting], order_ids=ORDERS, now=NOW)
    assert done.effect == "resumed"
    assert regimen_after([resting], [done]) == (amlodipine(),)


def test_a_start_comes_last_and_is_taken_as_often_as_its_row_says() -> None:
    move = Move(MoveKind.ADD_AND_STEP_UP, (START, UP))
    done = apply(move, [amlodipine()], order_ids=ORDERS, now=NOW)
    drugs = [(item.drug, item.times_a_day) for item in regimen_after([amlodipine()], done)]
    assert drugs == [
        (Drug.AMLODIPINE, 1),
        (Drug.CARVEDILOL, FORMULARY[Drug.CARVEDILOL].times_a_day),
    ]


@pytest.mark.parametrize("dose_ug", [2500, 10000])
def test_a_move_from_another_dose_than_the_patient_takes_does_not_fit(dose_ug: int) -> None:
    with pytest.raises(MoveDoesNotFit):
        apply(Move(MoveKind.STEP_UP, (UP,)), [amlodipine(dose_ug)], order_ids=ORDERS, now=NOW)
    with pytest.raises(MoveDoesNotFit):
        apply(Move(MoveKind.STEP_UP, (UP,)), [], order_ids=ORDERS, now=NOW)


def test_keep_changes_nothing() -> None:
    assert apply(KEEP, [amlodipine()], order_ids={}, now=NOW) == ()
    assert regimen_after([amlodipine()], ()) == (amlodipine(),)
