"""Samples as bytes and back: what a stored window's blob holds."""

from collections.abc import Sequence

import numpy as np

from services.signals.window import FloatArray

_FORM = np.dtype("<f8")


class UnreadableSamples(ValueError):
    """The bytes are not packed samples. The blob is not what the record says it is."""


def pack(samples: Sequence[float | None]) -> bytes:
    """Return samples as little-endian doubles; None (no sample) becomes NaN."""
    return np.array(samples, dtype=_FORM).tobytes()


def unpack(packed: bytes) -> FloatArray:
    """Return the samples, (samples,), NaN where there was none.

    Raises:
        UnreadableSamples: empty, or not a whole number of samples.
    """
    if not packed or len(packed) % _FORM.itemsize:
        raise UnreadableSamples(f"{len(packed)} bytes are not packed samples")
    return np.frombuffer(packed, dtype=_FORM).astype(np.float64)
