"""Agreement of each beat's shape with the window's own average beat.

Source: Orphanidou 2015, IEEE J Biomed Health Inform 19(3):832 (template correlation).
"""

from dataclasses import dataclass

import numpy as np

from services.signals.beats import Beats, mean_rows, pad_rows, quantile_rows
from services.signals.spectrum import spectrum
from services.signals.window import Float32Array, FloatArray, IntArray, Windows, prepared

# Band, rate and reach of the shape around a beat: the QRS complex, and the pulse wave after its
# upstroke. Source: chosen; QRS up to 160 ms, a pulse rises for 100-300 ms.
_ECG = ((1.0, 30.0), 100.0, (-0.15, 0.15))
_PPG = ((0.5, 8.0), 25.0, (-0.2, 0.45))


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Correlation of beats with the window's average beat: mean and lowest tenth. (windows,)"""

    mean: FloatArray
    low: FloatArray


def agreement(windows: Windows, beats: Beats) -> Agreement:
    """Return how alike the beats of each window are; NaN with fewer than three beats."""
    band_hz, rate_hz, reach_s = _ECG if windows.kind == "ecg" else _PPG
    whole = spectrum(prepared(windows), windows.rate_hz)
    wave, rate_hz = whole.band(*band_hz, rate_hz)
    offsets = np.arange(round(reach_s[0] * rate_hz), round(reach_s[1] * rate_hz) + 1)
    rows, column = np.nonzero(np.isfinite(beats.times_s))
    at = np.rint(beats.times_s[rows, column] * rate_hz).astype(np.intp)
    inside = (at + offsets[0] >= 0) & (at + offsets[-1] < wave.shape[1])
    rows, at = rows[inside], at[inside]
    likeness = pad_rows(rows, _likeness(wave, rows, at, offsets), windows.count)
    few = np.isfinite(likeness).sum(axis=1) < 3
    mean = np.where(few, np.nan, mean_rows(likeness))
    return Agreement(mean, np.where(few, np.nan, quantile_rows(likeness, 0.1)))


def _likeness(wave: Float32Array, rows: IntArray, at: IntArray, offsets: IntArray) -> FloatArray:
    """Return each beat's correlation with the average of the other beats of its window."""
    shape = wave[rows[:, None], at[:, None] + offsets].astype(np.float64)
    shape -= shape.mean(axis=1, keepdims=True)
    size = np.linalg.norm(shape, axis=1, keepdims=True)
    unit = np.divide(shape, size, out=np.zeros_like(shape), where=size > 0)
    total = np.zeros((len(wave), len(offsets)))
    np.add.at(total, rows, unit)
    others = total[rows] - unit
    size = np.linalg.norm(others, axis=1)
    dot = np.einsum("ij,ij->i", unit, others)
    likeness: FloatArray = np.divide(dot, size, out=np.zeros(len(dot)), where=size > 0)
    return likeness


def polarity(ppg: Windows) -> FloatArray:
    """Return how much steeper the rises are than the falls, as a log ratio; (windows,).

    Below zero the pulse falls faster than it rises, which a pulse wave never does. NaN for a flat
    window.
    """
    whole = spectrum(prepared(ppg), ppg.rate_hz)
    wave, _ = whole.band(0.5, 8.0, 25.0)
    slope = np.diff(wave, axis=1).astype(np.float64)
    if slope.shape[1] < 2:
        return np.full(ppg.count, np.nan)
    rise, fall = np.quantile(slope, 0.95, axis=1), -np.quantile(slope, 0.05, axis=1)
    good = (rise > 0) & (fall > 0)
    ratio = np.divide(rise, fall, out=np.ones(len(rise)), where=good)
    return np.where(good, np.log(ratio), np.nan)
