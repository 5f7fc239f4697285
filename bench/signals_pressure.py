"""Measure the pressure estimate against carry-forward on arterial lines, patient by patient.

    python bench/signals_pressure.py --data DIR

The arterial line of each record plays the cuff: every other 30-second window is a reading that
calibrates, the window after it is predicted. Skill is bootstrapped over patients. A few patients
over minutes: this shows that the estimate does no harm and covers, not that it would help at home.
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


def follow(path: Path) -> list[tuple[float, float, bool, str]]:
    """Return error, carried error, covered and kind for each predicted window of a record."""
    held = harness.load(str(path))
    length = int(30 * held["fs"])
    cut = {
        k: held[k][: len(held[k]) // length * length].reshape(-1, length)
        for k in ("ecg", "ppg", "abp")
    }
    ecg = Windows(cut["ecg"], held["fs"], "ecg", clock_id="monitor")
    ppg = Windows(cut["ppg"], held["fs"], "ppg", clock_id="monitor")
    truth = arterial_mmhg(cut["abp"], ecg)
    tracker = Tracker()
    rows: list[tuple[float, float, bool, str]] = []
    for row, moment in enumerate(moments(ecg, ppg)):
        if np.isnan(truth[row]).any():
            continue
        if row % 2 == 0:
            tracker = observe(tracker, moment, (truth[row, 0], truth[row, 1]))
            continue
        match estimate(tracker, moment):
            case Abstained():
                continue
            case (CuffOnly() | Estimated()) as given:
                assert tracker.cuff_mmhg is not None
                low, high = given.systolic_interval_mmhg
                rows.append(
                    (
                        given.estimate.systolic_mmhg - float(truth[row, 0]),
                        float(tracker.cuff_mmhg[0]) - float(truth[row, 0]),
                        bool(low <= truth[row, 0] <= high),
                        given.kind,
                    )
                )
    return rows


def main() -> None:
    """Print error, ratio to carry-forward, skill and coverage."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, required=True)
    given = asked.parse_args()
    listed = json.loads((given.data / "manifest.json").read_text())["records"]
    errors, carried, covered, who, kinds = [], [], [], [], []
    for row in listed:
        if "abp" in row["signals"]:
            for error, carry, inside, kind in follow(given.data / row["file"]):
                errors.append(error)
                carried.append(carry)
                covered.append(inside)
                who.append(row["subject"])
                kinds.append(kind)
    _, group = np.unique(who, return_inverse=True)
    ours, theirs = np.array(errors), np.array(carried)
    print(f"predictions {len(ours)} of {group.max() + 1} patients; {sorted(set(kinds))}")
    print(f"MAE {np.abs(ours).mean():.2f}, carried {np.abs(theirs).mean():.2f} mmHg")
    print(f"skill {skill(ours, theirs, group)}; 90 % intervals cover {np.mean(covered):.3f}")


if __name__ == "__main__":
    main()
