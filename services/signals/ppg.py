"""Onsets and systolic peaks of a batch of PPG windows."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d

from services.signals.beats import Beats, pad_rows
from services.signals.spectrum import spectrum
from services.signals.window import Float32Array, FloatArray, IntArray, Windows, prepared

PULSE_BAND_HZ = (0.6, 6.0)
PULSE_RATE_HZ = 25.0
SEPARATION_S = 0.3
THRESHOLD = 0.35
LEVEL_BLOCKS = 15


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
    """Return the pulse waves of gap-free samples, (windows, samples)."""
    wave, wave_rate_hz = spectrum(samples, rate_hz).band(*PULSE_BAND_HZ, PULSE_RATE_HZ)
    slope = np.gradient(wave, axis=1)
    rows, at = _upstrokes(slope, wave_rate_hz)
    steep = _between(slope, rows, at)
    foot, top = _foot(wave, slope, rows, at), _top(wave, rows, at, wave_rate_hz)

    def laid(place: FloatArray) -> Beats:
        return Beats(pad_rows(rows, place / wave_rate_hz, len(samples)))

    return Pulses(laid(foot), laid(top), laid(steep))


def _upstrokes(slope: Float32Array, rate_hz: float) -> tuple[IntArray, IntArray]:
    reach = maximum_filter1d(slope, round(SEPARATION_S * rate_hz) | 1, axis=1)
    block = max(1, slope.shape[1] // LEVEL_BLOCKS)
    blocks = slope[:, : slope.shape[1] // block * block].reshape(len(slope), -1, block)
    level = np.median(blocks.max(axis=2), axis=1)
    inside = slice(1, slope.shape[1] - 1)
    found = (slope == reach) & (slope > THRESHOLD * level[:, None]) & (slope > 0)
    rows, at = np.nonzero(found[:, inside])
    return rows, at + 1


def _between(values: Float32Array, rows: IntArray, at: IntArray) -> FloatArray:
    """Return the maximum's place to a fraction of a sample, by the parabola through three."""
    left, mid, right = (values[rows, at + k].astype(np.float64) for k in (-1, 0, 1))
    bend = left - 2 * mid + right
    shift = np.divide(0.5 * (left - right), bend, out=np.zeros(len(at)), where=bend < 0)
    top: FloatArray = at + np.clip(shift, -0.5, 0.5)
    return top


def _foot(wave: Float32Array, slope: Float32Array, rows: IntArray, at: IntArray) -> FloatArray:
    """Return where the tangent at the steepest point meets the level of the trough before it.

    Source: Chiu 1991, intersecting tangents, the least variable foot for arrival time.
    """
    back = np.arange(-10, 1)  # 0.4 s at 25 Hz: a rise lasts 0.1-0.3 s
    before = wave[rows[:, None], np.maximum(at[:, None] + back, 0)]
    trough = before.min(axis=1)
    steepness = np.maximum(slope[rows, at], 1e-12)
    foot: FloatArray = at - np.clip((wave[rows, at] - trough) / steepness, 0, 10)
    return foot


def _top(wave: Float32Array, rows: IntArray, at: IntArray, rate_hz: float) -> FloatArray:
    """Return the first maximum after the steepest point, to a fraction of a sample."""
    last = wave.shape[1] - 2
    ahead = np.arange(1, round(0.4 * rate_hz) + 1)
    place = np.minimum(at[:, None] + ahead, last)
    falls = wave[rows[:, None], place] >= wave[rows[:, None], np.minimum(place + 1, last + 1)]
    first = np.where(falls.any(axis=1), falls.argmax(axis=1), len(ahead) - 1)
    top = place[np.arange(len(at)), first] if len(at) else at
    return _between(wave, rows, np.clip(top, 1, last))
