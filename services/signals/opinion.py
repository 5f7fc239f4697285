"""A second opinion on the beats of a window: another detector, and how steady the intervals are.

Source: Li & Clifford 2012 (agreement of two detectors as a quality index).
"""

import numpy as np
from scipy.ndimage import uniform_filter1d

from services.signals import ecg as ecg_beats
from services.signals import ppg as ppg_beats
from services.signals.beats import Beats, mean_rows, median_rows, pad_rows
from services.signals.candidates import accept, candidates
from services.signals.intervals import Intervals
from services.signals.spectrum import spectrum
from services.signals.window import FloatArray, Windows, prepared

# The second detector looks where the first does not: for ECG above the T wave's band, for PPG at
# the height of the slow wave, which tops out up to 0.35 s after its upstroke.
ECG_BAND_HZ, ECG_REACH_S = (10.0, 30.0), (-0.1, 0.1)
PPG_BAND_HZ, PPG_REACH_S = (0.7, 3.0), (0.0, 0.35)
SMOOTH_S = 0.08


def second_opinion(windows: Windows, beats: Beats) -> FloatArray:
    """Return the share of beats that both detectors see, 0 to 1; (windows,)."""
    others_s = _others(windows)
    count = beats.count + np.isfinite(others_s).sum(axis=1)
    if not beats.times_s.shape[1] or not others_s.shape[1]:
        return np.zeros(windows.count)
    low_s, high_s = ECG_REACH_S if windows.kind == "ecg" else PPG_REACH_S
    delay_s = others_s[:, None, :] - beats.times_s[:, :, None]
    seen = ((delay_s >= low_s) & (delay_s <= high_s)).any(axis=2).sum(axis=1)
    share: FloatArray = 2 * seen / np.maximum(count, 1)
    return np.minimum(share, 1.0)


def _others(windows: Windows) -> FloatArray:
    whole = spectrum(prepared(windows), windows.rate_hz)
    if windows.kind == "ecg":
        height, rate_hz = whole.envelope(*ECG_BAND_HZ, ecg_beats.ENVELOPE_RATE_HZ)
        height = uniform_filter1d(height, max(1, round(SMOOTH_S * rate_hz)), axis=1)
        rules = ecg_beats.RULES
    else:
        height, rate_hz = whole.band(*PPG_BAND_HZ, ppg_beats.PULSE_RATE_HZ)
        rules = ppg_beats.RULES
    found = accept(candidates(height, rate_hz, rules), rules)
    return pad_rows(found.rows, found.times_s, windows.count)


def unsteadiness(found: Intervals) -> FloatArray:
    """Return mean less median of the relative change from interval to interval; (windows,).

    A few missed or extra beats raise the mean alone; a rhythm that is irregular throughout raises
    both. NaN with fewer than two intervals.
    """
    usual = median_rows(found.rr_ms)[:, None]
    change = np.abs(np.diff(found.rr_ms, axis=1)) / usual
    return mean_rows(change) - median_rows(change)
