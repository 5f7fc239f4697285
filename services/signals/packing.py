"""Samples as bytes and back: what a stored window's blob holds.

A converter gives whole counts, or counts times a decimal step; those are kept as whole steps from
sample to sample and compressed, a sixth to a quarter of the doubles they came as, and come back
exactly. Anything else is kept as compressed doubles.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.signals.window import FloatArray

# Begins every blob. As a double it is a "not a number" that no arithmetic makes, so that it cannot
# be the first sample of an older blob, which holds bare doubles.
MARK = b"WNDW\x01\x00\xfc\xff"
_HEAD = struct.Struct("<8sBBBI")  # mark, flags, form, decimals, samples
_BASELINE_KEPT = 1
_DOUBLES, _STEPS = 0, 1
_DOUBLE, _STEP = np.dtype("<f8"), np.dtype("<i4")
MOST_DECIMALS = 6
# Two samples as far apart as can be still differ by what a step can hold.
_MOST_STEPS = 2**30 - 1
_LEVEL = 3


class UnreadableSamples(ValueError):
    """The bytes are not packed samples. The blob is not what the record says it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples of one window, (samples,), NaN where there was none.

    baseline_kept: the sender declared that the PPG still carries its constant part.
    """

    values: FloatArray
    baseline_kept: bool = False


def pack(samples: Sequence[float | None], *, baseline_kept: bool = False) -> bytes:
    """Return samples as bytes; None (no sample) becomes NaN."""
    values = np.array(samples, dtype=_DOUBLE)
    flags = _BASELINE_KEPT if baseline_kept else 0
    found = _whole_steps(values)
    if found is None:
        form, decimals, body = _DOUBLES, 0, _planes(values)
    else:
        decimals, steps = found
        form, body = _STEPS, np.packbits(np.isnan(values)).tobytes() + _planes(steps)
    head = _HEAD.pack(MARK, flags, form, decimals, len(values))
    return head + zlib.compress(body, _LEVEL)


def unpack(packed: bytes) -> Samples:
    """Return the samples.

    Raises:
        UnreadableSamples: empty, torn, or not packed samples.
    """
    if not packed.startswith(MARK):
        return Samples(_bare_doubles(packed))
    try:
        _, flags, form, decimals, count = _HEAD.unpack_from(packed)
        mask_size = (count + 7) // 8 if form == _STEPS else 0
        width = {_STEPS: _STEP.itemsize, _DOUBLES: _DOUBLE.itemsize}[form]
        body = _inflate(packed[_HEAD.size :], mask_size + width * count)
    except (struct.error, zlib.error, KeyError) as err:
        raise UnreadableSamples(f"{len(packed)} bytes are not packed samples") from err
    if not count:
        raise UnreadableSamples("no samples")
    if form == _DOUBLES:
        values = _unplaned(body, _DOUBLE.itemsize).view(_DOUBLE).astype(np.float64)
    else:
        steps = _unplaned(body[mask_size:], _STEP.itemsize).view(_STEP)
        values = steps.cumsum(dtype=np.int64) / 10.0**decimals
        values[np.unpackbits(np.frombuffer(body[:mask_size], np.uint8))[:count] == 1] = np.nan
    return Samples(values, bool(flags & _BASELINE_KEPT))


def _bare_doubles(packed: bytes) -> FloatArray:
    """Return an older blob, which is nothing but little-endian doubles."""
    if not packed or len(packed) % _DOUBLE.itemsize:
        raise UnreadableSamples(f"{len(packed)} bytes are not packed samples")
    return np.frombuffer(packed, dtype=_DOUBLE).astype(np.float64)


def _whole_steps(values: FloatArray) -> tuple[int, npt.NDArray[np.int32]] | None:
    """Return the fewest decimals that give every sample back, and the steps; None without."""
    known = values[np.isfinite(values)]
    if np.isinf(values).any():
        return None
    for decimals in range(MOST_DECIMALS + 1):
        scale = 10.0**decimals
        with np.errstate(over="ignore"):
            whole = np.rint(known * scale)
        if (np.abs(whole) > _MOST_STEPS).any():
            return None
        if np.array_equal(whole / scale, known):
            return decimals, _steps(values, whole)
    return None


def _steps(values: FloatArray, whole: FloatArray) -> npt.NDArray[np.int32]:
    """Return the change from each sample to the next; none over a gap."""
    there = np.isfinite(values)
    latest = np.cumsum(there) - 1
    held = np.where(latest >= 0, whole[np.maximum(latest, 0)] if len(whole) else 0.0, 0.0)
    return np.diff(held, prepend=0.0).astype(_STEP)


def _planes(values: npt.NDArray[np.generic]) -> bytes:
    """Return first bytes first, then second bytes: alike stands by alike, and packs better."""
    return values.view(np.uint8).reshape(-1, values.itemsize).T.tobytes()


def _unplaned(body: bytes, width: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(body, np.uint8).reshape(width, -1).T.ravel()


def _inflate(compressed: bytes, size: int) -> bytes:
    """Return exactly `size` bytes: a blob cannot unfold to more than it announces."""
    opened = zlib.decompressobj()
    body = opened.decompress(compressed, size + 1)
    if len(body) != size or not opened.eof or opened.unused_data:
        raise UnreadableSamples(f"{len(body)} of {size} bytes")
    return body
