"""Facts of a move: doses laid over the regimen, rungs, swaps, bounds, supply, ranking."""

from dataclasses import replace
from typing import Any

import pytest

from services.clinical.envelope import DrugBounds
from services.clinical.facts import (
    DRUG_PLACE,
    facts,
)
from services.clinical.formulary import Drug
from services.clinical.moves import KEEP, Move, MoveKind, Path
from services.clinical.units import Micrograms
from tests.services.clinical.examples import (
    DAY,
    NOW,
    UP,
    change,
    envelope,
    prescription,
    proposal,
    ranking,
    snapshot,
)


def moved(move: Move, **changes: Any) -> Any:
    return facts(snapshot(**changes), proposal(move), envelope(), NOW).move


@pytest.mark.parametrize(
    ("path", "decided", "alone"),
    [
        (Path.PATIENT, False, True),
        (Path.PATIENT, True, False),
        (Path.CLINICIAN, False, False),
        (Path.CLINICIAN, True, False),
    ],
)
def test_alone_is_the_patient_s_path_unsigned(path: Path, decided: bool, alone: bool) -> None:
    made = facts(snapshot(), proposal(UP, path, decided=decided), envelope(), NOW).move
    assert (made.alone, made.decided) == (alone, decided)
    assert made.supply_days == (50 if alone else None)


@pytest.mark.parametrize("kind", MoveKind)
def test_the_kind_of_a_move_is_told(kind: MoveKind) -> None:
    made = moved(Move(kind, ()))
    assert made.keep is (kind is MoveKind.KEEP)
    assert made.pauses is (kind is MoveKind.PAUSE)
    assert made.resumes is (kind is MoveKind.RESUME)
    assert made.malformed is (kind is not MoveKind.KEEP)


LIS, AML, RAM = Drug.LISINOPRIL, Drug.AMLODIPINE, Drug.RAMIPRIL


@pytest.mark.parametrize(
    ("changes", "raised", "lowered"),
    [
        (((AML, 5000, 10_000),), 1, 0),
        (((AML, 2500, 10_000),), 2, 0),
        (((AML, 10_000, 2500),), 0, 2),
        (((AML, 5000, 0),), 0, 2),
        (((AML, 2500, 0),), 0, 1),
        (((AML, 0, 5000),), 1, 0),
        (((AML, 0, 2500),), 1, 0),
        (((AML, 0, 10_000),), 2, 0),
        (((LIS, 0, 40_000),), 3, 0),
        (((LIS, 0, 10_000), (AML, 5000, 10_000)), 2, 0),
        (((LIS, 10_000, 0), (AML, 0, 5000)), 1, 2),
        (((RAM, 10_000, 20_000),), 1, 0),
        (((AML, 5000, 7500),), 98, 0),
        (((AML, 3000, 5000),), 99, 0),
        (((AML, 0, 7500),), 99, 0),
        (((AML, 5000, 3000),), 0, 100),
        (((AML, 3000, 0),), 0, 100),
        (((AML, 5000, 5000),), 0, 0),
    ],
)
def test_rungs_are_counted_by_direction(
    changes: tuple[tuple[Drug, int, int], ...], raised: int, lowered: int
) -> None:
    made = moved(Move(MoveKind.STEP_UP_TWO, tuple(change(*item) for item in changes)))
    assert (made.rungs_raised, made.rungs_lowered) == (raised, lowered)
    assert made.drugs_changed == len(changes)


def test_pausing_and_resuming_count_no_rungs() -> None:
    for kind in (MoveKind.PAUSE, MoveKind.RESUME):
        made = moved(Move(kind, (change(AML, 5000, 0),)))
        assert (made.rungs_raised, made.rungs_lowered) == (0, 0)


def test_a_dose_that_stays_rises_by_nothing_and_asks_for_no_tablets() -> None:
    stays = Move(MoveKind.STEP_UP, (change(AML, 7300, 7300),))
    made = facts(snapshot(), proposal(stays, Path.PATIENT), envelope(), NOW).move
    assert (made.rungs_raised, made.rungs_lowered, made.supply_days) == (0, 0, None)
    beside = Move(MoveKind.STEP_UP_TWO, (*stays.changes, change(LIS, 10_000, 20_000)))
    taken = (prescription(tablets_in_hand=0), prescription(LIS, 10_000, tablets_in_hand=60))
    made = facts(snapshot(regimen=taken), proposal(beside, Path.PATIENT), envelope(), NOW).move
    assert (made.rungs_raised, made.supply_days) == (1, 30)


def test_a_move_is_laid_over_the_regimen() -> None:
    made = moved(UP)
    assert made.after[DRUG_PLACE[AML]] == 10_000 and sum(made.after) == 10_000
    assert not made.mismatch and not any(made.paused)
    pause = moved(Move(MoveKind.PAUSE, (change(AML, 5000, 0),)))
    assert pause.paused[DRUG_PLACE[AML]] and sum(pause.after) == 0


HELD = (prescription(paused_since=NOW - DAY),)


