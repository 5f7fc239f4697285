"""The filter's two steps, for one patient or for many at once: leading dimensions are patients."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


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
