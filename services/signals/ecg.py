"""R peaks of a batch of ECG windows, of either polarity."""

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from services.signals.beats import Beats, pad_rows
from services.signals.spectrum import Spectrum, spectrum
from services.signals.window import Float32Array, FloatArray, IntArray, Windows, prepared

QRS_BAND_HZ = (5.0, 22.0)
ENVELOPE_RATE_HZ = 64.0
SMOOTH_S = 0.13
REFRACTORY_S = 0.2
THRESHOLD = 0.35
LEVEL_BLOCKS = 15
CENTRE_BAND_HZ = (5.0, 25.0)
CENTRE_RATE_HZ = 180.0
CENTRE_REACH_S = 0.12


def r_peaks(ecg: Windows) -> Beats:
    """Return the R peaks of each window. Flat or empty windows have none."""
    return peaks_of(prepared(ecg), ecg.rate_hz)


def peaks_of(samples: Float32Array, rate_hz: float) -> Beats:
    """Return the R peaks of gap-free samples, (windows, samples)."""
    whole = spectrum(samples, rate_hz)
    energy, energy_rate_hz = whole.envelope(*QRS_BAND_HZ, ENVELOPE_RATE_HZ)
    energy = uniform_filter1d(energy, max(1, round(SMOOTH_S * energy_rate_hz)), axis=1)
    rows, at = _candidates(energy, energy_rate_hz)
    times_s = _centre(whole, rows, at / energy_rate_hz)
    return Beats(pad_rows(rows, times_s, len(samples)))


def _candidates(energy: Float32Array, rate_hz: float) -> tuple[IntArray, IntArray]:
    reach = maximum_filter1d(energy, round(REFRACTORY_S * rate_hz) | 1, axis=1)
    block = max(1, energy.shape[1] // LEVEL_BLOCKS)
    blocks = energy[:, : energy.shape[1] // block * block].reshape(len(energy), -1, block)
    level = np.median(blocks.max(axis=2), axis=1)
    rows, at = np.nonzero((energy == reach) & (energy > THRESHOLD * level[:, None]) & (energy > 0))
    return rows, at


def _centre(whole: Spectrum, rows: IntArray, times_s: FloatArray) -> FloatArray:
    """Return each beat's centre of energy, which sits on the R peak whatever its polarity."""
    wave, rate_hz = whole.band(*CENTRE_BAND_HZ, CENTRE_RATE_HZ)
    reach = int(CENTRE_REACH_S * rate_hz)
    if wave.shape[1] < 2 * reach + 1 or not rows.size:
        return times_s
    middle = np.clip(np.rint(times_s * rate_hz).astype(np.intp), reach, wave.shape[1] - reach - 1)
    offsets = np.arange(-reach, reach + 1)
    power = wave[rows[:, None], middle[:, None] + offsets] ** 2
    total = power.sum(axis=1)
    shift = np.divide(power @ offsets, total, out=np.zeros(len(total)), where=total > 0)
    centred: FloatArray = (middle + shift) / rate_hz
    return centred
