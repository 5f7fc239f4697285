"""Claims about the pressure estimate: harmless, honest, and useful only where it has shown it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from services.clinical.readings import Posture
from services.signals.pressure import (
    CALIBRATION_LASTS,
    Abstained,
    Abstention,
    Circumstances,
    CuffOnly,
    Estimated,
    Moment,
    Tracker,
    agreement_limits,
    carried_variance,
    estimate,
    observe,
    skill_of,
)

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
HERE = Circumstances("amlodipine 5 mg", "watch-1", Posture.SITTING)


def seen(after: timedelta, arrival_ms: float = 220.0, rate_bpm: float = 70.0) -> Moment:
    return Moment(START + after, HERE, arrival_ms, rate_bpm, 0.95, False, False)


def cuff_of(tracker: Tracker) -> float:
    """Return the systolic pressure that is carried forward."""
    assert tracker.cuff_mmhg is not None
    return float(tracker.cuff_mmhg[0])


def followed(
    slope: float, count: int = 60, seed: int = 0
) -> tuple[Tracker, list[tuple[Any, float, Tracker]]]:
    """Return a patient whose pressure follows arrival with a slope, and what was said before."""
    rng, tracker, said = np.random.default_rng(seed), Tracker(), []
    arrival = 220.0
    for step in range(count):
        arrival = 220 + 0.7 * (arrival - 220) + rng.normal(0, 12)
        moment = seen(timedelta(hours=12 * step), arrival)
        systolic = 135 + slope * (arrival - 220) + rng.normal(0, 5)
        said.append((estimate(tracker, moment), systolic, tracker))
        tracker = observe(tracker, moment, (systolic, 85 + rng.normal(0, 3)))
    return tracker, said


CALIBRATED = observe(Tracker(), seen(timedelta(0)), (140.0, 88.0))


def test_without_a_cuff_reading_there_is_no_estimate() -> None:
    assert estimate(Tracker(), seen(timedelta(0))) == Abstained((Abstention.NOT_CALIBRATED,))


def test_at_first_the_cuff_reading_is_carried_forward_and_says_so() -> None:
    found = estimate(CALIBRATED, seen(timedelta(hours=1), arrival_ms=200.0))
    assert isinstance(found, CuffOnly) and found.systolic_skill is None
    assert (found.estimate.systolic_mmhg, found.estimate.diastolic_mmhg) == (140.0, 88.0)
    assert found.estimate.calibrated_at == START
    low, high = found.systolic_interval_mmhg
    assert low < 140 < high


def test_uncertainty_grows_with_the_time_since_the_cuff() -> None:
    sigmas = []
    for hours in (0, 2, 12, 200):
        found = estimate(CALIBRATED, seen(timedelta(hours=hours)))
        assert isinstance(found, CuffOnly)
        sigmas.append(found.estimate.systolic_sigma_mmhg)
    assert sigmas == sorted(sigmas) and sigmas[-1] > 1.5 * sigmas[0]
    assert np.sqrt(carried_variance(timedelta(days=9)))[0] == pytest.approx(2**0.5 * 8.6, rel=0.01)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"at": START + CALIBRATION_LASTS}, Abstention.EXPIRED),
        ({"at": START - timedelta(seconds=1)}, Abstention.EXPIRED),
        (
            {"circumstances": replace(HERE, regimen_key="amlodipine 10 mg")},
            Abstention.REGIMEN_CHANGED,
        ),
        ({"circumstances": replace(HERE, device_id="watch-2")}, Abstention.DEVICE_CHANGED),
        (
            {"circumstances": replace(HERE, posture=Posture.STANDING_1_MIN)},
            Abstention.POSITION_CHANGED,
        ),
        ({"irregular_rhythm": True}, Abstention.IRREGULAR_RHYTHM),
        ({"irregular_rhythm": None}, Abstention.IRREGULAR_RHYTHM),
        ({"quality": 0.3}, Abstention.POOR_QUALITY),
        ({"quality": float("nan")}, Abstention.POOR_QUALITY),
        ({"asleep": True}, Abstention.ASLEEP),
        ({"asleep": None}, Abstention.ASLEEP),
        ({"heart_rate_bpm": 120.0}, Abstention.OUT_OF_RANGE),
        ({"pulse_arrival_ms": 330.0}, Abstention.OUT_OF_RANGE),
    ],
)
def test_it_abstains_with_the_reason(changed: dict[str, Any], reason: Abstention) -> None:
    found = estimate(CALIBRATED, replace(seen(timedelta(hours=1)), **changed))
    assert isinstance(found, Abstained) and reason in found.reasons


def test_calibration_holds_until_the_day_it_expires() -> None:
    last = seen(CALIBRATION_LASTS - timedelta(seconds=1))
    assert isinstance(estimate(CALIBRATED, last), CuffOnly)


def test_a_new_cuff_reading_after_a_change_starts_the_learning_again() -> None:
    tracker, _ = followed(-0.6)
    moment = replace(
        seen(timedelta(days=31)), circumstances=replace(HERE, regimen_key="amlodipine 10 mg")
    )
    fresh = observe(tracker, moment, (128.0, 80.0))
    assert skill_of(tracker) is not None and skill_of(fresh) is None
    found = estimate(fresh, replace(moment, at=moment.at + timedelta(hours=1)))
    assert isinstance(found, CuffOnly) and found.estimate.systolic_mmhg == 128.0


def test_a_poor_moment_gives_a_new_reference_and_teaches_nothing() -> None:
    tracker, _ = followed(-0.6, count=20)
    poor = replace(seen(timedelta(days=10)), quality=0.1)
    after = observe(tracker, poor, (150.0, 90.0))
    assert after.coefficient is tracker.coefficient and after.cuff_mmhg is not None
    assert after.cuff_mmhg[0] == 150.0


def test_where_arrival_follows_pressure_the_estimate_becomes_informative() -> None:
    tracker, said = followed(-0.6)
    found, _, _ = said[-1]
    assert isinstance(found, Estimated) and found.systolic_skill.low > 0
    ours = [abs(s.estimate.systolic_mmhg - y) for s, y, _ in said if isinstance(s, Estimated)]
    carried = [abs(cuff_of(t) - y) for s, y, t in said if isinstance(s, Estimated)]
    assert len(ours) > 15 and np.mean(ours) < 0.9 * np.mean(carried)
    assert tracker.log is not None
    bias, low, high = agreement_limits(tracker.log[:, 0, 0])
    assert low < bias < high and abs(bias) < 3


def test_where_it_does_not_the_cuff_is_carried_and_nothing_is_lost() -> None:
    ours, carried, informed, total = 0.0, 0.0, 0, 0
    for seed in range(30):
        for found, systolic, tracker in followed(0.0, seed=seed)[1]:
            if isinstance(found, CuffOnly | Estimated):
                ours += abs(found.estimate.systolic_mmhg - systolic)
                carried += abs(cuff_of(tracker) - systolic)
                informed += isinstance(found, Estimated)
                total += 1
    assert ours <= 1.02 * carried
    assert informed < 0.1 * total


@pytest.mark.parametrize("slope", [0.0, -0.6])
def test_ninety_percent_intervals_cover_ninety_percent(slope: float) -> None:
    inside = [
        found.systolic_interval_mmhg[0] <= systolic <= found.systolic_interval_mmhg[1]
        for seed in range(25)
        for found, systolic, _ in followed(slope, seed=seed)[1][30:]
        if isinstance(found, CuffOnly | Estimated)
    ]
    assert len(inside) > 400
    assert 0.87 <= np.mean(inside) <= 0.93
