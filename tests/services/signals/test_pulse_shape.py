import numpy as np
import pytest

from services.signals.ppg import pulses
from services.signals.pulse_shape import pulse_shape
from services.signals.window import Windows

AT = np.arange(0, 30, 0.01)


def wave(width_s: float) -> np.ndarray:
    beats = [np.exp(-0.5 * ((AT - start) / width_s) ** 2) for start in np.arange(0.5, 30, 1.0)]
    return np.asarray(np.sum(beats, axis=0)[None])


def shape(samples: np.ndarray, *, kept: bool = False) -> dict[str, np.ndarray]:
    windows = Windows(samples, 100.0, "ppg", baseline_kept=kept)
    return pulse_shape(windows, pulses(windows))


def test_a_wider_pulse_is_wider_and_rises_longer() -> None:
    narrow, wide = shape(wave(0.08)), shape(wave(0.13))
    assert narrow["pulse_width_ms"][0] < wide["pulse_width_ms"][0]
    assert narrow["pulse_rise_ms"][0] < wide["pulse_rise_ms"][0]
    # A Gaussian falls to half its height in 1.18 widths; the upstroke is one width before the top.
    assert wide["pulse_width_ms"][0] == pytest.approx(130 * 2.18, rel=0.15)


def test_perfusion_is_pulse_over_level() -> None:
    found = shape(100 + 2 * wave(0.1), kept=True)
    assert found["perfusion_index_percent"][0] == pytest.approx(2.0, rel=0.15)
    assert np.isnan(shape(100 + 2 * wave(0.1))["perfusion_index_percent"][0])


def test_no_pulse_is_unknown() -> None:
    assert all(np.isnan(values).all() for values in shape(np.zeros((2, 3000))).values())
