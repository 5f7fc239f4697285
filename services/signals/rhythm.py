"""A flag for an irregularly irregular rhythm (as in atrial fibrillation) from beat intervals.

It is a flag that asks for an ECG to be read, never a diagnosis.
"""

from dataclasses import dataclass

import numpy as np

from services.signals.beats import mean_rows
from services.signals.window import FloatArray

# Source: Lake & Moorman 2011, Am J Physiol Heart 300:H319: coefficient of sample entropy, vector
# length 1, tolerance 30 ms, threshold -1.4 from 12 beats on.
TOLERANCE_MS = 30.0
ENTROPY_THRESHOLD = -1.4
LEAST_INTERVALS = 12
STEEPNESS = 4.0
FLAG_AT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """Irregularity of each window; NaN where there are too few intervals. (windows,)

    entropy: coefficient of sample entropy; probability: that the rhythm is irregularly irregular.
    """

    entropy: FloatArray
    probability: FloatArray

    @property
    def irregular(self) -> FloatArray:
        """1 where flagged, 0 where not, NaN where unknown."""
        known = np.isfinite(self.probability)
        return np.where(known, (self.probability >= FLAG_AT).astype(np.float64), np.nan)


def rhythm(counted_ms: FloatArray) -> Rhythm:
    """Return the irregularity of intervals, (windows, intervals), NaN-padded, in ms."""
    entropy = _entropy(counted_ms)
    return Rhythm(entropy, 1 / (1 + np.exp(-STEEPNESS * (entropy - ENTROPY_THRESHOLD))))


def _entropy(rr: FloatArray) -> FloatArray:
    if rr.shape[1] < LEAST_INTERVALS:
        return np.full(len(rr), np.nan)
    close = np.abs(rr[:, :, None] - rr[:, None, :]) < TOLERANCE_MS  # False with NaN
    pair = np.triu(np.ones(close.shape[1:], np.bool_), 1)
    followed = np.isfinite(rr[:, 1:])
    both = followed[:, :, None] & followed[:, None, :] & pair[:-1, :-1]
    alike = close[:, :-1, :-1] & both
    ones = alike.sum(axis=(1, 2))
    twos = (alike & close[:, 1:, 1:]).sum(axis=(1, 2))
    # Half a match stands for none, so that a short window without matches has a value.
    ratio = np.maximum(ones, 0.5) / np.maximum(twos, 0.5)
    value = np.log(ratio) + np.log(2 * TOLERANCE_MS) - np.log(mean_rows(rr))
    enough = np.isfinite(rr).sum(axis=1) >= LEAST_INTERVALS
    return np.where(enough, value, np.nan)
