"""Measure the pressure estimate against carry-forward on arterial lines, patient by patient.

    python bench/signals_pressure.py --data DIR

The arterial line of each record plays the cuff: a reading every k-th 30-second window, each
predicted from the one before it and only then used, for several k and every first window. Skill
and coverage are bootstrapped over patients. A few patients over minutes: this shows that the
estimate does no harm and covers, not that it would help at home.
"""

import argparse
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench import signals_bench as harness
from services.clinical.readings import Posture
from services.signals.ecg import r_peaks
from services.signals.features import extract
from services.signals.pressure import (
    Abstained,
    Circumstances,
    CuffOnly,
    Estimated,
    Moment,
    Tracker,
    estimate,
    observe,
)
from services.signals.skill import skill
from services.signals.window import Windows

FloatArray = npt.NDArray[np.float64]
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
HERE = Circumstances("as-is", "monitor", Posture.LYING)


def arterial_mmhg(pressure: FloatArray, ecg: Windows) -> FloatArray:
    """Return median systolic and diastolic of the beats of each window, (windows, 2)."""
    beats, out = r_peaks(ecg), np.full((len(pressure), 2), np.nan)
    for row, wave in enumerate(pressure):
        edges = np.rint(beats.of(row) * ecg.rate_hz).astype(int)
        parts = [wave[a:b] for a, b in pairwise(edges) if b - a > 30]
        if parts:
            out[row] = np.median([p.max() for p in parts]), np.median([p.min() for p in parts])
    return out


def moments(ecg: Windows, ppg: Windows) -> list[Moment]:
    """Return what the wearable would have seen in each window."""
    table = extract(ecg=ecg, ppg=ppg)
    return [
        Moment(
            START + timedelta(seconds=30 * row),
            HERE,
            float(table.column("pulse_arrival_ms")[row]),
            float(table.column("heart_rate_bpm")[row]),
            float(table.column("quality_rate")[row]),
            bool(table.column("irregular_rhythm")[row] == 1),
            False,
        )
        for row in range(ecg.count)
    ]


Row = tuple[float, float, bool, str]


def follow(path: Path, every: int) -> list[Row]:
    """Return error, carried error, covered and kind for each predicted reading of a record."""
    held = harness.load(str(path))
    length = int(30 * held["fs"])
    cut = {
        k: held[k][: len(held[k]) // length * length].reshape(-1, length)
        for k in ("ecg", "ppg", "abp")
    }
    ecg = Windows(cut["ecg"], held["fs"], "ecg", clock_id="monitor")
    ppg = Windows(cut["ppg"], held["fs"], "ppg", clock_id="monitor")
    truth = arterial_mmhg(cut["abp"], ecg)
    seen = moments(ecg, ppg)
    return [
        row for first in range(every) for row in _predicted(seen[first::every], truth[first::every])
    ]


def _predicted(seen: list[Moment], truth: FloatArray) -> list[Row]:
    tracker = Tracker()
    rows: list[Row] = []
    for moment, (systolic, diastolic) in zip(seen, truth, strict=True):
        if np.isnan([systolic, diastolic]).any():
            continue
        match estimate(tracker, moment):
            case Abstained():
                pass
            case (CuffOnly() | Estimated()) as given:
                assert tracker.cuff_mmhg is not None
                low, high = given.systolic_interval_mmhg
                ours = given.estimate.systolic_mmhg - float(systolic)
                carried = float(tracker.cuff_mmhg[0]) - float(systolic)
                rows.append((ours, carried, bool(low <= systolic <= high), given.kind))
        tracker = observe(tracker, moment, (systolic, diastolic))
    return rows


def report(folder: Path, every: int) -> str:
    """Return the figures of one distance between readings."""
    listed = json.loads((folder / "manifest.json").read_text())["records"]
    held = [
        (row["subject"], *predicted)
        for row in listed
        if "abp" in row["signals"]
        for predicted in follow(folder / row["file"], every)
    ]
    who, ours, theirs, inside, kinds = zip(*held, strict=True)
    _, group = np.unique(who, return_inverse=True)
    by_patient = [float(np.mean(np.array(inside)[group == k])) for k in np.unique(group)]
    return (
        f"{every / 2:g} min: {len(held)} predictions of {group.max() + 1} patients"
        f" {sorted(set(kinds))}; MAE {np.abs(ours).mean():.2f},"
        f" carried {np.abs(theirs).mean():.2f} mmHg;"
        f" {skill(np.array(ours), np.array(theirs), group)};"
        f" 90 % intervals cover {np.mean(inside):.3f}"
        f" (by patient {', '.join(f'{share:.2f}' for share in by_patient)})"
    )


def main() -> None:
    """Print error, ratio to carry-forward, skill and coverage for each distance."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, required=True)
    given = asked.parse_args()
    for every in (1, 2, 4):
        print(report(given.data, every))


if __name__ == "__main__":
    main()
