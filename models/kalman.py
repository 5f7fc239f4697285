"""The filter's two steps: many patients in arrays, one in plain floats, the same to the digit.

Leading dimensions of arrays are patients. On a handful of numbers the calls of numpy cost ten times
what the sums do.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = Sequence[float]


def forget(covariance: Array, ceiling: Array, kept_per_day: float, days: int) -> Array:
    """Return the covariance (..., n, n) some days later: wider, never beyond the ceiling (n,).

    The ceiling is the variance of each state in the literature. Correlations stay as they are.
    """
    variance = np.diagonal(covariance, axis1=-2, axis2=-1)
    wider = np.minimum(variance / kept_per_day**days, np.maximum(ceiling, variance))
    scale = np.sqrt(wider / variance)
    return np.asarray(covariance * scale[..., :, None] * scale[..., None, :])


def update(
    mean: Array, covariance: Array, row: Array, observed: Array, variance: Array | float
) -> tuple[Array, Array]:
    """Return mean (..., n) and covariance after `observed` (...,) = row (..., n) . state + noise.

    One reading takes one rank off the covariance, symmetric to the last digit. Noise far above
    rounding keeps it positive.
    """
    spread = np.einsum("...ij,...j->...i", covariance, row)
    total = np.einsum("...i,...i->...", row, spread) + variance
    gain = spread / total[..., None]
    surprise = observed - np.einsum("...i,...i->...", row, mean)
    updated = covariance - gain[..., :, None] * spread[..., None, :]
    # The product of two rounded factors is not symmetric in its last digit by itself.
    updated = 0.5 * (updated + np.swapaxes(updated, -1, -2))
    return mean + gain * surprise[..., None], updated


class Belief:
    """One patient's state, changed in place day by day: plain sums, the same to the digit as
    `forget` and `update`.

    `places` are where its states stand in the arrays, even places first. States left out are those
    that no reading says anything of: they stay as the literature has them.
    """

    __slots__ = ("_ceiling", "_evens", "_odds", "covariance", "mean", "places")

    def __init__(self, mean: Floats, variance: Floats, places: Sequence[int]) -> None:
        """Begin with the literature's mean and variance (n,) of all states."""
        self.places = sorted(places, key=lambda place: (place % 2, place))
        even = sum(place % 2 == 0 for place in places)
        self._evens, self._odds = range(even), range(even, len(places))
        self._ceiling = [variance[place] for place in self.places]
        self.mean = [mean[place] for place in self.places]
        self.covariance = [[0.0] * len(self.mean) for _ in self.mean]
        for at, most in enumerate(self._ceiling):
            self.covariance[at][at] = most

    def forget(self, kept_per_day: float, days: int) -> None:
        """Let days pass; none changes nothing."""
        kept = kept_per_day**days
        scale = []
        for at, most in enumerate(self._ceiling):
            variance = self.covariance[at][at]
            wider = variance / kept
            if wider > most:
                wider = max(most, variance)
            scale.append(sqrt(wider / variance))
        for line, down in zip(self.covariance, scale, strict=True):
            for at, across in enumerate(scale):
                line[at] = line[at] * down * across

    def update(self, row: Floats, observed: float, variance: float) -> None:
        """Take in one reading; the row is in the order of `places`."""
        spread = [self._dot(line, row) for line in self.covariance]
        total = self._dot(row, spread) + variance
        gain = [value / total for value in spread]
        surprise = observed - self._dot(row, self.mean)
        for at, ours in enumerate(gain):
            line = self.covariance[at]
            for other in range(at):
                here = line[other] - ours * spread[other]
                there = self.covariance[other][at] - gain[other] * spread[at]
                line[other] = self.covariance[other][at] = 0.5 * (here + there)
            line[at] -= ours * spread[at]
            self.mean[at] += ours * surprise

    def _dot(self, one: Floats, other: Floats) -> float:
        """Return the sum of products as numpy's einsum adds them on two lanes: the even places, the
        odd ones, then both. In another order decisions on record would differ in a last digit.
        """
        even = odd = 0.0
        for at in self._evens:
            even += one[at] * other[at]
        for at in self._odds:
            odd += one[at] * other[at]
        return even + odd
