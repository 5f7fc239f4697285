"""A flag for an irregularly irregular rhythm (as in atrial fibrillation) from beat intervals.

It is a flag that asks for an ECG to be read, never a diagnosis. There is no redistributable PPG
recorded in atrial fibrillation here: from PPG intervals it is unproven.
"""

from dataclasses import dataclass

import numpy as np

from services.signals.beats import mean_rows
from services.signals.window import BoolArray, FloatArray

# Coefficient of sample entropy. Source: Lake & Moorman 2011, Am J Physiol Heart 300:H319. Patterns
# of one and of two intervals are averaged and the tolerance is wider than the paper's 30 ms, which
# filters ectopy: bigeminy and trigeminy repeat their pattern, fibrillation does not.
TOLERANCE_MS = 80.0
PATTERNS = (1, 2)
LEAST_INTERVALS = 20
# Source: logistic fit on the design half, both classes weighing the same (bench/signals.md).
STEEPNESS, EVEN_ENTROPY = 5.9, -0.78
FLAG_AT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """Irregularity of each window; NaN where there are too few intervals. (windows,)

    entropy: coefficient of sample entropy; probability: that the rhythm is irregularly irregular,
    where it were as likely as not beforehand.
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
    return Rhythm(entropy, 1 / (1 + np.exp(-STEEPNESS * (entropy - EVEN_ENTROPY))))


def _entropy(rr: FloatArray) -> FloatArray:
    """Return ln(patterns alike / alike with the next as well) + ln(2 tolerance / mean interval)."""
    if rr.shape[1] < LEAST_INTERVALS:
        return np.full(len(rr), np.nan)
    close = np.abs(rr[:, :, None] - rr[:, None, :]) < TOLERANCE_MS  # False with NaN
    known = np.isfinite(rr)
    both = known[:, :, None] & known[:, None, :]
    both &= np.triu(np.ones(both.shape[1:], np.bool_), 1)
    values = [_pattern_entropy(close, both, length) for length in PATTERNS]
    coefficient = np.mean(values, axis=0) + np.log(2 * TOLERANCE_MS) - np.log(mean_rows(rr))
    return np.where(known.sum(axis=1) >= LEAST_INTERVALS, coefficient, np.nan)


def _pattern_entropy(close: BoolArray, both: BoolArray, length: int) -> FloatArray:
    """Return the sample entropy of patterns of `length` intervals; (windows,)."""
    size = close.shape[1] - length
    alike = both[:, length:, length:].copy()  # both patterns have a next interval
    for step in range(length):
        alike &= close[:, step : step + size, step : step + size]
    longer = alike & close[:, length:, length:]
    # Half a match stands for none, so that a short window without matches has a value.
    fewer, more = longer.sum(axis=(1, 2)), alike.sum(axis=(1, 2))
    entropy: FloatArray = np.log(np.maximum(more, 0.5) / np.maximum(fewer, 0.5))
    return entropy
