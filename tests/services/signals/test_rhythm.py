import numpy as np
import pytest

from demo import recordings
from services.signals.rhythm import LEAST_INTERVALS, rhythm


def runs(name: str, length: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return runs of intervals in ms and the share of each in fibrillation."""
    held = recordings.load(name).references
    times = held["beat_times_s"]
    place = np.searchsorted(held["rhythm_starts_s"], times[1:], side="right") - 1
    fibrillation = held["rhythm"][np.maximum(place, 0)] == "AFIB"
    begins = range(0, len(times) - length, 20)
    rr = np.array([np.diff(times[k : k + length + 1]) * 1000 for k in begins])
    return rr, np.array([fibrillation[k : k + length].mean() for k in begins])


def test_fibrillation_scores_above_every_other_rhythm() -> None:
    """Recordings with bigeminy, trigeminy and pre-excitation are among the others."""
    chance, label = [], []
    for name in recordings.names("mitdb"):
        rr, share = runs(name)
        clear = (share >= 0.9) | (share <= 0.1)
        chance.append(rhythm(rr[clear]).probability)
        label.append(share[clear] >= 0.9)
    p, y = np.concatenate(chance), np.concatenate(label)
    better = p[y][:, None] > p[~y][None]
    assert y.sum() >= 20 and better.mean() > 0.97


def test_bigeminy_is_not_flagged() -> None:
    rng = np.random.default_rng(1)
    pairs = np.tile([600.0, 1100.0], 30) + 15 * rng.normal(size=60)
    assert rhythm(pairs[None]).irregular[0] == 0


def test_an_independent_irregular_rhythm_is_flagged_and_a_steady_one_not() -> None:
    rng = np.random.default_rng(2)
    wild = rng.uniform(400, 1100, size=(20, 60))
    steady = 850 + 40 * rng.normal(size=(20, 60))
    assert rhythm(wild).irregular.mean() > 0.95
    assert rhythm(steady).irregular.mean() == 0.0


def test_too_few_intervals_is_unknown_and_not_regular() -> None:
    found = rhythm(np.full((1, LEAST_INTERVALS - 1), 800.0))
    assert np.isnan(found.irregular[0]) and np.isnan(found.probability[0])


@pytest.mark.parametrize("padding", [0, 1, 25])
def test_padding_changes_nothing(padding: int) -> None:
    rr = np.random.default_rng(3).uniform(500, 1000, size=(1, 40))
    laid = np.concatenate([rr, np.full((1, padding), np.nan)], axis=1)
    assert rhythm(laid).entropy == pytest.approx(rhythm(rr).entropy)
