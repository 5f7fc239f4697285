"""A wearable's pressure estimate: the last cuff reading carried forward, moved a little at most.

For each patient a state-space model holds how the pressure between cuff readings went with pulse
arrival and heart rate (coefficients that start at zero and are learned from cuff readings alone).
Its variance grows from the last cuff reading on. Every cuff reading is predicted before it is
used; those errors give the live bias, the limits of agreement, the interval and the skill. Where
the skill's lower bound is not above zero the cuff reading is carried forward unchanged and the
answer says that there is no information beyond the cuff. No estimate may move a dose.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

import numpy as np

from services.clinical.readings import Posture, PressureEstimate
from services.signals.skill import Skill, conformal_width, skill
from services.signals.window import FloatArray

# Source: calibration holds four weeks at most (SIGNALS figures: bias grows, only the first cuff
# average holds after a year); IEEE 1708a recalibration.
CALIBRATION_LASTS = timedelta(days=28)
# Variance of one reading: short-term, and day to day. Source: arterial lines, carry-forward over
# minutes ± 6.2 / 4.7 mmHg; Ohasama, day-to-day SD 8.6 systolic; diastolic 5.6 [K].
SHORT_SD_MMHG = (6.2 / 2**0.5, 4.7 / 2**0.5)
DAILY_SD_MMHG = (8.6, 5.6)
RISE_TIME = timedelta(hours=6)
# Prior spread of the coefficients, per ms of arrival and per beat a minute, centred on no effect.
# Source: r(arrival, systolic) runs from -0.74 to +0.88 between patients, so zero is the centre.
PRIOR_SD = (0.2, 0.5)
DRIFT_SHARE = 0.01
# Features further than this from every calibration are outside the calibrated range.
REACH = (40.0, 25.0)
LOG_LENGTH = 60
# The interval follows the latest errors: earlier ones were made before there was much to go by.
RECENT = 29
LEAST_QUALITY = 0.5
SIDES = 2  # systolic, diastolic


class Abstention(StrEnum):
    """Why there is no estimate."""

    NOT_CALIBRATED = "not_calibrated"
    EXPIRED = "expired"
    REGIMEN_CHANGED = "regimen_changed"
    DEVICE_CHANGED = "device_changed"
    POSITION_CHANGED = "position_changed"
    IRREGULAR_RHYTHM = "irregular_rhythm"
    POOR_QUALITY = "poor_quality"
    ASLEEP = "asleep"
    OUT_OF_RANGE = "out_of_range"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a calibration holds for. `regimen_key` names drugs and doses together."""

    regimen_key: str
    device_id: str
    posture: Posture


@dataclass(frozen=True, slots=True)
class Moment:
    """What the wearable saw at one moment; NaN or None is not known.

    quality: probability that the rate is right; irregular_rhythm: the flag.
    """

    at: datetime
    circumstances: Circumstances
    pulse_arrival_ms: float
    heart_rate_bpm: float
    quality: float
    irregular_rhythm: bool | None
    asleep: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Tracker:
    """One patient's calibration and what was learned since; `observe` returns the next one.

    coefficient: (sides, features); covariance: (sides, features, features); log: one row a
    predicted cuff reading, (readings, sides, 4): error, carried error, and the sigma of each.
    """

    last: Moment | None = None
    cuff_mmhg: FloatArray | None = None
    seen: FloatArray | None = None
    coefficient: FloatArray | None = None
    covariance: FloatArray | None = None
    log: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Estimated:
    """The wearable adds information beyond the cuff.

    interval: 90 %, mmHg; bias and limits: of past errors (mean, mean ± 1.96 SD).
    """

    estimate: PressureEstimate
    systolic_interval_mmhg: tuple[float, float]
    diastolic_interval_mmhg: tuple[float, float]
    systolic_bias_mmhg: float
    systolic_limits_mmhg: tuple[float, float]
    systolic_skill: Skill
    kind: Literal["estimated"] = "estimated"


@dataclass(frozen=True, slots=True)
class CuffOnly:
    """No information beyond the cuff: the last reading carried forward, with its uncertainty."""

    estimate: PressureEstimate
    systolic_interval_mmhg: tuple[float, float]
    diastolic_interval_mmhg: tuple[float, float]
    systolic_skill: Skill | None
    kind: Literal["cuff_only"] = "cuff_only"


