"""Activity and rest from an accelerometer, by mean amplitude deviation."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from services.signals.beats import quantile_rows
from services.signals.window import FloatArray, Windows

EPOCH_S = 5.0
# Upper bounds of rest, light and moderate activity, mean amplitude deviation in g.
# Source: Vähä-Ypyä 2015, PLoS ONE 10(8):e0134813: 22.5, 91 and 414 mg.
BOUNDS_G = (0.0225, 0.091, 0.414)
# An epoch needs this share of its samples to be judged.
LEAST_KNOWN = 0.8


class Activity(IntEnum):
    """How active the wearer was."""

    REST = 0
    LIGHT = 1
    MODERATE = 2
    VIGOROUS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Movement of each window. NaN where the accelerometer said too little. (windows,)

    deviation_g: mean amplitude deviation, epochs averaged; activity: an `Activity` as a number;
    rest: 1 when every epoch was rest, else 0.
    """

    deviation_g: FloatArray
    activity: FloatArray
    rest: FloatArray


def motion(accelerometer: Windows) -> Motion:
    """Return the movement of each window; samples in g, magnitude or three axes."""
    epochs = _deviation(accelerometer)
    known = np.isfinite(epochs)
    enough = known.mean(axis=1) >= LEAST_KNOWN if epochs.shape[1] else np.zeros(len(epochs), bool)
    total = np.where(known, epochs, 0.0).sum(axis=1)
    mean = np.divide(total, known.sum(axis=1), out=np.full(len(epochs), np.nan), where=enough)
    worst = quantile_rows(epochs, 1.0)
    activity = np.where(enough, np.digitize(mean, BOUNDS_G).astype(np.float64), np.nan)
    rest = np.where(enough, (worst < BOUNDS_G[0]).astype(np.float64), np.nan)
    return Motion(mean, activity, rest)


def _deviation(accelerometer: Windows) -> FloatArray:
    """Return the mean amplitude deviation of each epoch, in g; (windows, epochs)."""
    missing, samples = accelerometer.missing(), accelerometer.samples.astype(np.float64)
    samples = np.where(missing[:, :, None] if samples.ndim == 3 else missing, np.nan, samples)
    size = np.sqrt((samples**2).sum(axis=2)) if samples.ndim == 3 else np.abs(samples)
    length = min(size.shape[1], max(1, round(EPOCH_S * accelerometer.rate_hz)))
    count = size.shape[1] // length if length else 0
    if not count:
        return np.full((len(size), 0), np.nan)
    epochs = size[:, : count * length].reshape(len(size), count, length)
    known = np.isfinite(epochs)
    share = known.mean(axis=2)
    number = np.maximum(known.sum(axis=2), 1)
    level = np.where(known, epochs, 0.0).sum(axis=2) / number
    away = np.where(known, np.abs(epochs - level[:, :, None]), 0.0).sum(axis=2) / number
    return np.where(share >= LEAST_KNOWN, away, np.nan)
