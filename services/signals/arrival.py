"""Pulse arrival time: from the R peak of the ECG to the foot of the PPG pulse."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.signals.beats import Beats, median_rows
from services.signals.window import FloatArray, Windows

# Ejection takes 50-150 ms to begin and the wave 100-350 ms to reach a finger; a device's filter may
# delay its PPG by 250 ms more, always by the same. Source: Mukkamala 2015, IEEE Trans Biomed Eng
# 62(8):1879; the delay, bedside recordings in bench/signals.md.
ARRIVAL_RANGE_MS = (80.0, 700.0)
LEAST_PAIRS = 10
# A window whose delays scatter more than this pairs the wrong beats.
MOST_SPREAD_MS = 40.0


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """Median arrival time of each window, its spread (1.48 × median deviation) and pairs used."""

    median_ms: FloatArray
    spread_ms: FloatArray
    pairs: FloatArray
    kind: Literal["arrival"] = "arrival"


@dataclass(frozen=True, slots=True)
class NoArrival:
    """The two streams cannot be compared in time."""

    reason: Literal["no_shared_clock"]
    kind: Literal["no_arrival"] = "no_arrival"


def share_clock(ecg: Windows, ppg: Windows) -> bool:
    """Return whether both streams name one and the same clock."""
    return ecg.clock_id is not None and ecg.clock_id == ppg.clock_id


def arrival(ecg: Windows, ppg: Windows, r_peaks: Beats, onsets: Beats) -> Arrival | NoArrival:
    """Return the arrival time of each window, refused without a shared clock.

    A delay between two clocks of 10 ms is worth about 10 mmHg, so that a guess is worse than none.
    A window with fewer than `LEAST_PAIRS` beats that pair up, or with scattered delays, is NaN.
    """
    if not share_clock(ecg, ppg):
        return NoArrival("no_shared_clock")
    delay_ms = _delays(r_peaks.times_s, onsets.times_s)
    pairs = np.isfinite(delay_ms).sum(axis=1).astype(np.float64)
    median = median_rows(delay_ms)
    spread = 1.4826 * median_rows(np.abs(delay_ms - median[:, None]))
    known = (pairs >= LEAST_PAIRS) & (spread <= MOST_SPREAD_MS)
    return Arrival(np.where(known, median, np.nan), np.where(known, spread, np.nan), pairs)


def _delays(peaks_s: FloatArray, onsets_s: FloatArray) -> FloatArray:
    """Return for each R peak the delay to the first foot in range, else NaN; as `peaks_s`, ms."""
    if not peaks_s.shape[1] or not onsets_s.shape[1]:
        return np.full(peaks_s.shape, np.nan)
    low_ms, high_ms = ARRIVAL_RANGE_MS
    ms = (onsets_s[:, None, :] - peaks_s[:, :, None]) * 1000.0
    ms = np.where((ms >= low_ms) & (ms <= high_ms), ms, np.inf).min(axis=2)
    return np.where(np.isfinite(ms), ms, np.nan)
