import numpy as np
import pytest

from services.signals.spectrum import spectrum

RATE_HZ = 250.0


def tone(hz: float, size: float = 1.0) -> np.ndarray:
    at = np.arange(0, 20, 1 / RATE_HZ)
    return (size * np.sin(2 * np.pi * hz * at))[None].astype(np.float32)


def middle(wave: np.ndarray) -> np.ndarray:
    return wave[0, wave.shape[1] // 4 : -wave.shape[1] // 4]


def test_a_tone_inside_the_band_passes_unchanged_at_the_new_rate() -> None:
    wave, rate_hz = spectrum(tone(10.0), RATE_HZ).band(5.0, 22.0, 100.0)
    assert 100.0 <= rate_hz < 110.0
    expected = np.sin(2 * np.pi * 10.0 * np.arange(wave.shape[1]) / rate_hz)
    assert np.abs(middle(wave) - middle(expected[None])).max() < 0.02


@pytest.mark.parametrize("hz", [1.0, 50.0])
def test_a_tone_outside_the_band_is_removed(hz: float) -> None:
    wave, _ = spectrum(tone(hz), RATE_HZ).band(5.0, 22.0, 100.0)
    assert np.abs(middle(wave)).max() < 0.02


def test_the_envelope_is_the_size_of_the_tone_whatever_its_phase() -> None:
    height, _ = spectrum(tone(12.0, size=3.0), RATE_HZ).envelope(5.0, 22.0, 64.0)
    assert np.allclose(middle(height), 3.0, atol=0.05)


def test_the_duration_is_kept() -> None:
    for length in (500, 4999, 5000, 5003):
        wave, rate_hz = spectrum(np.ones((1, length), np.float32), RATE_HZ).band(1.0, 8.0, 25.0)
        assert wave.shape[1] / rate_hz == pytest.approx(length / RATE_HZ, abs=1.5 / rate_hz)


def test_a_step_between_end_and_start_does_not_ring_into_the_window() -> None:
    ramp = np.linspace(0, 10, 5000, dtype=np.float32)[None]
    wave, rate_hz = spectrum(ramp, RATE_HZ).band(5.0, 22.0, 100.0)
    inner = wave[0, int(rate_hz) : -int(rate_hz)]
    assert np.abs(inner).max() < 0.02
