"""The product's beat detectors in the form that bench/signals_bench.py takes.

python bench/signals_bench.py --data DIR --kind ecg --det sleepecg: bench.detectors:ecg
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from services.signals.beats import Beats
from services.signals.ecg import r_peaks
from services.signals.ppg import upstrokes
from services.signals.window import Kind, Windows

FloatArray = npt.NDArray[np.float64]


class BatchDetector(Protocol):
    """Takes (windows, samples) or one window's samples; gives beat sample places, by window."""

    batch: bool

    def __call__(self, signal: FloatArray, rate_hz: float) -> list[FloatArray] | FloatArray: ...


class _Detector:
    batch = True

    def __init__(self, kind: Kind, find: Callable[[Windows], Beats]) -> None:
        self._kind = kind
        self._find = find

    def __call__(self, signal: FloatArray, rate_hz: float) -> list[FloatArray] | FloatArray:
        rows = np.atleast_2d(np.asarray(signal, dtype=np.float64))
        beats = self._find(Windows(rows, rate_hz, self._kind))
        places = [beats.of(row) * rate_hz for row in range(len(rows))]
        return places if np.ndim(signal) == 2 else places[0]


ecg: BatchDetector = _Detector("ecg", r_peaks)
ppg: BatchDetector = _Detector("ppg", upstrokes)