@dataclass(frozen=True, slots=True)
class Abstained:
    """No estimate, with all reasons. A new cuff reading calibrates again."""

    reasons: tuple[Abstention, ...]
    kind: Literal["abstained"] = "abstained"


def estimate(tracker: Tracker, moment: Moment) -> Estimated | CuffOnly | Abstained:
    """Return the estimate for a moment, the carried cuff reading, or why there is neither."""
    reasons = _abstentions(tracker, moment)
    if reasons or tracker.last is None or tracker.cuff_mmhg is None:
        return Abstained(reasons)
    found = skill_of(tracker)
    informs = found is not None and found.informs
    value, sigma = _predict(tracker, moment, informs=informs)
    carried = PressureEstimate(
        float(value[0]),
        float(sigma[0]),
        float(value[1]),
        float(sigma[1]),
        moment.at,
        tracker.last.at,
    )
    spans = _intervals(tracker, value, sigma, informs=informs)
    if found is None or not informs:
        return CuffOnly(carried, *spans, found)
    bias, low, high = agreement_limits(_errors(tracker)[:, 0, 0])
    return Estimated(carried, *spans, bias, (low, high), found)


def observe(tracker: Tracker, moment: Moment, cuff_mmhg: tuple[float, float]) -> Tracker:
    """Return the tracker after a cuff reading (systolic, diastolic) taken at a moment.

    The reading is predicted first and its error kept, where the circumstances allowed a
    prediction. A change of circumstances starts the learning again.
    """
    reading = np.array(cuff_mmhg, dtype=np.float64)
    here = _features(moment)
    stale = set(_abstentions(tracker, moment)) - {Abstention.ASLEEP, Abstention.OUT_OF_RANGE}
    if stale & _RESTARTING or tracker.last is None:
        return _fresh(moment, reading, here)
    if stale:  # rhythm or quality: a new reference, but nothing to learn from
        return replace(tracker, last=moment, cuff_mmhg=reading)
    return _learn(tracker, moment, reading, here)


_RESTARTING = frozenset(Abstention) - {Abstention.IRREGULAR_RHYTHM, Abstention.POOR_QUALITY}


def skill_of(tracker: Tracker) -> Skill | None:
    """Return the systolic skill over this patient's predicted cuff readings; None if too few."""
    log = _errors(tracker)
    return skill(log[:, 0, 0], log[:, 0, 1], np.arange(len(log)))


def agreement_limits(errors_mmhg: FloatArray) -> tuple[float, float, float]:
    """Return bias and 95 % limits of agreement. Source: Bland & Altman 1986. Needs two errors."""
    bias, spread = float(errors_mmhg.mean()), 1.96 * float(errors_mmhg.std(ddof=1))
    return bias, bias - spread, bias + spread


def carried_variance(elapsed: timedelta) -> FloatArray:
    """Return the variance of one reading carried to the next, systolic and diastolic, mmHg²."""
    risen = 1 - np.exp(-max(elapsed / RISE_TIME, 0.0))
    short, daily = np.square(SHORT_SD_MMHG), np.square(DAILY_SD_MMHG)
    variance: FloatArray = 2 * (short + (daily - short) * risen)
    return variance


def _abstentions(tracker: Tracker, moment: Moment) -> tuple[Abstention, ...]:
    last = tracker.last
    if last is None:
        return (Abstention.NOT_CALIBRATED,)
    then, now = last.circumstances, moment.circumstances
    rules = {
        Abstention.EXPIRED: not timedelta(0) <= moment.at - last.at < CALIBRATION_LASTS,
        Abstention.REGIMEN_CHANGED: then.regimen_key != now.regimen_key,
        Abstention.DEVICE_CHANGED: then.device_id != now.device_id,
        Abstention.POSITION_CHANGED: then.posture != now.posture,
        # Not known is not "regular": only a clear False passes.
        Abstention.IRREGULAR_RHYTHM: moment.irregular_rhythm is not False,
        Abstention.POOR_QUALITY: not moment.quality >= LEAST_QUALITY,
        Abstention.ASLEEP: moment.asleep is not False,
        Abstention.OUT_OF_RANGE: _out_of_range(tracker, moment),
    }
    return tuple(reason for reason, applies in rules.items() if applies)


