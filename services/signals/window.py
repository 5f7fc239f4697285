"""A batch of windows of one kind of stream: samples, rate, clock and gaps, with nothing guessed."""

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

Kind = Literal["ppg", "ecg", "accelerometer"]
KINDS: tuple[Kind, ...] = ("ppg", "ecg", "accelerometer")

# Below 25 Hz a pulse wave loses its shape; above 1000 Hz no wearable samples.
# Source: Charlton 2025 (MSPTDfast v2 works from 20 Hz); Task Force 1996 (HRV, 250-1000 Hz).
RATE_RANGE_HZ = (25.0, 1000.0)

# No converter gives more than this in any unit: beyond it is a marker or a fault, not a sample.
MOST_MEASURED = 1e12


class WindowRefused(ValueError):
    """The batch was built wrongly. Correct the caller; the data are not at fault."""


class WrongShape(WindowRefused):
    """Samples are not (windows, samples), or a mask or a second stream does not fit them."""


class UnknownKind(WindowRefused):
    """The kind of stream is none of `KINDS`."""


class RateOutOfRange(WindowRefused):
    """The sampling rate is missing, not finite, or outside `RATE_RANGE_HZ`."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Windows of one stream, all of one rate and one length.

    samples: float, (windows, samples); ECG in any unit, PPG in any unit with a rising pulse,
        accelerometer in g, either its magnitude or (windows, samples, 3) axes. NaN is missing.
    rate_hz: samples per second, within `RATE_RANGE_HZ`.
    gaps: True where no sample was taken, (windows, samples); NaN counts as a gap as well.
    clock_id: names the clock that timed the samples; None when it is not known. Two streams may
        be compared in time only when both name the same clock.
    baseline_kept: the PPG still carries its constant part (needed for the perfusion index).

    Raises:
        WrongShape, UnknownKind, RateOutOfRange: see there.
    """

    samples: npt.NDArray[np.floating]
    rate_hz: float
    kind: Kind
    gaps: BoolArray | None = None
    clock_id: str | None = None
    baseline_kept: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownKind(f"kind {self.kind!r} is none of {', '.join(KINDS)}")
        _require_rate(self.rate_hz)
        _require_shape(self.samples, self.kind)
        if self.gaps is not None and self.gaps.shape != self.samples.shape[:2]:
            raise WrongShape(f"gaps {self.gaps.shape} do not fit samples {self.samples.shape[:2]}")

    @property
    def count(self) -> int:
        """Number of windows."""
        return int(self.samples.shape[0])

    @property
    def duration_s(self) -> float:
        """Length of each window in seconds."""
        return float(self.samples.shape[1]) / self.rate_hz

    def _is_whole(self) -> bool:
        """Return whether every sample is a measured number: two reductions, no array made."""
        if self.samples.size == 0:
            return True
        # A NaN makes both comparisons false.
        return bool(self.samples.max() <= MOST_MEASURED and self.samples.min() >= -MOST_MEASURED)

    def missing(self) -> BoolArray:
        """Return where there is no sample: a gap, or what is no measured number; as the windows."""
        if self._is_whole():
            return np.zeros(self.samples.shape[:2], np.bool_) if self.gaps is None else self.gaps
        with np.errstate(invalid="ignore"):
            measured = np.abs(self.samples) <= MOST_MEASURED  # False for NaN
        unknown: BoolArray = ~(measured.all(axis=2) if measured.ndim == 3 else measured)
        return unknown if self.gaps is None else unknown | self.gaps


def _require_rate(rate_hz: float) -> None:
    low_hz, high_hz = RATE_RANGE_HZ
    if not low_hz <= rate_hz <= high_hz:  # also False for NaN
        raise RateOutOfRange(f"rate {rate_hz} Hz is outside {low_hz:g}-{high_hz:g} Hz")


def _require_shape(samples: npt.NDArray[np.floating], kind: Kind) -> None:
    if not np.issubdtype(samples.dtype, np.floating):
        raise WrongShape(f"samples must be floating point, not {samples.dtype}")
    match kind:
        case "ppg" | "ecg":
            fits = samples.ndim == 2
        case "accelerometer":
            fits = samples.ndim == 2 or (samples.ndim == 3 and samples.shape[2] == 3)
        case _:
            assert_never(kind)
    if not fits:
        raise WrongShape(f"{kind} samples have shape {samples.shape}")


def bridge(samples: npt.NDArray[np.floating], missing: BoolArray) -> Float32Array:
    """Return float32 samples with gaps bridged by straight lines, each window's mean removed.

    A window with no sample at all becomes zeros. Shape as `samples` (windows, samples). The level
    is removed before the change to float32, so that a small pulse on a large offset survives.
    """
    rows = np.flatnonzero(missing.any(axis=1))
    if rows.size:
        samples = samples.copy()
        at = np.arange(samples.shape[1])
        for row in rows:
            known = ~missing[row]
            samples[row] = np.interp(at, at[known], samples[row, known]) if known.any() else 0.0
    return _level(samples)


# What is shorter is lengthened with zeros: the filters need room to ring out.
_LEAST_FILTERED_S = 2.0


def prepared(windows: Windows) -> Float32Array:
    """Return the bridged samples of an ECG or PPG batch, at least two seconds long."""
    bridged = bridge(windows.samples, windows.missing())
    lacking = int(np.ceil(_LEAST_FILTERED_S * windows.rate_hz)) - bridged.shape[1]
    return np.pad(bridged, ((0, 0), (0, lacking))) if lacking > 0 else bridged


def _level(samples: npt.NDArray[np.floating]) -> Float32Array:
    if samples.shape[1] == 0:
        return samples.astype(np.float32)
    levelled = np.empty(samples.shape, np.float32)
    level = samples.mean(axis=1, keepdims=True, dtype=np.float64)
    np.subtract(samples, level, out=levelled, casting="same_kind")  # rounded after the difference
    return levelled
