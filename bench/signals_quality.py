"""Fit and measure the quality grades and the rhythm flag on real recordings, split by subject.

    python bench/signals_quality.py --data DIR --kind ecg|ppg [--fit]

DIR holds manifest.json and the recordings that bench/signals_bench.py reads. Subjects in sorted
order take turns: even places are the design half, odd places the evaluation half. Every design
window is used as recorded and again with noise added, so that there are bad windows to learn from.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from bench import signals_bench as harness
from bench.signals_split import Half, half_of
from services.signals.ecg import r_peaks
from services.signals.intervals import intervals, rate_bpm
from services.signals.opinion import second_opinion, unsteadiness
from services.signals.ppg import upstrokes
from services.signals.quality import PURPOSES, Purpose, evidence_table, quality
from services.signals.spectrum import spectrum
from services.signals.template import agreement
from services.signals.window import Windows, prepared

FloatArray = npt.NDArray[np.float64]
Stream = Literal["ecg", "ppg"]
WINDOW_S, EDGE_S = 30.0, 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Windows of one half: evidence, product grades and measured errors, one row a window."""

    evidence: FloatArray
    probability: FloatArray
    rate_error_bpm: FloatArray
    interval_error_ms: FloatArray
    likeness_to_clean: FloatArray
    hits: FloatArray
    as_recorded: npt.NDArray[np.bool_]

    def right(self, purpose: Purpose) -> npt.NDArray[np.bool_]:
        """Return where the window gave a right answer for a purpose."""
        right: dict[Purpose, npt.NDArray[np.bool_]] = {
            Purpose.RATE: self.rate_error_bpm <= 2,
            Purpose.VARIABILITY: (self.interval_error_ms <= 20) & (self.rate_error_bpm <= 5),
            Purpose.MORPHOLOGY: self.likeness_to_clean >= 0.9,
            Purpose.RHYTHM: (self.interval_error_ms <= 40) & (self.rate_error_bpm <= 3),
        }
        return right[purpose]


def with_noise(samples: FloatArray, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """Return windows with white, wandering, burst or rhythmic noise over all or part of each."""
    length = samples.shape[1]
    noisy = samples.copy()
    for row in range(len(samples)):
        noise = _noise(length, rate_hz, rng)
        over = np.ones(length)
        if rng.uniform() < 0.6:
            begin, size = rng.integers(0, length), int(length * rng.uniform(0.1, 0.8))
            over[:] = 0
            over[begin : begin + size] = 1
        level = samples[row].std() * 10 ** (-rng.uniform(-12, 15) / 20)
        noisy[row] += level * over * noise / max(noise.std(), 1e-9)
    return noisy


def _noise(length: int, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    white = rng.normal(size=length)
    sort = rng.integers(4)
    if sort == 0:
        return white
    if sort == 1:
        walk = np.cumsum(white)
        return walk - np.linspace(walk[0], walk[-1], length)
    if sort == 2:
        bursts = np.zeros(length)
        for _ in range(rng.integers(2, 25)):
            begin, size = int(rng.integers(0, length)), int(rate_hz * rng.uniform(0.1, 1.2))
            room = min(size, length - begin)
            bursts[begin : begin + room] += rng.normal() * np.hanning(size)[:room]
        return bursts
    hz = rng.uniform(0.8, 4) * (1 + 0.1 * white)
    wave: FloatArray = np.sin(2 * np.pi * np.cumsum(hz) / rate_hz)
    return wave


def judge(folder: Path, kind: Stream, half: Half, copies: int, seed: int) -> Judged:
    """Return the judged windows of one half, as recorded and `copies` times with noise."""
    rng = np.random.default_rng(seed)
    parts: list[tuple[FloatArray, ...]] = []
    source = "mitdb" if kind == "ecg" else "bidmc"
    kept = half_of(folder, source, half)
    for name, samples, rate_hz, beats, keep, edges in harness.records([str(folder)], kind):
        if name not in kept:
            continue
        refs = [beats[(beats >= e) & (beats < e + WINDOW_S)] - e for e in edges]
        clean = Windows(samples, rate_hz, kind)
        lag_s = _lag(clean, refs, edges) if kind == "ppg" else 0.0
        for copy in range(copies + 1):
            dirty = samples if copy == 0 else with_noise(samples, rate_hz, rng)
            judged = _judge(clean, Windows(dirty, rate_hz, kind), refs, lag_s)
            known = keep & np.isfinite(judged[2])
            mark = np.full(len(samples), float(copy == 0))
            parts.append(tuple(column[known] for column in (*judged, mark)))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    evidence, probability, rate, interval, likeness, hits, mark = columns
    return Judged(evidence, probability, rate, interval, likeness, hits, mark == 1.0)


def _find(windows: Windows) -> Any:
    return r_peaks(windows) if windows.kind == "ecg" else upstrokes(windows)


def _lag(clean: Windows, refs: list[FloatArray], edges: FloatArray) -> float:
    found = _find(clean)
    whole = [found.of(row) + edge for row, edge in enumerate(edges)]
    wanted = [ref + edge for ref, edge in zip(refs, edges, strict=True)]
    return float(harness.best_lag(np.concatenate(wanted), np.concatenate(whole)))


def _judge(
    clean: Windows, dirty: Windows, refs: list[FloatArray], lag_s: float
) -> tuple[FloatArray, ...]:
    beats = _find(dirty)
    found = intervals(beats)
    evidence = evidence_table(
        agreement(dirty, beats).mean, second_opinion(dirty, beats), unsteadiness(found)
    )
    trust = quality(dirty, beats, found, np.full(dirty.count, np.nan))
    served_bpm = np.nan_to_num(rate_bpm(found, clean.kind))
    errors = np.array(
        [_errors(ref, lag_s, beats.of(row), served_bpm[row]) for row, ref in enumerate(refs)]
    )
    band_hz = (1.0, 30.0) if clean.kind == "ecg" else (0.5, 8.0)
    one, two = (spectrum(prepared(w), w.rate_hz).band(*band_hz, 60.0)[0] for w in (clean, dirty))
    alike = (one * two).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1) + 1e-12)
    return (
        evidence,
        trust.probability,
        errors[:, 0],
        errors[:, 1],
        alike.astype(np.float64),
        errors[:, 2:],
    )


