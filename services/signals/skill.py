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

    The ⌈(n + 1) × 0.9⌉-th smallest score: the finite-sample rule of split conformal prediction
    (Vovk 2005). Below `LEAST_ERRORS` ten standard-normal scores stand beside the patient's own.
    """
    few = len(scores) < LEAST_ERRORS
    held = np.sort(np.concatenate([scores, _PRIOR_SCORES]) if few else scores)
    rank = int(np.ceil((len(held) + 1) * CONFIDENCE))
    return float(held[min(rank, len(held)) - 1])
