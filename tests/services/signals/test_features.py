"""Claims about the feature table: order, honesty about what cannot be measured, real recordings."""

from dataclasses import replace

import numpy as np
import pytest

from demo import recordings
from services.signals.features import (
    FEATURE_ORDER,
    FEATURE_VERSION,
    FeatureTable,
    MismatchedMoment,
    extract,
)
from services.signals.quality import Flaw, Purpose
from services.signals.window import Kind, Windows


def real(name: str, stream: Kind, clock_id: str | None = "monitor") -> Windows:
    recording = recordings.load(name)
    return Windows(recording.windows(stream, 30.0), recording.rate_hz, stream, clock_id=clock_id)


def flaws(table: FeatureTable, row: int = 0) -> set[Flaw]:
    return {flaw for _, flaw in table.reasons(row)}


def test_the_order_is_fixed_for_its_version() -> None:
    # A change here needs a new FEATURE_VERSION: models refuse features of another version.
    assert FEATURE_VERSION == "2"
    assert len(set(FEATURE_ORDER)) == len(FEATURE_ORDER) == 24
    assert FEATURE_ORDER[:2] == ("heart_rate_bpm", "pulse_rate_bpm")
    assert FEATURE_ORDER[-4:] == tuple(f"quality_{purpose}" for purpose in Purpose)


# What version 2 makes of real windows. Another number is another meaning: raise FEATURE_VERSION.
MEANT = {
    "heart_rate_bpm": 89.76,
    "pulse_rate_bpm": 89.84,
    "mean_nn_ms": 668.8,
    "sdnn_ms": 14.85,
    "rmssd_ms": 16.62,
    "pnn50_fraction": 0.02381,
    "poincare_sd1_ms": 11.89,
    "poincare_sd2_ms": 17.30,
    "artefact_fraction": 0.1163,
    "rr_entropy": -1.401,
    "irregular_rhythm_probability": 0.02501,
    "irregular_rhythm": 0.0,
    "pulse_arrival_ms": 504.0,
    "pulse_arrival_spread_ms": 9.789,
    "pulse_rise_ms": 148.4,
    "pulse_width_ms": 229.3,
    "quality_rate": 0.9509,
    "quality_variability": 0.9804,
    "quality_morphology": 0.9204,
    "quality_rhythm": 0.978,
}
ECTOPIC_RATES_BPM = (102.30, 108.14, 102.04, 101.49, 99.94, 100.32, 106.38, 107.90)


def test_the_meaning_is_fixed_for_its_version() -> None:
    """The same name and unit with another computation would part training from serving."""
    table = extract(ecg=real("bidmc-51", "ecg"), ppg=real("bidmc-51", "ppg"))
    measured = {name: value for name, value in table.row(0).items() if np.isfinite(value)}
    assert measured == pytest.approx(MEANT, rel=2e-3)
    ectopic = extract(ecg=real("mitdb-208-0", "ecg")).column("heart_rate_bpm")[:8]
    assert ectopic == pytest.approx(ECTOPIC_RATES_BPM, rel=1e-3)
    pulse = real("bidmc-51", "ppg")
    outrun = extract(ecg=real("bidmc-51", "ecg"), ppg=replace(pulse, rate_hz=2 * pulse.rate_hz))
    assert np.isnan(outrun.column("heart_rate_bpm")).all()


@pytest.mark.parametrize("name", ["bidmc-04", "bidmc-10", "bidmc-18", "bidmc-51"])
def test_heart_rate_agrees_with_the_bedside_monitor(name: str) -> None:
    table = extract(ecg=real(name, "ecg"), ppg=real(name, "ppg"))
    monitor = recordings.load(name).references["monitor_heart_rate_bpm"]
    expected = [np.nanmean(monitor[k * 30 : k * 30 + 30]) for k in range(len(table.values))]
    error = np.abs(table.column("heart_rate_bpm") - expected)
    assert np.nanmedian(error) < 2.0
    assert np.isfinite(error).mean() > 0.8


def test_arrival_time_needs_one_shared_clock() -> None:
    ecg = real("bidmc-18", "ecg")
    shared = extract(ecg=ecg, ppg=real("bidmc-18", "ppg"))
    apart = extract(ecg=ecg, ppg=real("bidmc-18", "ppg", clock_id="phone"))
    unknown = extract(
        ecg=real("bidmc-18", "ecg", clock_id=None), ppg=real("bidmc-18", "ppg", clock_id=None)
    )
    assert np.isfinite(shared.column("pulse_arrival_ms")).any()
    assert np.isnan(apart.column("pulse_arrival_ms")).all()
    assert np.isnan(unknown.column("pulse_arrival_ms")).all()


