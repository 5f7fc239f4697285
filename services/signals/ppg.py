"""Onsets, upstrokes and systolic peaks of a batch of PPG windows.

Beats are the steepest rises of the pulse wave. A rise counts against the level around it, against
a steeper neighbour too close to be another beat (the dicrotic wave), and against the rhythm (a
long gap is searched again). Beats are found at 25 Hz, which holds all of a pulse wave; feet are
found between samples. Constants were chosen on the design half: see bench/signals.md.
"""

from dataclasses import dataclass

import numpy as np

from services.signals.beats import Beats, pad_rows, summit
from services.signals.candidates import Rules, accept, candidates
from services.signals.spectrum import spectrum
from services.signals.window import Float32Array, FloatArray, IntArray, Windows, prepared

# Source: pulse rates of 36-360 per minute; the wave's shape lies below 8 Hz (Charlton 2022).
PULSE_BAND_HZ = (0.6, 6.0)
PULSE_RATE_HZ = 25.0
# A dicrotic wave follows its upstroke by up to 0.7 of the interval.
RULES = Rules(
    peak_width_s=0.4,
    level_block_s=1.5,
    level_blocks=5,
    least_strength=0.04,
    sure_strength=0.10,
    sought_strength=0.05,
    near_s=0.8,
    near_intervals=0.7,
    near_share=0.9,
    far_share=0.4,
    gap_intervals=1.6,
    clear_s=0.25,
)


@dataclass(frozen=True, slots=True, eq=False)
class Pulses:
    """Pulse waves of a batch, one column a pulse.

    onsets: foot of the rise by intersecting tangents; peaks: systolic maximum; upstrokes: the
    steepest point, which has the least jitter and is the one to take intervals from.
    """

    onsets: Beats
    peaks: Beats
    upstrokes: Beats


def pulses(ppg: Windows) -> Pulses:
    """Return the pulse waves of each window. Flat or empty windows have none."""
    return pulses_of(prepared(ppg), ppg.rate_hz)


def pulses_of(samples: Float32Array, rate_hz: float) -> Pulses:
    """Return the pulse waves of gap-free samples of two seconds or more, (windows, samples)."""
    rises = _rises(samples, rate_hz)
    return Pulses(rises.laid(_foot(rises)), rises.laid(_top(rises)), rises.laid(_steepest(rises)))


def upstrokes(ppg: Windows) -> Beats:
    """Return the upstrokes alone, as `pulses`, where no more than the beats is wanted."""
    rises = _rises(prepared(ppg), ppg.rate_hz)
    return rises.laid(_steepest(rises))


@dataclass(frozen=True, slots=True, eq=False)
class _Rises:
    """The wave, its slope and the accepted places of steepest rise, at `rate_hz`."""

    wave: Float32Array
    slope: Float32Array
    rate_hz: float
    rows: IntArray
    at: IntArray

    def laid(self, place: FloatArray) -> Beats:
        """Return places in samples as beats in seconds."""
        return Beats(pad_rows(self.rows, place / self.rate_hz, len(self.wave)))


def _rises(samples: Float32Array, rate_hz: float) -> _Rises:
    wave, wave_rate_hz = spectrum(samples, rate_hz).band(*PULSE_BAND_HZ, PULSE_RATE_HZ)
    slope = np.gradient(wave, axis=1)
    found = accept(candidates(slope, wave_rate_hz, RULES), RULES)
    at = np.rint(found.times_s * wave_rate_hz).astype(np.intp)
    return _Rises(wave, slope, wave_rate_hz, found.rows, at)


def _steepest(rises: _Rises) -> FloatArray:
    return summit(rises.slope, rises.rows, rises.at)


def _foot(rises: _Rises) -> FloatArray:
    """Return where the tangent at the steepest point meets the level of the trough before it.

    Source: Chiu 1991, intersecting tangents, the least variable foot for arrival time.
    """
    wave, rows, at = rises.wave, rises.rows, rises.at
    back = np.arange(-10, 1)  # 0.4 s at 25 Hz: a rise lasts 0.1-0.3 s
    before = wave[rows[:, None], np.maximum(at[:, None] + back, 0)]
    trough = before.min(axis=1)
    steepness = np.maximum(rises.slope[rows, at], 1e-12)
    foot: FloatArray = at - np.clip((wave[rows, at] - trough) / steepness, 0, 10)
    return foot


def _top(rises: _Rises) -> FloatArray:
    """Return the first maximum after the steepest point, to a fraction of a sample."""
    wave, rows, at = rises.wave, rises.rows, rises.at
    last = wave.shape[1] - 2
    ahead = np.arange(1, round(0.4 * rises.rate_hz) + 1)
    place = np.minimum(at[:, None] + ahead, last)
    falls = wave[rows[:, None], place] >= wave[rows[:, None], np.minimum(place + 1, last + 1)]
    first = np.where(falls.any(axis=1), falls.argmax(axis=1), len(ahead) - 1)
    top = place[np.arange(len(at)), first] if len(at) else at
    return summit(wave, rows, np.clip(top, 1, last))
