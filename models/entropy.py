"""Randomness for privacy: from the operating system, never from a seeded generator.

A seeded generator would let whoever knows the seed take the noise off again.
"""

import numpy as np
from numpy.typing import NDArray

from services.ids import new_secret

Array = NDArray[np.float64]


def uniform(count: int) -> Array:
    """Return `count` numbers in (0, 1), 53 bits each."""
    bits = np.frombuffer(new_secret(8 * count), dtype=np.uint64) >> np.uint64(11)
    return np.asarray((bits.astype(np.float64) + 0.5) / 2.0**53)


def gaussian(count: int) -> Array:
    """Return `count` standard normal numbers: four summed and halved, so that the grid of
    floating-point values of a single one does not show through.

    Source: Holohan and Braghin 2021, "Secure random sampling in differential privacy" [K].
    """
    radius = np.sqrt(-2.0 * np.log(uniform(4 * count)))
    angle = 2.0 * np.pi * uniform(4 * count)
    return np.asarray((radius * np.cos(angle)).reshape(4, count).sum(0) / 2.0)
