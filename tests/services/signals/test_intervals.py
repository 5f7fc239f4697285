import numpy as np
import pytest

from services.signals.beats import Beats, pad_rows
from services.signals.intervals import Label, intervals, rate_bpm


def beats(*windows: np.ndarray) -> Beats:
    rows = np.concatenate([np.full(len(w), k) for k, w in enumerate(windows)]).astype(np.intp)
    return Beats(pad_rows(rows, np.concatenate(windows), len(windows)))


def sinus(count: int = 40, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.cumsum(0.8 + 0.02 * np.sin(np.arange(count) / 3) + 0.01 * rng.normal(size=count))


def test_a_steady_rhythm_is_left_alone() -> None:
    found = intervals(beats(sinus()))
    assert (found.labels[0] == Label.NORMAL).all()
    assert np.allclose(found.counted_ms, found.rr_ms)
    assert found.artefact_fraction[0] == 0


def test_a_missed_beat_is_put_back() -> None:
    found = intervals(beats(np.delete(sinus(), 20)))
    assert (found.labels[0] == Label.MISSED).sum() == 1
    assert np.isfinite(found.counted_ms[0]).sum() == 39
    assert np.nanmax(found.counted_ms) < 900


def test_an_extra_beat_is_taken_out() -> None:
    times = sinus()
    found = intervals(beats(np.sort(np.append(times, times[20] + 0.3))))
    assert Label.EXTRA in found.labels[0]
    assert np.nanmin(found.counted_ms) > 700
    assert np.isfinite(found.counted_ms[0]).sum() == 39


def test_an_ectopic_beat_counts_for_the_rate_and_not_for_variability() -> None:
    times = sinus()
    times[20] -= 0.25
    found = intervals(beats(times))
    assert np.nanmin(found.counted_ms) < 600
    assert np.nanmin(found.normal_ms) > 700
    assert np.nansum(found.counted_ms) == pytest.approx((times[-1] - times[0]) * 1000)


def test_a_window_is_judged_alone() -> None:
    spoilt = np.delete(sinus(60, 1), 30)
    together = intervals(beats(sinus(), spoilt))
    alone = intervals(beats(sinus()))
    width = alone.rr_ms.shape[1]
    assert np.allclose(together.normal_ms[0, :width], alone.normal_ms[0], equal_nan=True)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_beats_never_raise(count: int) -> None:
    found = intervals(beats(sinus(count), sinus(5)))
    assert np.isfinite(found.counted_ms[0]).sum() == max(0, count - 1)


def test_a_long_recording_uses_the_beats_around() -> None:
    slow, fast = np.cumsum(np.full(150, 1.0)), np.cumsum(np.full(150, 0.5))
    found = intervals(beats(np.concatenate([slow, slow[-1] + fast])))
    assert (found.labels[0] > Label.NORMAL).sum() <= 2


def test_a_doubled_interval_is_a_pause_in_an_ecg_and_a_missed_pulse_in_a_ppg() -> None:
    found = intervals(beats(np.delete(sinus(), 20)))
    whole = 60_000.0 / np.diff(sinus()).mean() / 1000.0
    assert rate_bpm(found, "ppg")[0] == pytest.approx(whole, rel=1e-6)
    assert rate_bpm(found, "ecg")[0] == pytest.approx(whole * 38 / 39, rel=1e-6)
