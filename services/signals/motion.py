"""Activity and rest from an accelerometer, by mean amplitude deviation."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from services.signals.beats import quantile_rows
from services.signals.window import BoolArray, FloatArray, Windows

EPOCH_S = 5.0
# Upper bounds of rest, light and moderate activity, mean amplitude deviation in g.
# Source: Vähä-Ypyä 2015, PLoS ONE 10(8):e0134813: 22.5, 91 and 414 mg.
BOUNDS_G = (0.0225, 0.091, 0.414)
# At rest an accelerometer measures gravity; running swings around it. Source: definition of 1 g,
# with room for a sensor's offset.
GRAVITY_RANGE_G = (0.5, 2.0)
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
    enough &= _near_gravity(accelerometer)
    total = np.where(known, epochs, 0.0).sum(axis=1)
    mean = np.divide(total, known.sum(axis=1), out=np.full(len(epochs), np.nan), where=enough)
    worst = quantile_rows(epochs, 1.0)
    activity = np.where(enough, np.digitize(mean, BOUNDS_G).astype(np.float64), np.nan)
    rest = np.where(enough, (worst < BOUNDS_G[0]).astype(np.float64), np.nan)
    return Motion(mean, activity, rest)


def _near_gravity(accelerometer: Windows) -> BoolArray:
    """Return where the usual size is that of gravity: else it is another unit or a single axis."""
    size = quantile_rows(_size(accelerometer), 0.5)
    return (size >= GRAVITY_RANGE_G[0]) & (size <= GRAVITY_RANGE_G[1])  # False for NaN


def _size(accelerometer: Windows) -> FloatArray:
    """Return the magnitude of each sample, NaN where there is none; (windows, samples)."""
    missing, samples = accelerometer.missing(), accelerometer.samples.astype(np.float64)
    samples = np.where(missing[:, :, None] if samples.ndim == 3 else missing, np.nan, samples)
    return np.sqrt((samples**2).sum(axis=2)) if samples.ndim == 3 else np.abs(samples)


def _deviation(accelerometer: Windows) -> FloatArray:
    """Return the mean amplitude deviation of each epoch, in g; (windows, epochs)."""
    size = _size(accelerometer)
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
