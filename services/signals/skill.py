"""What a pressure estimate adds to the last cuff reading, and how wide its interval must be."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.signals.window import FloatArray

RESAMPLES = 2000
CONFIDENCE = 0.90
LEAST_ERRORS = 10


@dataclass(frozen=True, slots=True)
class Skill:
    """1 − MAE / MAE(carry-forward), with a bootstrap interval; 0 is no better than the cuff."""

    value: float
    low: float
    high: float

    @property
    def informs(self) -> bool:
        """Whether there is information beyond the cuff."""
        return self.low > 0


def skill(
    errors: FloatArray,
    carried_errors: FloatArray,
    groups: npt.NDArray[np.intp],
    *,
    seed: int = 20,
) -> Skill | None:
    """Return the skill, resampling whole groups (patients; or readings of one patient).

    errors, carried_errors: mmHg, same readings, (readings,); groups: whose each reading is.
    None with fewer than `LEAST_ERRORS` readings, or when carry-forward made no error at all.
    """
    ours, theirs = np.abs(errors), np.abs(carried_errors)
    if len(ours) < LEAST_ERRORS or theirs.sum() == 0:
        return None
    _, member = np.unique(groups, return_inverse=True)
    count = int(member.max()) + 1
    sums = np.stack([np.bincount(member, weights=w, minlength=count) for w in (ours, theirs)])
    drawn = np.random.default_rng(seed).integers(0, count, size=(RESAMPLES, count))
    mine, carried = sums[0][drawn].sum(axis=1), sums[1][drawn].sum(axis=1)
    kept = carried > 0
    low, high = np.quantile(1 - mine[kept] / carried[kept], [0.025, 0.975])
    return Skill(1 - float(ours.sum() / theirs.sum()), float(low), float(high))


# Where a patient has few errors of their own these stand in: the middles of the tenths of the sizes
# of standard normal errors.
_PRIOR_SCORES = (0.06, 0.19, 0.32, 0.45, 0.60, 0.76, 0.93, 1.15, 1.44, 1.96)


def conformal_width(scores: FloatArray) -> float:
    """Return how many sigmas make a 90 % interval, from |error| / sigma of past predictions.

    The score of rank (n + 1) × 0.9, between two scores where that is no whole number: the rank of
    split conformal prediction (Vovk 2005), which rounds it up and then covers 93 % of 14 and 95 %
    of 20. Below `LEAST_ERRORS` ten standard-normal scores stand beside the patient's own.
    """
    few = len(scores) < LEAST_ERRORS
    held = np.sort(np.concatenate([scores, _PRIOR_SCORES]) if few else scores)
    rank = (len(held) + 1) * CONFIDENCE
    return float(np.interp(rank, np.arange(1, len(held) + 1), held))
