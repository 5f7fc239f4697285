"""Intervals between beats, with missed, extra and ectopic beats found and corrected.

Source: Lipponen & Tarvainen 2019, J Med Eng Technol 43(3):173, doi 10.1080/03091902.2019.1640306.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from services.signals.beats import Beats, mean_rows, pad_rows, quantile_rows
from services.signals.window import BoolArray, FloatArray, Kind

# Constants of the paper: threshold scale, ectopic slope and offset, beats in the rolling spread
# and in the rolling median.
ALPHA, ECTOPIC_SLOPE, ECTOPIC_OFFSET, SPREAD_BEATS, MEDIAN_BEATS = 5.2, 0.13, 0.17, 91, 11
# A change below this is no artefact, however steady the rest of a short window is (a paced rhythm
# has a spread of zero). Source: chosen; 8 ms is one sample at 125 Hz.
LEAST_THRESHOLD_MS = 40.0


class Label(IntEnum):
    """What one interval is."""

    PADDING = -1
    NORMAL = 0
    ECTOPIC = 1
    LONG = 2
    SHORT = 3
    MISSED = 4
    EXTRA = 5


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Intervals of a batch, one row a window, in ms, padded with NaN at the right.

    rr_ms: as detected; labels: a `Label` for each of them; counted_ms: missed and extra beats
    repaired, every true beat kept (for the rate); normal_ms: ectopic intervals replaced too (for
    variability).
    """

    rr_ms: FloatArray
    labels: npt.NDArray[np.int8]
    counted_ms: FloatArray
    normal_ms: FloatArray

    @property
    def artefact_fraction(self) -> FloatArray:
        """Share of intervals that are not normal; NaN without intervals. (windows,)"""
        known = (self.labels != Label.PADDING).sum(axis=1)
        odd = (self.labels > Label.NORMAL).sum(axis=1)
        share: FloatArray = np.divide(odd, known, np.full(len(known), np.nan), where=known > 0)
        return share


def intervals(beats: Beats) -> Intervals:
    """Return the corrected intervals of each window."""
    rr_ms: FloatArray = np.diff(beats.times_s, axis=1) * 1000.0
    labels, _ = _label(rr_ms)
    counted, odd = _repair(rr_ms, labels)
    return Intervals(rr_ms, labels, counted, _interpolate(counted, odd))


def rate_bpm(found: Intervals, kind: Kind) -> FloatArray:
    """Return the rate of each window per minute, NaN without intervals. (windows,)

    From a PPG missed and extra beats are repaired first. From an ECG they are not: its R peaks are
    missed so seldom that a doubled interval is mostly a real pause, and halving it doubled the
    error of the rate. Source: bench/signals.md, quality.
    """
    counted_ms = found.rr_ms if kind == "ecg" else found.counted_ms
    rate: FloatArray = 60_000.0 / mean_rows(counted_ms)
    return rate


def _label(rr: FloatArray) -> tuple[npt.NDArray[np.int8], FloatArray]:
    known = np.isfinite(rr)
    labels = np.where(known, np.int8(Label.NORMAL), np.int8(Label.PADDING))
    if rr.shape[1] < 3:
        return labels, rr
    step, median, spread = _scaled(rr)
    ectopic, long, short = _shapes(step, median)
    middle = _rolling_quantile(rr, MEDIAN_BEATS, 0.5)
    missed = long & (np.abs(rr / 2 - middle) < spread)
    extra = short & (np.abs(rr + _ahead(rr, 1) - middle) < spread)
    for where, label in (
        (long, Label.LONG),
        (short, Label.SHORT),
        (missed, Label.MISSED),
        (extra, Label.EXTRA),
        (ectopic, Label.ECTOPIC),
    ):
        labels[where & known] = label
    return labels, spread


