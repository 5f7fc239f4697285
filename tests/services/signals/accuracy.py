"""Scoring of found beats against reference beats, for the tests of the detectors."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def f1(found_s: FloatArray, reference_s: FloatArray, tolerance_s: float) -> float:
    """Return the F1 score of one-to-one matches within a tolerance."""
    hits, i, j = 0, 0, 0
    while i < len(found_s) and j < len(reference_s):
        apart = found_s[i] - reference_s[j]
        if abs(apart) <= tolerance_s:
            hits, i, j = hits + 1, i + 1, j + 1
        elif apart > 0:
            j += 1
        else:
            i += 1
    return 2 * hits / max(1, len(found_s) + len(reference_s))


def inside(times_s: FloatArray, low_s: float, high_s: float) -> FloatArray:
    """Return the times within a span."""
    return times_s[(times_s >= low_s) & (times_s <= high_s)]
