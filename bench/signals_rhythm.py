"""Measure the irregular-rhythm flag on annotated beats, split by subject.

    python bench/signals_rhythm.py --data DIR [--intervals 60]

Intervals between annotated beats of MIT-BIH, ectopic ones included, in runs of 60 with a third
overlap kept apart by label: fibrillation in 90 % of the run against 10 % or less. Flutter is left
out. DIR and the halves are as in bench/signals_quality.py.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import signals_bench as harness
from signals_quality import area_under_curve
from signals_split import HALVES, half_of

from services.signals.rhythm import rhythm

FloatArray = npt.NDArray[np.float64]


def runs(folder: Path, record: str, length: int) -> tuple[list[FloatArray], list[bool]]:
    """Return runs of intervals in ms and whether each is fibrillation."""
    held = harness.load(str(folder / "mitdb" / f"{record}.npz"))
    times_s = held["ref_beats"] / held["fs"]
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
        kept.append(np.diff(times_s[begin : begin + length + 1]) * 1000)
        fibrillation.append(share >= 0.9)
    return kept, fibrillation


def main() -> None:
    """Print area under the curve, sensitivity and specificity of each half."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, required=True)
    asked.add_argument("--intervals", type=int, default=60)
    given = asked.parse_args()
    for half in HALVES:
        found = [runs(given.data, r, given.intervals) for r in half_of(given.data, "mitdb", half)]
        rr = np.array([run for kept, _ in found for run in kept])
        label = np.array([mark for _, marks in found for mark in marks])
        chance = rhythm(rr).probability
        print(
            f"{half}: runs {len(rr)}, fibrillation {label.sum()},"
            f" area {area_under_curve(chance, label):.4f},"
            f" sensitivity {(chance[label] >= 0.5).mean():.3f},"
            f" specificity {(chance[~label] < 0.5).mean():.3f}"
        )


if __name__ == "__main__":
    main()
