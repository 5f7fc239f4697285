"""What a wearable is calibrated on: sittings that an average would count, and what it saw then."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.clinical.formulary import Drug
from services.clinical.patient import DoseChangeRecord, Prescription
from services.clinical.readings import BloodPressure, Posture, ReadingSource
from services.clinical.units import Micrograms, Mmhg
from services.signals.cuff_sessions import (
    SITTING_LASTS,
    SeenWindow,
    calibrated,
    moment_of,
    regimen_key,
    sessions,
)
from services.signals.pressure import LOG_LENGTH, Abstained, Abstention, estimate

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def reading(after: timedelta, systolic: int = 140, diastolic: int = 90) -> BloodPressure:
    return BloodPressure(
        f"r{after}",
        Mmhg(systolic),
        Mmhg(diastolic),
        70,
        AT + after,
        0,
        AT + after,
        device_validated=True,
        cuff_fits=True,
    )


def seen(after: timedelta = -MINUTE, clock_id: str = "watch") -> SeenWindow:
    return SeenWindow(AT + after, clock_id, 220.0, 70.0, 0.9, 0.0)


def test_the_readings_of_one_sitting_are_one_reference() -> None:
    [one, two] = sessions([reading(0 * MINUTE, 150), reading(2 * MINUTE, 140), reading(DAY, 130)])
    assert (one.at, one.systolic_mmhg, one.diastolic_mmhg) == (AT, 145.0, 90.0)
    assert (two.at, two.systolic_mmhg) == (AT + DAY, 130.0)
    assert len(sessions([reading(0 * MINUTE), reading(SITTING_LASTS)])) == 2


@pytest.mark.parametrize(
    "unfit",
    [
        {"device_validated": None},
        {"device_validated": False},
        {"cuff_fits": None},
        {"posture": Posture.STANDING_1_MIN},
        {"posture": Posture.LYING},
        {"source": ReadingSource.TYPED},
        {"irregular_pulse": True},
    ],
)
def test_a_reading_that_may_not_count_calibrates_nothing(unfit: dict[str, object]) -> None:
    assert sessions([replace(reading(DAY), **unfit)]) == ()  # type: ignore[arg-type]


def test_a_bounded_number_of_sittings_is_looked_at_and_the_latest_are_kept() -> None:
    held = sessions([reading(n * DAY) for n in range(LOG_LENGTH + 5)])
    assert len(held) == LOG_LENGTH and held[-1].at == AT + (LOG_LENGTH + 4) * DAY


def test_any_start_dose_or_pause_is_another_regimen() -> None:
    drug = Prescription(Drug.AMLODIPINE, Micrograms(5000), 1, AT, "order")
    change = DoseChangeRecord(
        Drug.AMLODIPINE, Micrograms(5000), Micrograms(10000), AT + DAY, False, None
    )
    paused = replace(drug, paused_since=AT + 2 * DAY)
    keys = [regimen_key(AT + n * DAY, [paused], [change]) for n in (-1, 0, 1, 2)]
    assert len(set(keys)) == 4
    assert regimen_key(AT + MINUTE, [paused], [change]) == keys[1]


def test_the_device_with_arrival_times_counts_and_its_medians() -> None:
    strap = [replace(seen(-n * MINUTE), pulse_arrival_ms=200.0 + n) for n in range(3)]
    ring = [replace(seen(clock_id="ring"), pulse_arrival_ms=None) for _ in range(9)]
    moment = moment_of([*ring, *strap], AT, "k", worn_before="ring")
    assert moment.circumstances.device_id == "watch" and moment.pulse_arrival_ms == 201.0
    assert moment.irregular_rhythm is False and moment.asleep is False


def test_one_irregular_window_makes_the_moment_irregular_and_none_known_is_unknown() -> None:
    irregular = replace(seen(), irregular_rhythm=1.0)
    assert moment_of([seen(), irregular], AT, "k", worn_before=None).irregular_rhythm is True
    silent = replace(seen(), irregular_rhythm=None)
    assert moment_of([silent], AT, "k", worn_before=None).irregular_rhythm is None


def test_a_sitting_without_the_wearable_moves_the_reference_and_teaches_nothing() -> None:
    first, second = sessions([reading(0 * MINUTE, 150), reading(DAY, 130)])
    worn = moment_of([seen()], first.at, "k", worn_before=None)
    bare = moment_of([], second.at, "k", worn_before="watch")
    assert math.isnan(bare.pulse_arrival_ms) and bare.circumstances == worn.circumstances
    tracker = calibrated([(first, worn), (second, bare)])
    assert tracker.cuff_mmhg is not None and tracker.cuff_mmhg[0] == 130.0
    assert tracker.log is not None and len(tracker.log) == 0


@pytest.mark.parametrize(
    ("device", "key", "reason"),
    [
        ("ring", "k", Abstention.DEVICE_CHANGED),
        ("watch", "other", Abstention.REGIMEN_CHANGED),
    ],
)
def test_trust_ends_with_another_device_or_regimen(
    device: str, key: str, reason: Abstention
) -> None:
    [session] = sessions([reading(0 * MINUTE)])
    tracker = calibrated([(session, moment_of([seen()], AT, "k", worn_before=None))])
    later = moment_of([seen(clock_id=device)], AT + 60 * MINUTE, key, worn_before="watch")
    found = estimate(tracker, later)
    assert isinstance(found, Abstained) and found.reasons == (reason,)
