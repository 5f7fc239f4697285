"""Measure the irregular-rhythm flag on annotated beats, split by subject.

    python bench/signals_rhythm.py --data DIR [--intervals 60] [--detected]

Intervals between annotated beats of MIT-BIH, ectopic ones included, in runs of 60 with a third
overlap kept apart by label: fibrillation in 90 % of the run against 10 % or less. Flutter is left
out. With --detected the intervals are those of the product's own R peaks, found in windows of 30 s
and corrected as in the features. DIR and the halves are as in bench/signals_quality.py.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import signals_bench as harness
from bench.signals_quality import area_under_curve
from bench.signals_split import HALVES, half_of
from services.signals.beats import Beats
from services.signals.ecg import r_peaks
from services.signals.intervals import intervals
from services.signals.rhythm import rhythm
from services.signals.window import Windows

WINDOW_S = 30
# Two windows may see the beat on their common edge once each.
LEAST_APART_S = 0.15
FloatArray = npt.NDArray[np.float64]


def runs(
    folder: Path, record: str, length: int, detected: bool
) -> tuple[list[FloatArray], list[bool]]:
    """Return runs of beat times in s and whether each is fibrillation."""
    held = harness.load(str(folder / "mitdb" / f"{record}.npz"))
    times_s = _found(held) if detected else held["ref_beats"] / held["fs"]
    label_at_s, labels = held["ref_rhythm_at"] / held["fs"], held["ref_rhythm"]
    place = np.maximum(np.searchsorted(label_at_s, times_s[1:], side="right") - 1, 0)
    named = np.array([str(labels[k]) for k in place])
    flutter_s = np.asarray(held["ref_flutter"]).reshape(-1, 2) / held["fs"]
    kept: list[FloatArray] = []
    fibrillation: list[bool] = []
    for begin in range(0, len(times_s) - length, length // 3):
        part = named[begin : begin + length]
        share = float((part == "(AFIB").mean())
        start_s, end_s = times_s[begin], times_s[begin + length]
        fluttering = any(start_s < e and end_s > s for s, e in flutter_s) or "(AFL" in part
        if fluttering or 0.1 < share < 0.9:
            continue
        kept.append(times_s[begin : begin + length + 1])
        fibrillation.append(share >= 0.9)
    return kept, fibrillation


def _found(held: dict[str, Any]) -> FloatArray:
    """Return the R peaks of a whole record, in s."""
    length = int(WINDOW_S * held["fs"])
    rows = held["ecg"][: len(held["ecg"]) // length * length].reshape(-1, length)
    beats = r_peaks(Windows(rows, held["fs"], "ecg"))
    times_s = np.concatenate([beats.of(row) + WINDOW_S * row for row in range(len(rows))])
    return times_s[np.diff(times_s, prepend=-1.0) > LEAST_APART_S]


def main() -> None:
    """Print area under the curve, sensitivity and specificity of each half."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, required=True)
    asked.add_argument("--intervals", type=int, default=60)
    asked.add_argument("--detected", action="store_true")
    given = asked.parse_args()
    for half in HALVES:
        found = [
            runs(given.data, r, given.intervals, given.detected)
            for r in half_of(given.data, "mitdb", half)
        ]
        times_s = np.array([run for kept, _ in found for run in kept])
        label = np.array([mark for _, marks in found for mark in marks])
        corrected = intervals(Beats(times_s)).counted_ms
        chance = rhythm(corrected if given.detected else np.diff(times_s) * 1000).probability
        print(
            f"{half}: runs {len(label)}, fibrillation {label.sum()},"
            f" area {area_under_curve(chance, label):.4f},"
            f" sensitivity {(chance[label] >= 0.5).mean():.3f},"
            f" specificity {(chance[~label] < 0.5).mean():.3f}"
        )


if __name__ == "__main__":
    main()
