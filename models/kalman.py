"""The filter's two steps: many patients in arrays, one in plain floats, the same to the digit.

Leading dimensions of arrays are patients. On a handful of numbers the calls of numpy cost ten times
what the sums do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Belief:
    """One patient's state: mean (n,) and covariance (n, n). `places` are where the states stand in
    the arrays, even places first; those left out have no part in any reading.
    """

    mean: list[float]
    covariance: list[list[float]]
    places: tuple[int, ...]


def places_of(states: Sequence[int]) -> tuple[int, ...]:
    """Return places in the order of a `Belief`: even ones first, each half ascending."""
    return tuple(sorted(states, key=lambda place: (place % 2, place)))


def forget_one(belief: Belief, ceiling: Floats, kept_per_day: float, days: int) -> Belief:
    """Return the belief some days later, as `forget`; the ceiling is in the order of `places`."""
    kept = kept_per_day**days
    scale = []
    for at, most in enumerate(ceiling):
        variance = belief.covariance[at][at]
        wider = min(variance / kept, max(most, variance))
        scale.append(sqrt(wider / variance))
    covariance = [
        [value * down * across for value, across in zip(line, scale, strict=True)]
        for line, down in zip(belief.covariance, scale, strict=True)
    ]
    return Belief(belief.mean, covariance, belief.places)


def update_one(belief: Belief, row: Floats, observed: float, variance: float) -> Belief:
    """Return the belief after one reading, as `update`; the row is in the order of `places`."""
    places, mean = belief.places, belief.mean
    spread = [_dot(line, row, places) for line in belief.covariance]
    total = _dot(row, spread, places) + variance
    gain = [value / total for value in spread]
    surprise = observed - _dot(row, mean, places)
    updated = [
        [value - ours * theirs for value, theirs in zip(line, spread, strict=True)]
        for line, ours in zip(belief.covariance, gain, strict=True)
    ]
    for at, line in enumerate(updated):
        for other in range(at):
            line[other] = updated[other][at] = 0.5 * (line[other] + updated[other][at])
    moved = [value + ours * surprise for value, ours in zip(mean, gain, strict=True)]
    return Belief(moved, updated, places)


def _dot(one: Floats, other: Floats, places: tuple[int, ...]) -> float:
    """Return the sum of products as numpy's einsum adds them on two lanes: the even places, the odd
    ones, then both. In another order decisions on record would come out otherwise in a last digit.
    """
    even = odd = 0.0
    for place, a, b in zip(places, one, other, strict=True):
        if place % 2:
            odd += a * b
        else:
            even += a * b
    return even + odd
