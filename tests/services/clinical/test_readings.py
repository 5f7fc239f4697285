"""Cuff readings: what cannot be a pressure is refused; the local hour is the patient's."""

from typing import Any, get_args, get_type_hints

import pytest

from services.clinical.patient import Snapshot
from services.clinical.readings import BloodPressure, ImpossibleReading, PressureEstimate
from tests.services.clinical.examples import NOW, reading


@pytest.mark.parametrize(
    "numbers",
    [
        {"systolic": 49, "diastolic": 30},
        {"systolic": 301, "diastolic": 90},
        {"systolic": 120, "diastolic": 19},
        {"systolic": 250, "diastolic": 201},
        {"systolic": 120, "diastolic": 120},
        {"systolic": 90, "diastolic": 120},
        {"pulse_bpm": 19},
        {"pulse_bpm": 251},
    ],
)
def test_the_impossible_is_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(ImpossibleReading):
        reading(**numbers)


@pytest.mark.parametrize(("systolic", "diastolic"), [(50, 20), (300, 200), (121, 120)])
def test_the_limits_themselves_are_possible(systolic: int, diastolic: int) -> None:
    made = reading(systolic=systolic, diastolic=diastolic, pulse_bpm=None)
    assert (made.systolic_mmhg, made.pulse_bpm) == (systolic, None)


def test_a_wearables_estimate_is_no_reading_and_no_snapshot_can_hold_one() -> None:
    """What judges a dose sees a snapshot only, and a snapshot holds cuff readings only."""
    assert not issubclass(PressureEstimate, BloodPressure)
    held = get_type_hints(Snapshot)
    assert get_args(held["readings"]) == (BloodPressure, ...)
    assert not any(PressureEstimate in get_args(kind) for kind in held.values())


def test_the_local_time_is_naive_and_the_patient_s() -> None:
    local = reading(NOW, utc_offset_minutes=330).taken_local
    assert local.isoformat() == "2026-05-20T17:30:00"
