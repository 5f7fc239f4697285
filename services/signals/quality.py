"""How far each window can be trusted, for each purpose, with a probability and named reasons."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from services.signals.beats import Beats
from services.signals.coverage import Coverage, coverage
from services.signals.intervals import Intervals, rate_bpm
from services.signals.opinion import second_opinion, unsteadiness
from services.signals.template import agreement, polarity
from services.signals.window import BoolArray, FloatArray, Kind, Windows


class Purpose(StrEnum):
    """What a window may be used for."""

    RATE = "rate"
    VARIABILITY = "variability"
    MORPHOLOGY = "morphology"
    RHYTHM = "rhythm"


class Flaw(StrEnum):
    """A named reason to trust a window less."""

    NO_SAMPLES = "no_samples"
    TOO_SHORT = "too_short"
    GAPS = "gaps"
    NAN = "nan"
    FLAT_LINE = "flat_line"
    SATURATED = "saturated"
    WRONG_RATE = "wrong_rate"
    REVERSED_POLARITY = "reversed_polarity"
    TOO_FEW_BEATS = "too_few_beats"
    UNSTEADY_INTERVALS = "unsteady_intervals"
    DETECTORS_DISAGREE = "detectors_disagree"
    LOW_TEMPLATE_AGREEMENT = "low_template_agreement"
    MOTION = "motion"
    STREAMS_CONTRADICT = "streams_contradict"


PURPOSES: tuple[Purpose, ...] = tuple(Purpose)
FLAWS: tuple[Flaw, ...] = tuple(Flaw)
# These end every use of a window; the others are reasons given for a low probability.
DISQUALIFYING = frozenset(FLAWS) - {
    Flaw.UNSTEADY_INTERVALS,
    Flaw.DETECTORS_DISAGREE,
    Flaw.LOW_TEMPLATE_AGREEMENT,
}

# Source: chosen: 5 beats give a rate; 10 % missing is one breath of a 30 s window.
LEAST_DURATION_S = 5.0
LEAST_BEATS = 4
MOST_MISSING = 0.1
MOST_FLAT = 0.1
MOST_CLIPPED = 0.05
# A QRS complex needs 80 Hz to be told from a T wave. Source: Kwon 2018 (50 Hz loses R peaks).
LEAST_ECG_RATE_HZ = 80.0
# Beyond these the samples do not have the rate that they claim. Source: CLINICAL pulse range of
# a monitor, 20-250; a resting person outside 25-220 is an emergency, not a wearable's window.
RATE_RANGE_BPM = (25.0, 220.0)
# Mean amplitude deviation of moderate activity and above. Source: Vähä-Ypyä 2015.
MOST_MOTION_G = 0.091
LEAST_POLARITY = -0.05
LEAST_AGREEMENT: dict[Kind, float] = {"ecg": 0.66, "ppg": 0.86}  # Source: Orphanidou 2015
LEAST_OPINION = 0.8
MOST_UNSTEADY = 0.1
USABLE_AT = 0.5

# Logistic weights: constant, template agreement, second opinion, unsteadiness. What is predicted:
# rate within 2 per minute; mean interval error up to 20 ms; shape correlated 0.9 with the clean
# one; mean interval error up to 40 ms with the rate within 3.
# Source: fitted on the design half, as recorded and with added noise, by bench/signals_quality.py.
WEIGHTS: dict[Kind, dict[Purpose, tuple[float, float, float, float]]] = {
    "ecg": {
        Purpose.RATE: (-8.95, 3.9, 8.23, -5.21),
        Purpose.VARIABILITY: (-9.07, 5.98, 7.23, -3.09),
        Purpose.MORPHOLOGY: (-8.66, 8.17, 3.18, -1.03),
        Purpose.RHYTHM: (-9.27, 4.7, 8.57, -3.62),
    },
    "ppg": {
        Purpose.RATE: (-9.8, 7.52, 4.28, -5.06),
        Purpose.VARIABILITY: (-10.35, 7.99, 4.38, 0.0),
        Purpose.MORPHOLOGY: (-12.08, 9.74, 4.79, -1.84),
        Purpose.RHYTHM: (-11.15, 7.84, 5.94, -0.89),
    },
}


@dataclass(frozen=True, slots=True)
class Grade:
    """The trust in one window for one purpose."""

    purpose: Purpose
    usable: bool
    probability: float
    reasons: tuple[Flaw, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """Trust in a batch: probability and usable are (windows, purposes), flaws (windows, flaws)."""

    probability: FloatArray
    usable: BoolArray
    flaws: BoolArray

    def grade(self, row: int, purpose: Purpose) -> Grade:
        """Return the grade of one window."""
        column = PURPOSES.index(purpose)
        return Grade(
            purpose,
            bool(self.usable[row, column]),
            float(self.probability[row, column]),
            self.reasons(row),
        )

    def reasons(self, row: int) -> tuple[Flaw, ...]:
        """Return the flaws of one window, in the order of `FLAWS`."""
        return tuple(flaw for flaw, there in zip(FLAWS, self.flaws[row], strict=True) if there)

    def usable_for(self, purpose: Purpose) -> BoolArray:
        """Return which windows may be used for a purpose. (windows,)"""
        column: BoolArray = self.usable[:, PURPOSES.index(purpose)]
        return column


@dataclass(frozen=True, slots=True, eq=False)
class _Evidence:
    cover: Coverage
    beats: Beats
    likeness: FloatArray
    opinion: FloatArray
    unsteady: FloatArray
    rate_bpm: FloatArray
    polarity: FloatArray
    deviation_g: FloatArray


def quality(
    windows: Windows, beats: Beats, beat_intervals: Intervals, deviation_g: FloatArray
) -> Quality:
    """Return the trust in each ECG or PPG window.

    deviation_g: mean amplitude deviation of the same moment, NaN where not known. (windows,)
    """
    none = np.full(windows.count, np.nan)
    evidence = _Evidence(
        coverage(windows),
        beats,
        agreement(windows, beats).mean,
        second_opinion(windows, beats),
        unsteadiness(beat_intervals),
        rate_bpm(beat_intervals, windows.kind),
        polarity(windows) if windows.kind == "ppg" else none,
        deviation_g,
    )
    flaws = _flaws(windows, evidence)
    ended = np.any(flaws[:, [flaw in DISQUALIFYING for flaw in FLAWS]], axis=1, keepdims=True)
    probability = np.where(ended, 0.0, _probability(windows, evidence))
    return Quality(probability, probability >= USABLE_AT, flaws)


def contradicted(trust: Quality, where: BoolArray) -> Quality:
    """Return the trust with every use ended in windows that another stream contradicts."""
    flaws = trust.flaws.copy()
    flaws[:, FLAWS.index(Flaw.STREAMS_CONTRADICT)] |= where
    probability = np.where(where[:, None], 0.0, trust.probability)
    return Quality(probability, probability >= USABLE_AT, flaws)


def _flaws(windows: Windows, evidence: _Evidence) -> BoolArray:
    cover = evidence.cover
    low_bpm, high_bpm = RATE_RANGE_BPM
    empty = cover.gap + cover.nan >= 1.0
    too_slow = windows.kind == "ecg" and windows.rate_hz < LEAST_ECG_RATE_HZ
    implausible = (evidence.rate_bpm < low_bpm) | (evidence.rate_bpm > high_bpm)
    known_s = windows.duration_s * (1 - cover.gap - cover.nan)
    found: dict[Flaw, BoolArray | bool] = {
        Flaw.NO_SAMPLES: empty,
        Flaw.TOO_SHORT: ~empty & (known_s < LEAST_DURATION_S),
        Flaw.GAPS: cover.gap > MOST_MISSING,
        Flaw.NAN: cover.nan > MOST_MISSING,
        Flaw.FLAT_LINE: ~empty & (cover.flat > MOST_FLAT),
        Flaw.SATURATED: (cover.flat <= MOST_FLAT) & (cover.clipped > MOST_CLIPPED),
        Flaw.WRONG_RATE: implausible | too_slow,
        Flaw.REVERSED_POLARITY: evidence.polarity < LEAST_POLARITY,
        Flaw.TOO_FEW_BEATS: evidence.beats.count < LEAST_BEATS,
        Flaw.UNSTEADY_INTERVALS: evidence.unsteady > MOST_UNSTEADY,
        Flaw.DETECTORS_DISAGREE: evidence.opinion < LEAST_OPINION,
        Flaw.LOW_TEMPLATE_AGREEMENT: evidence.likeness < LEAST_AGREEMENT[windows.kind],
        Flaw.MOTION: evidence.deviation_g > MOST_MOTION_G,
        Flaw.STREAMS_CONTRADICT: False,  # takes two streams: see `contradicted`
    }
    return np.stack([np.broadcast_to(found[flaw], windows.count) for flaw in FLAWS], axis=1)


def _probability(windows: Windows, evidence: _Evidence) -> FloatArray:
    """Return the probability of a right answer for each purpose, (windows, purposes)."""
    weights = np.array([WEIGHTS[windows.kind][purpose] for purpose in PURPOSES])
    score = evidence_table(evidence.likeness, evidence.opinion, evidence.unsteady) @ weights.T
    probability: FloatArray = 1 / (1 + np.exp(-score))
    return probability


def evidence_table(likeness: FloatArray, opinion: FloatArray, unsteady: FloatArray) -> FloatArray:
    """Return the columns that `WEIGHTS` multiply, what is unknown taken as the worst."""
    return np.stack(
        [
            np.ones(len(likeness)),
            np.clip(np.nan_to_num(likeness, nan=0.0), 0, 1),
            opinion,
            np.clip(np.nan_to_num(unsteady, nan=1.0), 0, 1),
        ],
        axis=1,
    )