def spoiled() -> dict[str, tuple[np.ndarray, Flaw]]:
    good = recordings.load("bidmc-51").windows("ppg", 30.0)[:1]
    rng = np.random.default_rng(1)
    half_nan, low, high = good.copy(), *np.quantile(good, [0.2, 0.5])
    half_nan[:, : half_nan.shape[1] // 2] = np.nan
    return {
        "constant": (np.full_like(good, 3.0), Flaw.FLAT_LINE),
        "nothing": (np.full_like(good, np.nan), Flaw.NO_SAMPLES),
        "half missing": (half_nan, Flaw.NAN),
        "saturated": (np.clip(good, low, high), Flaw.SATURATED),
        "reversed": (-good, Flaw.REVERSED_POLARITY),
        "noise": (rng.normal(size=good.shape), Flaw.LOW_TEMPLATE_AGREEMENT),
        "short": (good[:, :300], Flaw.TOO_SHORT),
        "empty": (good[:, :0], Flaw.NO_SAMPLES),
    }


@pytest.mark.parametrize("case", spoiled())
def test_bad_ppg_is_graded_unusable_with_its_reason_and_never_raises(case: str) -> None:
    samples, flaw = spoiled()[case]
    table = extract(ppg=Windows(samples, 125.0, "ppg"))
    assert flaw in flaws(table)
    assert np.isnan(table.column("heart_rate_bpm")).all()
    assert not table.usable_for(Purpose.RATE).any()


def bad_ecg() -> dict[str, tuple[np.ndarray, float, Flaw]]:
    good = recordings.load("bidmc-51").windows("ecg", 30.0)[:1]
    rng = np.random.default_rng(1)
    holes, low, high = good.copy(), *np.quantile(good, [0.1, 0.6])
    holes[:, ::4] = np.nan
    return {
        "constant": (np.full_like(good, -1.0), 125.0, Flaw.FLAT_LINE),
        "nothing": (np.full_like(good, np.nan), 125.0, Flaw.NO_SAMPLES),
        "holes": (holes, 125.0, Flaw.NAN),
        "saturated": (np.clip(good, low, high), 125.0, Flaw.SATURATED),
        "noise": (rng.normal(size=good.shape), 125.0, Flaw.LOW_TEMPLATE_AGREEMENT),
        "truncated": (good[:, :500], 125.0, Flaw.TOO_SHORT),
        "far too slow a rate": (good, 31.0, Flaw.WRONG_RATE),
    }


@pytest.mark.parametrize("case", bad_ecg())
def test_bad_ecg_is_graded_unusable_with_its_reason_and_never_raises(case: str) -> None:
    samples, rate_hz, flaw = bad_ecg()[case]
    table = extract(ecg=Windows(samples, rate_hz, "ecg"))
    assert flaw in flaws(table)
    assert np.isnan(table.column("heart_rate_bpm")).all()


def test_reversed_leads_change_no_rate() -> None:
    ecg = real("bidmc-51", "ecg")
    upright = extract(ecg=ecg).column("heart_rate_bpm")
    turned = extract(ecg=Windows(-ecg.samples, ecg.rate_hz, "ecg")).column("heart_rate_bpm")
    assert np.nanmax(np.abs(upright - turned)) < 0.5


def test_a_pulse_faster_than_its_heart_is_a_contradiction_and_no_number() -> None:
    ecg = real("bidmc-51", "ecg")
    ppg = real("bidmc-51", "ppg")
    half = ecg.samples.shape[1] // 2
    told_twice = Windows(ppg.samples[:, :half], 2 * ppg.rate_hz, "ppg", clock_id="monitor")
    good = extract(ecg=ecg, ppg=ppg)
    wrong = extract(ecg=ecg, ppg=told_twice)
    assert np.isfinite(good.column("heart_rate_bpm")).mean() > 0.8
    trusted = extract(ppg=told_twice).usable_for(Purpose.RATE) == 1
    assert trusted.any()
    assert np.isnan(wrong.column("heart_rate_bpm")[trusted]).all()
    assert all(Flaw.STREAMS_CONTRADICT in flaws(wrong, int(row)) for row in np.flatnonzero(trusted))


def test_declared_gaps_are_a_reason() -> None:
    windows = real("bidmc-51", "ppg")
    gaps = np.zeros(windows.samples.shape, bool)
    gaps[:, :1500] = True
    table = extract(ppg=Windows(windows.samples, windows.rate_hz, "ppg", gaps=gaps))
    assert all(Flaw.GAPS in flaws(table, row) for row in range(windows.count))


def test_motion_makes_the_pulse_unusable() -> None:
    windows = real("bidmc-51", "ppg")
    rng = np.random.default_rng(2)
    shaking = 1 + 0.4 * rng.normal(size=(windows.count, 1500, 3))
    table = extract(ppg=windows, accelerometer=Windows(shaking, 50.0, "accelerometer"))
    still = extract(
        ppg=windows, accelerometer=Windows(np.full_like(shaking, 0.577), 50.0, "accelerometer")
    )
    assert Flaw.MOTION in flaws(table) and np.isnan(table.column("pulse_rate_bpm")).all()
    assert np.isfinite(still.column("pulse_rate_bpm")).any()
    assert (still.column("rest") == 1).all()


def test_a_batch_gives_what_its_rows_give_alone() -> None:
    ecg, ppg = real("bidmc-40", "ecg"), real("bidmc-40", "ppg")
    together = extract(ecg=ecg, ppg=ppg).values
    for row in (0, 7, 15):
        one = slice(row, row + 1)
        alone = extract(
            ecg=Windows(ecg.samples[one], ecg.rate_hz, "ecg", clock_id="monitor"),
            ppg=Windows(ppg.samples[one], ppg.rate_hz, "ppg", clock_id="monitor"),
        ).values
        assert np.allclose(alone[0], together[row], rtol=1e-3, atol=1e-3, equal_nan=True)


def test_one_bad_row_leaves_its_neighbours_alone() -> None:
    ppg = real("bidmc-51", "ppg")
    spoilt = ppg.samples.copy()
    spoilt[3] = np.nan
    before = extract(ppg=ppg).values
    after = extract(ppg=Windows(spoilt, ppg.rate_hz, "ppg")).values
    others = [row for row in range(ppg.count) if row != 3]
    assert np.allclose(before[others], after[others], equal_nan=True)


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 64.0, 100.0, 250.0, 1000.0])
def test_pulse_rate_is_the_same_at_any_rate(rate_hz: float) -> None:
    recording = recordings.load("bidmc-51")
    ppg = recording.windows("ppg", 30.0)
    at = np.arange(0, 30.0, 1 / rate_hz)
    had = np.arange(ppg.shape[1]) / recording.rate_hz
    again = np.stack([np.interp(at, had, row) for row in ppg])
    expected = extract(ppg=Windows(ppg, recording.rate_hz, "ppg")).column("pulse_rate_bpm")
    found = extract(ppg=Windows(again, rate_hz, "ppg")).column("pulse_rate_bpm")
    assert np.nanmax(np.abs(expected - found)) < 1.0
    assert np.isfinite(found).mean() > 0.8