def _errors(
    whole_s: FloatArray, lag_s: float, found_s: FloatArray, served_bpm: float
) -> tuple[float, float, float, int]:
    """Return error of the rate, mean error of matched intervals, matched beats, beats of both.

    The rate is the one that the product gives out: of its intervals, missed and extra beats
    repaired. It is what the grade for the rate is about, and is compared with the reference beats
    of the same whole window.
    """
    ref_s = whole_s + lag_s
    inner = [t[(t >= EDGE_S) & (t <= WINDOW_S - EDGE_S)] for t in (ref_s, found_s)]
    if len(inner[0]) < 5:
        return np.nan, np.nan, 0, 0
    error_bpm = abs(60 / np.diff(whole_s).mean() - served_bpm)
    a, b = harness.match(ref_s, found_s, 0.15)
    paired = (np.clip(t, EDGE_S, WINDOW_S - EDGE_S) == t for t in (ref_s[a], found_s[b]))
    hits = float(np.mean([side.sum() for side in paired]))  # a pair across the edge counts half
    counts = hits, len(inner[0]) + len(inner[1])
    pair = np.flatnonzero((np.diff(a) == 1) & (np.diff(b) == 1))
    if len(pair) < 6:
        return error_bpm, 999.0, *counts
    away = np.diff(found_s)[b[pair]] - np.diff(ref_s)[a[pair]]
    return error_bpm, float(np.abs(away).mean() * 1000), *counts


def fit(judged: Judged, purpose: Purpose) -> FloatArray:
    """Return logistic weights with a light ridge."""
    sign = 2.0 * judged.right(purpose) - 1

    def loss(weights: FloatArray) -> float:
        cost = np.logaddexp(0, -sign * (judged.evidence @ weights)).mean()
        return float(cost + 2e-4 * (weights[1:] ** 2).sum())

    # Unsteady intervals never speak for a window, whatever a small sample says.
    bounds = [(None, None), (0, None), (0, None), (None, 0)]
    best: FloatArray = minimize(loss, np.zeros(len(bounds)), bounds=bounds).x
    return best


def area_under_curve(score: FloatArray, right: npt.NDArray[np.bool_]) -> float:
    """Return the probability that a right window scores above a wrong one."""
    better = score[right][:, None] - score[~right][None]
    return float(((better > 0) + 0.5 * (better == 0)).mean()) if better.size else float("nan")


def _f1(hits: FloatArray) -> float:
    """Return F1 from matched beats and beats of both sides, (windows, 2)."""
    return float(2 * hits[:, 0].sum() / hits[:, 1].sum())


def report(judged: Judged) -> dict[str, Any]:
    """Return calibration and the error left at 90 % coverage, as the product grades."""
    plain = judged.as_recorded
    error, rank = judged.rate_error_bpm[plain], judged.probability[plain, 0]
    order = np.argsort(-rank, kind="stable")[: int(0.9 * len(error))]
    out: dict[str, Any] = {
        "windows": int(plain.sum()),
        "rate_mae_bpm": round(float(error.mean()), 3),
        "rate_mae_90_bpm": round(float(error[order].mean()), 3),
        "ratio": round(float(error[order].mean() / error.mean()), 3),
        "f1_150": round(_f1(judged.hits[plain]), 4),
        "f1_150_90": round(_f1(judged.hits[plain][order]), 4),
        "within5": round(float((error <= 5).mean()), 4),
        "within5_90": round(float((error[order] <= 5).mean()), 4),
    }
    for column, purpose in enumerate(PURPOSES):
        right, chance = judged.right(purpose), judged.probability[:, column]
        out[str(purpose)] = {
            "auc": round(area_under_curve(chance, right), 3),
            "brier": round(float(np.mean((chance - right) ** 2)), 4),
            "mean_probability": round(float(chance.mean()), 3),
            "right": round(float(right.mean()), 3),
            "accepted_as_recorded": round(float((chance[plain] >= 0.5).mean()), 3),
            "right_when_accepted": round(float(right[chance >= 0.5].mean()), 3),
        }
    return out


def main() -> None:
    """Print fitted weights or figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, required=True)
    asked.add_argument("--kind", choices=["ecg", "ppg"], required=True)
    asked.add_argument("--fit", action="store_true")
    given = asked.parse_args()
    copies = 1 if given.kind == "ecg" else 3
    design = judge(given.data, given.kind, "design", copies, seed=1)
    if given.fit:
        for purpose in PURPOSES:
            print(purpose, tuple(float(w) for w in fit(design, purpose).round(2)))
        return
    print("design", json.dumps(report(design)))
    print("evaluation", json.dumps(report(judge(given.data, given.kind, "evaluation", copies, 2))))


if __name__ == "__main__":
    main()
