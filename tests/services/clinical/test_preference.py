"""Which kind of move comes first: every kind has its place in every situation."""

from typing import Any

import pytest

from services.clinical.averaging import SufficientAverage, average
from services.clinical.moves import MoveKind
from services.clinical.patient import Target
from services.clinical.preference import preference
from tests.services.clinical.examples import LONG_AGO, NOW, snapshot, week

TARGET = Target(130, 80)


def mean(systolic: int, diastolic: int) -> SufficientAverage:
    readings = week(systolic, diastolic, spread=0)
    found = average(readings, now=NOW, last_change_at=LONG_AGO)
    assert isinstance(found, SufficientAverage)
    return found


@pytest.mark.parametrize(
    ("pressure", "two_at_once", "regimen", "reason", "best"),
    [
        (None, True, True, "no_average", MoveKind.KEEP),
        ((109, 70), True, True, "over_treated", MoveKind.STEP_DOWN),
        ((120, 64), True, True, "over_treated", MoveKind.STEP_DOWN),
        ((110, 65), True, True, "in_target", MoveKind.KEEP),
        ((129, 79), True, True, "in_target", MoveKind.KEEP),
        ((130, 79), True, True, "above_target", MoveKind.START),
        ((129, 80), True, True, "above_target", MoveKind.START),
        ((134, 84), True, True, "above_target", MoveKind.START),
        ((135, 79), True, True, "stage_2", MoveKind.ADD_AND_STEP_UP),
        ((129, 85), True, True, "stage_2", MoveKind.ADD_AND_STEP_UP),
        ((135, 85), True, False, "stage_2", MoveKind.START_TWO),
        ((135, 85), False, True, "stage_2", MoveKind.START),
        ((135, 85), False, False, "stage_2", MoveKind.START),
    ],
)
def test_the_first_kind(
    pressure: tuple[int, int] | None,
    two_at_once: bool,
    regimen: bool,
    reason: str,
    best: MoveKind,
) -> None:
    changes: dict[str, Any] = {} if regimen else {"regimen": ()}
    made = snapshot(**changes)
    known = None if pressure is None else mean(*pressure)
    points, why = preference(known, TARGET, made, two_at_once=two_at_once)
    assert why == reason
    assert max(points, key=lambda kind: points[kind]) is best
    assert set(points) == set(MoveKind)
