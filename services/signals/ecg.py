"""R peaks of a batch of ECG windows, of either polarity.

The energy of the QRS band is an envelope at 64 Hz, cut straight out of one Fourier transform. Its
maxima are judged against the level around them (so that a small beat in a quiet stretch counts),
against a stronger neighbour too close to be another beat (P and T waves), and against the rhythm
(a long gap is searched again with a lower bar). Constants were chosen on the design half of the
recordings and lie on plateaus: see bench/signals.md.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d

from services.signals.beats import Beats, median_rows, pad_rows, summit
from services.signals.candidates import Rules, accept, candidates
from services.signals.spectrum import Spectrum, spectrum
from services.signals.window import Float32Array, FloatArray, IntArray, Windows, prepared

# Source: QRS energy lies at 5-22 Hz (Thakor 1984); a QRS lasts up to 160 ms.
QRS_BAND_HZ = (5.0, 22.0)
ENVELOPE_RATE_HZ = 64.0
SMOOTH_S = 0.13
# A T wave follows its QRS by 0.2-0.4 s, a P wave comes 0.12-0.25 s before it.
RULES = Rules(
    peak_width_s=0.2,
    level_block_s=2.0,
    level_blocks=7,
    least_strength=0.12,
    sure_strength=0.30,
    sought_strength=0.15,
    near_s=0.4,
    near_intervals=10.0,
    near_share=0.95,
    far_share=0.4,
    gap_intervals=1.6,
    clear_s=0.3,
)
CENTRE_BAND_HZ = (5.0, 25.0)
CENTRE_RATE_HZ = 180.0
CENTRE_REACH_S = 0.12
# The R peak is the extremum near the centre, on the side where most beats of the window point; a
# beat that points the other way (share of its other side below this) keeps its centre.
WAVE_BAND_HZ = (1.0, 35.0)
WAVE_RATE_HZ = 250.0
PEAK_REACH_S = 0.05
LEAST_SIDE = 0.5


def r_peaks(ecg: Windows) -> Beats:
    """Return the R peaks of each window. Flat or empty windows have none."""
    return peaks_of(prepared(ecg), ecg.rate_hz)


def peaks_of(samples: Float32Array, rate_hz: float) -> Beats:
    """Return the R peaks of gap-free samples of two seconds or more, (windows, samples)."""
    whole = spectrum(samples, rate_hz)
    energy, energy_rate_hz = whole.envelope(*QRS_BAND_HZ, ENVELOPE_RATE_HZ)
    energy = uniform_filter1d(energy, max(1, round(SMOOTH_S * energy_rate_hz)), axis=1)
    found = accept(candidates(energy, energy_rate_hz, RULES), RULES)
    centres_s = _centre(whole, found.rows, found.times_s)
    times_s = _peak(whole, found.rows, centres_s, len(samples))
    return Beats(pad_rows(found.rows, times_s, len(samples)))


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


def _peak(whole: Spectrum, rows: IntArray, centres_s: FloatArray, count: int) -> FloatArray:
    """Return each beat's R peak between samples, or its centre where it points the other way."""
    wave, rate_hz = whole.band(*WAVE_BAND_HZ, WAVE_RATE_HZ)
    reach = int(PEAK_REACH_S * rate_hz)
    last = wave.shape[1] - reach - 2
    middle = np.clip(np.rint(centres_s * rate_hz).astype(np.intp), reach + 1, last)
    near = wave[rows[:, None], middle[:, None] + np.arange(-reach, reach + 1)]
    up, down = np.maximum(near.max(axis=1), 1e-9), np.maximum(-near.min(axis=1), 1e-9)
    usual = median_rows(pad_rows(rows, np.log(up / down).astype(np.float64), count))
    side = np.where(usual[rows] >= 0, 1.0, -1.0).astype(np.float32)
    at = middle - reach + (near * side[:, None]).argmax(axis=1)
    agrees = np.where(side > 0, up > LEAST_SIDE * down, down > LEAST_SIDE * up)
    peaks_s = summit(wave, rows, at) / rate_hz
    return np.where(agrees, peaks_s, centres_s)
