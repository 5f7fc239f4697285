import numpy as np
import pytest

from services.signals.coverage import coverage
from services.signals.window import Windows

WAVE = np.sin(np.arange(3000) / 12.7)[None]


def shares(samples: np.ndarray, gaps: np.ndarray | None = None) -> dict[str, float]:
    found = coverage(Windows(samples, 100.0, "ppg", gaps=gaps))
    return {name: float(getattr(found, name)[0]) for name in ("gap", "nan", "flat", "clipped")}


def test_a_clean_wave_is_fully_covered() -> None:
    assert max(shares(WAVE).values()) < 0.01


def test_each_loss_is_counted_under_its_own_name() -> None:
    nan, flat, gaps = WAVE.copy(), WAVE.copy(), np.zeros(WAVE.shape, bool)
    nan[:, :600] = np.nan
    flat[:, :900] = 0.3
    gaps[:, :300] = True
    assert shares(nan) == pytest.approx({"gap": 0, "nan": 0.2, "flat": 0, "clipped": 0}, abs=0.01)
    assert shares(flat)["flat"] == pytest.approx(0.3, abs=0.01)
    assert shares(WAVE, gaps)["gap"] == pytest.approx(0.1)


def test_clipping_is_seen_on_either_side() -> None:
    assert shares(np.minimum(WAVE, 0.7))["clipped"] > 0.2
    assert shares(np.maximum(WAVE, -0.7))["clipped"] > 0.2


def test_a_constant_is_flat() -> None:
    assert shares(np.full((1, 500), 4.0))["flat"] > 0.99


def test_no_samples_is_all_gap() -> None:
    assert shares(np.empty((1, 0)))["gap"] == 1.0
