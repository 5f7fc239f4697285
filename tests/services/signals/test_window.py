from typing import Any

import numpy as np
import pytest

from services.signals.window import (
    RateOutOfRange,
    UnknownKind,
    Windows,
    WrongShape,
    bridge,
    prepared,
)


@pytest.mark.parametrize("rate_hz", [0.0, -100.0, 24.9, 1000.1, float("nan"), float("inf")])
def test_a_rate_that_no_wearable_has_is_refused(rate_hz: float) -> None:
    with pytest.raises(RateOutOfRange):
        Windows(np.zeros((1, 100)), rate_hz, "ppg")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownKind):
        Windows(np.zeros((1, 100)), 100.0, "eeg")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("samples", "kind"),
    [
        (np.zeros(100), "ecg"),
        (np.zeros((1, 100, 3)), "ppg"),
        (np.zeros((1, 100, 2)), "accelerometer"),
        (np.zeros((1, 100), int), "ppg"),
    ],
)
def test_a_wrong_shape_is_refused(samples: Any, kind: Any) -> None:
    with pytest.raises(WrongShape):
        Windows(samples, 100.0, kind)


def test_gaps_must_fit_the_samples() -> None:
    with pytest.raises(WrongShape):
        Windows(np.zeros((1, 100)), 100.0, "ppg", gaps=np.zeros((1, 99), bool))


def test_missing_joins_gaps_and_what_is_not_a_number() -> None:
    samples = np.array([[0.0, np.nan, np.inf, 1.0]])
    gaps = np.array([[True, False, False, False]])
    windows = Windows(samples, 100.0, "ppg", gaps=gaps)
    assert windows.missing().tolist() == [[True, True, True, False]]


def test_a_small_pulse_on_a_large_level_survives_single_precision() -> None:
    wave = 1e-3 * np.sin(np.arange(1000) / 10)[None]
    levelled = bridge(1e6 + wave, np.zeros(wave.shape, bool))
    assert np.allclose(levelled, wave - wave.mean(), atol=1e-6)


def test_gaps_are_bridged_by_a_straight_line_and_the_caller_keeps_its_samples() -> None:
    samples = np.array([[0.0, 99.0, 99.0, 3.0]])
    bridged = bridge(samples, np.array([[False, True, True, False]]))
    assert np.allclose(np.diff(bridged), 1.0)
    assert samples[0, 1] == 99.0


def test_a_short_window_is_lengthened_for_the_filters() -> None:
    assert prepared(Windows(np.ones((2, 3)), 100.0, "ppg")).shape == (2, 200)
