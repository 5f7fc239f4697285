from typing import get_args, get_type_hints

import pytest

from services.clinical.patient import Snapshot
from services.clinical.readings import BloodPressure, ImpossibleReading, PressureEstimate
from tests.services.clinical.examples import NOW, reading


@pytest.mark.parametrize(
    "numbers", [(49, 30), (301, 90), (120, 19), (250, 201), (120, 120), (119, 120)]
)
def test_what_cannot_be_a_pressure_is_refused(numbers: tuple[int, int]) -> None:
    with pytest.raises(ImpossibleReading):
        reading(NOW, *numbers)


@pytest.mark.parametrize("numbers", [(50, 20), (300, 200), (120, 119)])
def test_the_edges_of_the_monitors_range_are_readings(numbers: tuple[int, int]) -> None:
    assert (reading(NOW, *numbers).systolic_mmhg, numbers[1]) == numbers


@pytest.mark.parametrize("pulse", [19, 251])
def test_an_impossible_pulse_is_refused(pulse: int) -> None:
    with pytest.raises(ImpossibleReading):
        reading(NOW, pulse_bpm=pulse)


def test_a_pulse_may_be_unknown() -> None:
    assert reading(NOW, pulse_bpm=None).pulse_bpm is None


def test_the_patients_own_clock_decides_the_hour() -> None:
    assert reading(NOW, utc_offset_minutes=-330).taken_local.hour == 6


def test_a_wearables_estimate_is_no_reading_and_no_snapshot_can_hold_one() -> None:
    """What judges a dose sees a snapshot only, and a snapshot holds cuff readings only."""
    assert not issubclass(PressureEstimate, BloodPressure)
    held = get_type_hints(Snapshot)
    assert get_args(held["readings"]) == (BloodPressure, ...)
    assert not any(PressureEstimate in get_args(kind) for kind in held.values())
