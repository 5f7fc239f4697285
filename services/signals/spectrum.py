"""Band-pass, envelope and resampling of a whole batch from one forward Fourier transform.

The spectrum is computed once; each band is then cut out of it and transformed back at the low
rate that the band needs, which filters and resamples in a single cheap step for any input rate.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import fft

from services.signals.window import Float32Array

# The window's end is led back to its start over this time, so that the transform, which joins the
# two, sees no step there. Shorter rings, longer costs time.
_JOIN_S = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """The one-sided spectrum of a batch.

    bins: complex64, (windows, bins); step_hz: width of a bin; samples: length of each window;
    rate_hz: its rate; padded: length that was transformed.
    """

    bins: npt.NDArray[np.complex64]
    step_hz: float
    samples: int
    rate_hz: float
    padded: int

    def band(self, low_hz: float, high_hz: float, rate_hz: float) -> tuple[Float32Array, float]:
        """Return the band-passed batch and its rate, at least `rate_hz`. (windows, samples)"""
        size, first, part = self._cut(low_hz, high_hz, rate_hz)
        half = np.zeros((len(self.bins), size // 2 + 1), np.complex64)
        width = min(part.shape[1], half.shape[1] - first)
        half[:, first : first + width] = part[:, :width]
        back = fft.irfft(half, size, axis=1) * np.float32(size / self.padded)
        return self._trim(back, size)

    def envelope(self, low_hz: float, high_hz: float, rate_hz: float) -> tuple[Float32Array, float]:
        """Return the magnitude of the analytic signal of a band, and its rate. (windows, samples)

        Moving the band down to zero leaves its magnitude alone, so that `rate_hz` need only
        exceed the band's width.
        """
        size, _, part = self._cut(low_hz, high_hz, rate_hz)
        moved = np.zeros((len(self.bins), size), np.complex64)
        moved[:, : part.shape[1]] = part
        back = fft.ifft(moved, axis=1, overwrite_x=True)
        return self._trim(np.abs(back) * np.float32(2 * size / self.padded), size)

    def _cut(
        self, low_hz: float, high_hz: float, rate_hz: float
    ) -> tuple[int, int, npt.NDArray[np.complex64]]:
        """Return the size to transform back, the first bin of the band and its weighted bins."""
        even = int(np.ceil(self.padded * rate_hz / self.rate_hz / 2)) * 2
        size = fft.next_fast_len(even, real=True)
        size += size % 2
        first = int(np.ceil(0.7 * low_hz / self.step_hz))
        last = min(int(1.3 * high_hz / self.step_hz) + 1, self.bins.shape[1], first + size)
        weight = _weight(low_hz, high_hz, self.step_hz, first, last)
        return size, first, self.bins[:, first:last] * weight

    def _trim(self, padded: Float32Array, size: int) -> tuple[Float32Array, float]:
        rate_hz = self.rate_hz * size / self.padded
        return padded[:, : int(self.samples * size / self.padded)], rate_hz


@lru_cache(maxsize=64)
def _weight(low_hz: float, high_hz: float, step_hz: float, first: int, last: int) -> Float32Array:
    """Return the band's weights: 0 to 1 over ± 30 % of each edge, as a raised cosine."""
    frequency_hz = np.arange(first, last) * step_hz
    rise = np.clip((frequency_hz / low_hz - 0.7) / 0.6, 0, 1)
    fall = np.clip((1.3 - frequency_hz / high_hz) / 0.6, 0, 1)
    weight: Float32Array = np.square(np.sin(rise * np.pi / 2) * np.sin(fall * np.pi / 2)).astype(
        np.float32
    )
    weight.flags.writeable = False  # shared by every caller
    return weight


def spectrum(samples: Float32Array, rate_hz: float) -> Spectrum:
    """Return the spectrum of gap-free windows. samples: float32, (windows, samples)."""
    count, length = samples.shape
    padded = fft.next_fast_len(length + int(_JOIN_S * rate_hz), real=True)
    joined = np.empty((count, padded), np.float32)
    joined[:, :length] = samples
    ramp = np.linspace(0, 1, padded - length + 2, dtype=np.float32)[1:-1]
    first, last = samples[:, :1], samples[:, -1:]
    joined[:, length:] = last + (first - last) * ramp
    return Spectrum(
        fft.rfft(joined, axis=1, overwrite_x=True), rate_hz / padded, length, rate_hz, padded
    )
