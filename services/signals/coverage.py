"""How much of each window carries no information: missing, not a number, flat or clipped."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.signals.window import BoolArray, FloatArray, Windows

# A run of equal samples this long is a flat line; a run at the extreme this long is clipping.
# Source: Orphanidou 2015 and Li & Clifford 2012 use flat runs of 1 s; clipping chosen.
FLAT_RUN_S = 1.0
CLIP_RUN_S = 0.08
# Values within this share of the range from the extreme count as the extreme.
CLIP_MARGIN = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Shares of each window that carry no information, 0 to 1. (windows,)"""

    gap: FloatArray
    nan: FloatArray
    flat: FloatArray
    clipped: FloatArray


def coverage(windows: Windows) -> Coverage:
    """Return how much of each ECG or PPG window is missing, flat or clipped."""
    count, length = windows.samples.shape[:2]
    if length == 0:
        ones, zeros = np.ones(count), np.zeros(count)
        return Coverage(ones, zeros, zeros, zeros)
    finite = np.isfinite(windows.samples)
    missing = windows.missing()
    values = np.where(missing, 0.0, windows.samples) if missing.any() else windows.samples
    flat = _in_runs(
        (values[:, 1:] == values[:, :-1]) & ~missing[:, 1:] & ~missing[:, :-1],
        max(2, round(FLAT_RUN_S * windows.rate_hz)),
    )
    clipped = _in_runs(_extreme(values, missing), max(3, round(CLIP_RUN_S * windows.rate_hz)))
    gap = (missing & finite).mean(axis=1, dtype=np.float64)
    return Coverage(gap, (~finite).mean(axis=1, dtype=np.float64), flat, clipped)


def _extreme(values: npt.NDArray[np.floating], missing: BoolArray) -> BoolArray:
    """Return where a sample sits at the highest or the lowest value of its window."""
    low = np.where(missing, np.inf, values).min(axis=1, keepdims=True)
    high = np.where(missing, -np.inf, values).max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):  # a window without samples has neither
        margin = CLIP_MARGIN * (high - low)
        at: BoolArray = ((values >= high - margin) | (values <= low + margin)) & ~missing
    return at


def _in_runs(marks: BoolArray, run: int) -> FloatArray:
    """Return the share of each row that lies in unbroken runs of at least `run` marks."""
    count, length = marks.shape
    if length < run:
        return np.zeros(count)
    total = np.zeros((count, length + 1), np.int32)
    np.cumsum(marks, axis=1, out=total[:, 1:], dtype=np.int32)
    full = (total[:, run:] - total[:, :-run]) == run
    begins = full[:, 0].astype(np.int64) + (full[:, 1:] & ~full[:, :-1]).sum(axis=1)
    covered: FloatArray = (full.sum(axis=1) + (run - 1) * begins) / length
    return np.minimum(covered, 1.0)