def _features(moment: Moment) -> FloatArray:
    return np.array([moment.pulse_arrival_ms, moment.heart_rate_bpm])


def _out_of_range(tracker: Tracker, moment: Moment) -> bool:
    if tracker.seen is None:
        return True
    away = np.abs(tracker.seen - _features(moment))
    nearest = np.where(np.isnan(away), np.inf, away).min(axis=0)
    known = np.isfinite(_features(moment)) & np.isfinite(nearest)
    return bool((known & (nearest > np.array(REACH))).any())


def _change(tracker: Tracker, moment: Moment) -> FloatArray:
    """Return how the features moved since the last cuff reading; what is not known did not move."""
    before = np.full(len(PRIOR_SD), np.nan) if tracker.last is None else _features(tracker.last)
    return np.nan_to_num(_features(moment) - before, nan=0.0)


def _predict(tracker: Tracker, moment: Moment, *, informs: bool) -> tuple[FloatArray, FloatArray]:
    """Return systolic and diastolic with their sigmas: moved by the features, or carried."""
    assert tracker.last is not None and tracker.cuff_mmhg is not None
    variance = carried_variance(moment.at - tracker.last.at)
    if not informs or tracker.coefficient is None or tracker.covariance is None:
        return tracker.cuff_mmhg, np.sqrt(variance)
    change = _change(tracker, moment)
    moved = tracker.cuff_mmhg + tracker.coefficient @ change
    return moved, np.sqrt(variance + change @ tracker.covariance @ change)


def _fresh(moment: Moment, reading: FloatArray, here: FloatArray) -> Tracker:
    spread = np.broadcast_to(np.diag(np.square(PRIOR_SD)), (SIDES, 2, 2)).copy()
    return Tracker(
        moment, reading, here[None], np.zeros((SIDES, 2)), spread, np.zeros((0, SIDES, 4))
    )


def _learn(tracker: Tracker, moment: Moment, reading: FloatArray, here: FloatArray) -> Tracker:
    assert tracker.last is not None and tracker.seen is not None and tracker.cuff_mmhg is not None
    assert tracker.coefficient is not None and tracker.covariance is not None
    value, sigma = _predict(tracker, moment, informs=True)
    carried = tracker.cuff_mmhg
    plain = np.sqrt(carried_variance(moment.at - tracker.last.at))
    row = np.stack([value - reading, carried - reading, sigma, plain], axis=1)
    coefficient, covariance = tracker.coefficient.copy(), tracker.covariance.copy()
    change = _change(tracker, moment)
    for side in range(SIDES):
        gain = covariance[side] @ change / sigma[side] ** 2
        coefficient[side] = coefficient[side] + gain * (reading[side] - value[side])
        covariance[side] = covariance[side] - np.outer(gain, change @ covariance[side])
        covariance[side] += DRIFT_SHARE * np.diag(np.square(PRIOR_SD))
    return Tracker(
        moment,
        reading,
        np.concatenate([tracker.seen, here[None]])[-LOG_LENGTH:],
        coefficient,
        covariance,
        np.concatenate([_errors(tracker), row[None]])[-LOG_LENGTH:],
    )


def _errors(tracker: Tracker) -> FloatArray:
    return np.zeros((0, SIDES, 4)) if tracker.log is None else tracker.log


def _intervals(
    tracker: Tracker, value: FloatArray, sigma: FloatArray, *, informs: bool
) -> tuple[tuple[float, float], tuple[float, float]]:
    log = _errors(tracker)[-RECENT:]
    spans: list[tuple[float, float]] = []
    for side in range(SIDES):
        error, scale = log[:, side, 0 if informs else 1], log[:, side, 2 if informs else 3]
        width = conformal_width(np.abs(error) / scale) * sigma[side]
        spans.append((float(value[side] - width), float(value[side] + width)))
    return spans[0], spans[1]