@pytest.mark.parametrize(
    ("kind", "step", "regimen", "mismatch"),
    [
        (MoveKind.STEP_UP, (AML, 2500, 5000), (prescription(),), True),
        (MoveKind.START, (LIS, 0, 10_000), (prescription(),), False),
        (MoveKind.START, (AML, 0, 5000), HELD, True),
        (MoveKind.RESUME, (AML, 0, 5000), HELD, False),
        (MoveKind.RESUME, (AML, 0, 10_000), HELD, True),
        (MoveKind.RESUME, (LIS, 0, 10_000), HELD, True),
        (MoveKind.STOP, (AML, 5000, 0), HELD, True),
    ],
)
def test_a_move_that_misreads_the_regimen(
    kind: MoveKind, step: tuple[Drug, int, int], regimen: Any, mismatch: bool
) -> None:
    assert moved(Move(kind, (change(*step),)), regimen=regimen).mismatch is mismatch


def test_one_misreading_among_two_changes_is_enough() -> None:
    wrong, right = change(AML, 2500, 5000), change(LIS, 0, 10_000)
    for pair in ((wrong, right), (right, wrong)):
        assert moved(Move(MoveKind.ADD_AND_STEP_UP, pair)).mismatch


@pytest.mark.parametrize(
    ("away", "taken", "stronger"),
    [
        ((AML, 5000, 0), (LIS, 0, 10_000), False),
        ((AML, 5000, 0), (LIS, 0, 20_000), True),
        ((AML, 2500, 0), (LIS, 0, 10_000), False),
        ((AML, 10_000, 0), (LIS, 0, 20_000), False),
        ((AML, 10_000, 0), (LIS, 0, 40_000), True),
    ],
)
def test_a_swap_is_weighed_in_standard_doses(
    away: tuple[Drug, int, int], taken: tuple[Drug, int, int], stronger: bool
) -> None:
    swap = Move(MoveKind.SWAP, (change(*away), change(*taken)))
    assert moved(swap).swap_stronger is stronger
    assert not moved(replace(swap, kind=MoveKind.ADD_AND_STEP_UP)).swap_stronger


def test_a_swap_that_is_none_counts_as_stronger() -> None:
    assert moved(Move(MoveKind.SWAP, (change(AML, 5000, 0),))).swap_stronger
    assert moved(Move(MoveKind.SWAP, (change(LIS, 0, 10_000),))).swap_stronger


def test_bounds() -> None:
    assert not moved(UP).outside_bounds
    assert not moved(KEEP).outside_bounds
    assert facts(snapshot(), proposal(), None, NOW).move.outside_bounds
    other = envelope(bounds=(DrugBounds(Drug.FELODIPINE, (Micrograms(10_000),)),))
    assert facts(snapshot(), proposal(), other, NOW).move.outside_bounds
    lower = envelope(bounds=(DrugBounds(AML, (Micrograms(5000),)),))
    assert facts(snapshot(), proposal(), lower, NOW).move.outside_bounds


@pytest.mark.parametrize(
    ("held", "days"),
    [
        ({}, 50),
        ({"tablets_in_hand": 27}, 13),
        ({"tablets_in_hand": None}, None),
        ({"tablet_strength_ug": None}, None),
        ({"tablet_strength_ug": Micrograms(10_000)}, 100),
        ({"tablet_strength_ug": Micrograms(4000)}, 0),
        ({"tablet_strength_ug": Micrograms(20_000)}, 0),
    ],
)
def test_how_long_the_tablets_in_hand_last(held: dict[str, Any], days: int | None) -> None:
    made = snapshot(regimen=(prescription(**held),))
    asked = proposal(UP, Path.PATIENT)
    assert facts(made, asked, envelope(), NOW).move.supply_days == days


def test_supply_is_asked_of_what_rises_and_the_shortest_counts() -> None:
    both = Move(MoveKind.STEP_UP_TWO, (change(AML, 5000, 10_000), change(LIS, 10_000, 20_000)))
    regimen = (prescription(), prescription(LIS, 10_000, tablets_in_hand=20))
    made = facts(snapshot(regimen=regimen), proposal(both, Path.PATIENT), envelope(), NOW)
    assert made.move.supply_days == 10
    mixed = Move(MoveKind.STEP_UP_TWO, (change(LIS, 10_000, 5000), change(AML, 5000, 10_000)))
    made = facts(snapshot(regimen=regimen), proposal(mixed, Path.PATIENT), envelope(), NOW)
    assert made.move.supply_days == 50
    absent = Move(MoveKind.START, (change(RAM, 0, 2500),))
    made = facts(snapshot(), proposal(absent, Path.PATIENT), envelope(), NOW)
    assert made.move.supply_days is None


def test_the_ranking() -> None:
    made = facts(snapshot(), proposal(ranking=ranking(73)), envelope(), NOW).move
    assert (made.certainty_percent, made.abstained) == (73, False)
    made = facts(snapshot(), proposal(ranking=ranking(73, "wide")), envelope(), NOW).move
    assert made.abstained
    made = facts(snapshot(), proposal(ranking=None), envelope(), NOW).move
    assert (made.certainty_percent, made.abstained) == (None, True)


def test_the_proposal() -> None:
    made = facts(snapshot(), proposal(), envelope(), NOW).move
    assert (made.wrong_patient, made.proposal_age_days) == (False, 0)
    made = facts(
        snapshot(), proposal(patient_id="p-2", made_at=NOW - 7 * DAY), envelope(), NOW
    ).move
    assert (made.wrong_patient, made.proposal_age_days) == (True, 7)