def _scaled(rr: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return each step and each distance from the median, over their own thresholds."""
    change = rr - _ahead(rr, -1)
    change[:, 0] = np.where(np.isfinite(rr[:, 0]), 0.0, np.nan)
    away = rr - _rolling_quantile(rr, MEDIAN_BEATS, 0.5)
    away = np.where(away < 0, 2 * away, away)
    spread = _threshold(away)
    return change / _threshold(change), away / spread, spread


def _threshold(values: FloatArray) -> FloatArray:
    size = np.abs(values)
    upper = _rolling_quantile(size, SPREAD_BEATS, 0.75)
    lower = _rolling_quantile(size, SPREAD_BEATS, 0.25)
    return np.maximum(ALPHA * (upper - lower) / 2, LEAST_THRESHOLD_MS)


def _shapes(step: FloatArray, median: FloatArray) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return which intervals look ectopic, long and short (figure 1 of the paper)."""
    up, down = step > 1, step < -1
    around = np.stack([_ahead(step, -1), _ahead(step, 1)])
    after = np.stack([_ahead(step, 1), _ahead(step, 2)])
    around, after = np.nan_to_num(around), np.nan_to_num(after)
    highest, lowest = around.max(axis=0), around.min(axis=0)
    ectopic = (up & (highest < -ECTOPIC_SLOPE * step - ECTOPIC_OFFSET)) | (
        down & (lowest > -ECTOPIC_SLOPE * step + ECTOPIC_OFFSET)
    )
    long = ~ectopic & ((up & (after.min(axis=0) < -1)) | (median > 3))
    short = ~ectopic & ((down & (after.max(axis=0) > 1)) | (median < -3))
    return ectopic, long, short


def _ahead(values: FloatArray, by: int) -> FloatArray:
    """Return the row shifted so that each place holds the value `by` places on; NaN outside."""
    shifted = np.full_like(values, np.nan)
    if by > 0:
        shifted[:, :-by] = values[:, by:]
    else:
        shifted[:, -by:] = values[:, :by]
    return shifted


def _rolling_quantile(values: FloatArray, width: int, q: float) -> FloatArray:
    """Return the quantile of the `width` values around each place; fewer at the ends."""
    count, length = values.shape
    if length <= width // 2 + 1:  # every place sees the whole row
        return np.repeat(quantile_rows(values, q)[:, None], length, axis=1)
    edge = np.full((count, width // 2), np.nan)
    around = np.lib.stride_tricks.sliding_window_view(
        np.concatenate([edge, values, edge], axis=1), width, axis=1
    )
    return quantile_rows(around.reshape(-1, width), q).reshape(count, length)


def _repair(rr: FloatArray, labels: npt.NDArray[np.int8]) -> tuple[FloatArray, BoolArray]:
    """Return the intervals with missed and extra beats repaired, and which are odd."""
    joined = np.zeros(rr.shape, np.bool_)
    extra = (labels == Label.EXTRA) & (np.isfinite(_ahead(rr, 1)))
    joined[:, 1:] = extra[:, :-1]
    value = np.where(extra, rr + _ahead(rr, 1), rr)
    missed = (labels == Label.MISSED) & ~joined
    times = np.where(joined | (labels == Label.PADDING), 0, np.where(missed, 2, 1)).ravel()
    value = np.where(missed, rr / 2, value)
    odd = np.isin(labels, (Label.ECTOPIC, Label.LONG, Label.SHORT)) & ~joined
    rows = np.repeat(np.arange(rr.size) // max(1, rr.shape[1]), times)
    repaired = pad_rows(rows, np.repeat(value.ravel(), times), len(rr))
    marks = pad_rows(rows, np.repeat(odd.ravel(), times).astype(np.float64), len(rr))
    return repaired, marks == 1.0


def _interpolate(values: FloatArray, odd: BoolArray) -> FloatArray:
    """Return the rows with odd places drawn as straight lines between good ones.

    A row with fewer than two good places stays without values: nothing is made up.
    """
    good = np.isfinite(values) & ~odd
    drawn = np.where(good, values, np.nan)
    rows = np.flatnonzero((np.isfinite(values) & odd).any(axis=1))
    at = np.arange(values.shape[1])
    for row in rows:
        if good[row].sum() < 2:
            drawn[row] = np.nan
            continue
        fill = np.isfinite(values[row]) & odd[row]
        drawn[row, fill] = np.interp(at[fill], at[good[row]], values[row, good[row]])
    return drawn
