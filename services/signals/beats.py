"""Beats of a batch as one padded array, so that everything after detection stays vectorised."""

from dataclasses import dataclass

import numpy as np

from services.signals.window import Float32Array, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """Beat times of a batch.

    times_s: seconds from the start of each window, rising, (windows, most beats), padded at the
        right with NaN.
    """

    times_s: FloatArray

    @property
    def count(self) -> IntArray:
        """Beats in each window, (windows,)."""
        count: IntArray = np.isfinite(self.times_s).sum(axis=1)
        return count

    def of(self, row: int) -> FloatArray:
        """Return the beat times of one window, unpadded."""
        times: FloatArray = self.times_s[row]
        return times[np.isfinite(times)]


def pad_rows(rows: IntArray, values: FloatArray, count: int) -> FloatArray:
    """Return values laid out one window a row, padded with NaN: (count, most values of a row).

    rows: the window of each value, not decreasing; values: same length.
    """
    per_row = np.bincount(rows, minlength=count)
    width = int(per_row.max()) if per_row.size else 0
    laid: FloatArray = np.full((count, width), np.nan)
    starts = np.cumsum(per_row) - per_row
    laid[rows, np.arange(len(rows)) - starts[rows]] = values
    return laid


def quantile_rows(values: FloatArray, q: float) -> FloatArray:
    """Return each row's quantile, NaN left out; NaN for a row without values. (rows,)"""
    if values.shape[1] == 0:
        return np.full(values.shape[0], np.nan)
    ordered = np.sort(values, axis=1)  # NaN sorts last
    known = np.isfinite(ordered).sum(axis=1)
    place = q * np.maximum(known - 1, 0)
    low = np.floor(place).astype(np.intp)
    high = np.minimum(low + 1, np.maximum(known - 1, 0))
    row = np.arange(len(ordered))
    part = place - low
    between: FloatArray = (1 - part) * ordered[row, low] + part * ordered[row, high]
    return between


def median_rows(values: FloatArray) -> FloatArray:
    """Return each row's median, NaN left out. (rows,)"""
    return quantile_rows(values, 0.5)


def mean_rows(values: FloatArray) -> FloatArray:
    """Return each row's mean, NaN left out; NaN for a row without values. (rows,)"""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    mean: FloatArray = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
    return mean


def summit(values: Float32Array, rows: IntArray, at: IntArray) -> FloatArray:
    """Return the place of each extremum to a fraction of a sample, by the parabola through three.

    values: (windows, samples); rows, at: window and sample of each, not at a window's edge.
    """
    left, mid, right = (values[rows, at + k].astype(np.float64) for k in (-1, 0, 1))
    bend = left - 2 * mid + right
    shift = np.divide(0.5 * (left - right), bend, out=np.zeros(len(at)), where=bend != 0)
    place: FloatArray = at + np.clip(shift, -0.5, 0.5)
    return place
