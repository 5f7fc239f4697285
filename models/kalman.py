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

    Joseph form, so that the covariance stays positive.
    """
    spread = np.einsum("...ij,...j->...i", covariance, row)
    noise = np.broadcast_to(np.asarray(variance, dtype=np.float64), observed.shape)
    total = np.einsum("...i,...i->...", row, spread) + noise
    gain = spread / total[..., None]
    keep = np.eye(mean.shape[-1]) - gain[..., :, None] * row[..., None, :]
    updated = keep @ covariance @ np.swapaxes(keep, -1, -2)
    updated = updated + noise[..., None, None] * gain[..., :, None] * gain[..., None, :]
    surprise = observed - np.einsum("...i,...i->...", row, mean)
    return mean + gain * surprise[..., None], updated