def test_perfusion_is_not_measurable_without_a_baseline() -> None:
    samples = recordings.load("bidmc-51").windows("ppg", 30.0) + 10.0
    without = extract(ppg=Windows(samples, 125.0, "ppg"))
    kept = extract(ppg=Windows(samples, 125.0, "ppg", baseline_kept=True))
    assert np.isnan(without.column("perfusion_index_percent")).all()
    assert 0 < np.nanmedian(kept.column("perfusion_index_percent")) < 20


def test_streams_of_different_counts_are_a_caller_error() -> None:
    windows = real("bidmc-51", "ppg")
    with pytest.raises(MismatchedMoment):
        extract(ppg=windows, ecg=Windows(np.zeros((1, 3750)), 125.0, "ecg"))
    with pytest.raises(MismatchedMoment):
        extract()
    with pytest.raises(MismatchedMoment):
        extract(ecg=windows)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(12))
def test_no_data_whatever_raises_or_warns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, length = int(rng.integers(1, 4)), int(rng.integers(0, 1500))
    scale = 10.0 ** float(rng.integers(-300, 300, endpoint=True) if seed % 3 == 0 else 0)

    def wild(*shape: int) -> np.ndarray:
        samples: np.ndarray = np.asarray(scale * rng.normal(size=shape).cumsum(axis=1))
        where = rng.uniform(size=shape)
        samples[where < 0.02] = np.nan
        samples[where > 0.99] = np.inf
        samples[0] = rng.choice([0.0, np.nan, -np.inf, 1e308, scale])
        return samples

    table = extract(
        ecg=Windows(wild(count, length), 250.0, "ecg", clock_id="a"),
        ppg=Windows(wild(count, length), 50.0, "ppg", clock_id="a", baseline_kept=True),
        accelerometer=Windows(wild(count, length, 3), 25.0, "accelerometer"),
    )
    assert table.values.shape == (count, len(FEATURE_ORDER))
    assert not np.isinf(table.values).any()
    assert np.isnan(table.column("heart_rate_bpm")[0])


def test_no_windows_is_an_empty_table() -> None:
    table = extract(ppg=Windows(np.empty((0, 3750)), 125.0, "ppg"))
    assert table.values.shape == (0, len(FEATURE_ORDER))
