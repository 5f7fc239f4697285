"""Heart-rate variability in the time domain and from the Poincaré plot."""

from dataclasses import dataclass

import numpy as np

from services.signals.beats import mean_rows
from services.signals.window import FloatArray

# Fewer intervals than this give a number that says little about the person.
# Source: ultra-short RMSSD agrees with 5 min from about 30 s (Munoz 2015); 20 beats is 30 s at 40.
LEAST_INTERVALS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Variability:
    """Time-domain variability of each window; NaN where there are too few intervals. (windows,)

    Source: Task Force 1996, Eur Heart J 17:354; Brennan 2001 for SD1 and SD2.
    """

    mean_nn_ms: FloatArray
    sdnn_ms: FloatArray
    rmssd_ms: FloatArray
    pnn50_fraction: FloatArray
    poincare_sd1_ms: FloatArray
    poincare_sd2_ms: FloatArray


def variability(normal_ms: FloatArray) -> Variability:
    """Return the variability of corrected intervals, (windows, intervals), NaN-padded, in ms."""
    change = np.diff(normal_ms, axis=1)
    enough = np.isfinite(normal_ms).sum(axis=1) >= LEAST_INTERVALS
    mean = mean_rows(normal_ms)
    sdnn = _sd(normal_ms)
    rmssd = np.sqrt(mean_rows(change**2))
    sd1 = _sd(change) / np.sqrt(2)
    sd2 = np.sqrt(np.maximum(2 * sdnn**2 - sd1**2, 0.0))
    far = np.where(np.isfinite(change), (np.abs(change) > 50.0).astype(np.float64), np.nan)

    def known(values: FloatArray) -> FloatArray:
        return np.where(enough, values, np.nan)

    return Variability(
        known(mean), known(sdnn), known(rmssd), known(mean_rows(far)), known(sd1), known(sd2)
    )


def _sd(values: FloatArray) -> FloatArray:
    """Return each row's standard deviation with n − 1; NaN below two values."""
    count = np.isfinite(values).sum(axis=1)
    away = values - mean_rows(values)[:, None]
    total = np.nansum(away**2, axis=1)
    spread: FloatArray = np.sqrt(
        np.divide(total, count - 1, out=np.full(len(count), np.nan), where=count > 1)
    )
    return spread
