"""R peaks of a batch of ECG windows, of either polarity.

The energy of the QRS band is an envelope at 64 Hz, cut straight out of one Fourier transform. Its
maxima are judged against the level around them (so that a small beat in a quiet stretch counts),
against a stronger neighbour too close to be another beat (P and T waves), and against the rhythm
(a long gap is searched again with a lower bar). Constants were chosen on the design half of the
recordings and lie on plateaus: see bench/signals.md.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter, uniform_filter1d

from services.signals.beats import Beats, median_rows, pad_rows
from services.signals.spectrum import Spectrum, spectrum
from services.signals.window import BoolArray, Float32Array, FloatArray, IntArray, Windows, prepared

# Source: QRS energy lies at 5-22 Hz (Thakor 1984); a QRS lasts up to 160 ms.
QRS_BAND_HZ = (5.0, 22.0)
ENVELOPE_RATE_HZ = 64.0
SMOOTH_S = 0.13
REFRACTORY_S = 0.2
# Strength is energy over the median of the strongest beats in the blocks around.
LEVEL_BLOCK_S, LEVEL_BLOCKS = 2.0, 7
LEAST_STRENGTH, SURE_STRENGTH, SOUGHT_STRENGTH = 0.12, 0.30, 0.15
# Two waves closer than this are one beat's unless the weaker has this share of the stronger; the
# share falls from the refractory time on. A T wave follows its QRS by 0.2-0.4 s.
NEAR_S, NEAR_SHARE, FAR_SHARE = 0.4, 0.95, 0.4
# A gap of this many usual intervals hides a beat, which keeps clear of its neighbours.
GAP_INTERVALS, CLEAR_S = 1.6, 0.3
CENTRE_BAND_HZ = (5.0, 25.0)
CENTRE_RATE_HZ = 180.0
CENTRE_REACH_S = 0.12


@dataclass(frozen=True, slots=True, eq=False)
class _Waves:
    """Candidate waves of a batch, flat, ordered by window and time."""

    rows: IntArray
    times_s: FloatArray
    strength: Float32Array
    accepted: BoolArray


def r_peaks(ecg: Windows) -> Beats:
    """Return the R peaks of each window. Flat or empty windows have none."""
    return peaks_of(prepared(ecg), ecg.rate_hz)


def peaks_of(samples: Float32Array, rate_hz: float) -> Beats:
    """Return the R peaks of gap-free samples of two seconds or more, (windows, samples)."""
    whole = spectrum(samples, rate_hz)
    energy, energy_rate_hz = whole.envelope(*QRS_BAND_HZ, ENVELOPE_RATE_HZ)
    energy = uniform_filter1d(energy, max(1, round(SMOOTH_S * energy_rate_hz)), axis=1)
    waves = _drop_shadows(_candidates(energy, energy_rate_hz))
    waves = _fill_gaps(waves, len(samples), energy.shape[1] / energy_rate_hz)
    rows, times_s = waves.rows[waves.accepted], waves.times_s[waves.accepted]
    return Beats(pad_rows(rows, _centre(whole, rows, times_s), len(samples)))


def _candidates(energy: Float32Array, rate_hz: float) -> _Waves:
    """Return the local maxima, those clearly strong enough accepted."""
    highest = maximum_filter1d(energy, round(REFRACTORY_S * rate_hz) | 1, axis=1)
    bar = LEAST_STRENGTH * _level(energy, rate_hz)
    rows, at = np.nonzero((energy == highest) & (energy > bar))
    strength = energy[rows, at] * (LEAST_STRENGTH / bar[rows, at])
    return _Waves(rows, at / rate_hz, strength, strength > SURE_STRENGTH)


def _level(energy: Float32Array, rate_hz: float) -> Float32Array:
    """Return the usual height of a beat around each place, above zero; as `energy`."""
    block = min(round(LEVEL_BLOCK_S * rate_hz), energy.shape[1])
    count = energy.shape[1] // block
    tops = energy[:, : count * block].reshape(len(energy), count, block).max(axis=2)
    usual = median_filter(tops, size=(1, min(LEVEL_BLOCKS, count)), mode="nearest")
    place = np.minimum(np.arange(energy.shape[1]) // block, count - 1)
    level: Float32Array = np.maximum(usual, np.finfo(np.float32).tiny)[:, place]
    return level


def _drop_shadows(waves: _Waves) -> _Waves:
    """Return the waves without those that are the P or T wave of a stronger neighbour."""
    accepted = waves.accepted.copy()
    for _ in range(3):  # a P, a QRS and a T in a row need two passes
        kept = np.flatnonzero(accepted)
        before, after = kept[:-1], kept[1:]
        apart_s = waves.times_s[after] - waves.times_s[before]
        near = (waves.rows[before] == waves.rows[after]) & (apart_s < NEAR_S)
        if not near.any():
            break
        before, after, apart_s = before[near], after[near], apart_s[near]
        first, second = waves.strength[before], waves.strength[after]
        far = np.clip((apart_s - REFRACTORY_S) / (NEAR_S - REFRACTORY_S), 0, 1)
        share = NEAR_SHARE + (FAR_SHARE - NEAR_SHARE) * far
        shadow = np.minimum(first, second) < share * np.maximum(first, second)
        accepted[np.where(first < second, before, after)[shadow]] = False
    return replace(waves, accepted=accepted)


def _fill_gaps(waves: _Waves, count: int, duration_s: float) -> _Waves:
    """Return the waves with the strongest passed-over one accepted in every long gap."""
    kept = np.flatnonzero(waves.accepted)
    if not kept.size:
        return waves
    usual_s = _usual_interval_s(waves.rows[kept], waves.times_s[kept], count)
    following = np.searchsorted(kept, np.arange(len(waves.rows)))
    before, after = kept[np.maximum(following - 1, 0)], kept[np.minimum(following, len(kept) - 1)]
    alone = (following == 0) | (waves.rows[before] != waves.rows)
    start_s = np.where(alone, -CLEAR_S, waves.times_s[before])
    last = (following == len(kept)) | (waves.rows[after] != waves.rows)
    end_s = np.where(last, duration_s + CLEAR_S, waves.times_s[after])
    eligible = (
        ~waves.accepted
        & (waves.strength > SOUGHT_STRENGTH)
        & (end_s - start_s > GAP_INTERVALS * usual_s[waves.rows])
        & (waves.times_s - start_s > CLEAR_S)
        & (end_s - waves.times_s > CLEAR_S)
    )
    sought = np.flatnonzero(eligible)
    gap = following[sought] * count + waves.rows[sought]
    order = np.lexsort((-waves.strength[sought], gap))
    _, strongest = np.unique(gap[order], return_index=True)
    accepted = waves.accepted.copy()
    accepted[sought[order[strongest]]] = True
    return replace(waves, accepted=accepted)


def _usual_interval_s(rows: IntArray, times_s: FloatArray, count: int) -> FloatArray:
    """Return the median interval of each window, one second where there are too few beats."""
    laid = np.diff(pad_rows(rows, times_s, count), axis=1)
    few = np.isfinite(laid).sum(axis=1) < 3
    return np.where(few, 1.0, median_rows(laid))


def _centre(whole: Spectrum, rows: IntArray, times_s: FloatArray) -> FloatArray:
    """Return each beat's centre of energy, which sits on the QRS whatever its polarity."""
    wave, rate_hz = whole.band(*CENTRE_BAND_HZ, CENTRE_RATE_HZ)
    reach = int(CENTRE_REACH_S * rate_hz)
    middle = np.clip(np.rint(times_s * rate_hz).astype(np.intp), reach, wave.shape[1] - reach - 1)
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    power = wave[rows[:, None], middle[:, None] + offsets.astype(np.intp)] ** 2
    total = power.sum(axis=1)
    shift = np.divide(power @ offsets, total, out=np.zeros_like(total), where=total > 0)
    centred: FloatArray = (middle + shift) / rate_hz
    return centred
