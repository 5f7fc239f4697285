"""The per-patient dose-response filter: closed-form Bayes around the literature's curves.

State: untreated home systolic b and one sensitivity s_c for each class (1 = the literature).
A day's mean home systolic is y = b - sum of s_c E_c(exposure), with noise. A patient's own data
stay with the patient; the posterior sensitivities are the explanation.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from models import literature
from models.literature import CLASSES, EFFECTS
from services.clinical.formulary import FORMULARY, Drug
from services.clinical.patient import DoseChangeRecord, Prescription, Snapshot
from services.clinical.readings import Posture

Array = NDArray[np.float64]
DosesUg = dict[Drug, int]

_EMAX = np.array([EFFECTS[c].emax_mmhg for c in CLASSES])
_ED50 = np.array([EFFECTS[c].ed50_standard for c in CLASSES])
_DAY_VARIANCE = (literature.DAY_SD_MMHG * literature.AUTOCORRELATION_FACTOR) ** 2
HISTORY_DAYS = 180


@dataclass(frozen=True, slots=True)
class Posterior:
    """Mean (1 + classes,) and covariance of (b in mmHg, sensitivities without unit).

    `days` counts the days with readings behind it.
    """

    mean: Array
    covariance: Array
    days: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """Systolic home mean in mmHg once a regimen has its full effect, and its SD."""

    mean_mmhg: float
    sd_mmhg: float


def prior() -> Posterior:
    """Return the literature's state."""
    mean = np.concatenate([[literature.UNTREATED_MEAN_MMHG], np.ones(len(CLASSES))])
    spread = [literature.UNTREATED_SD_MMHG] + [literature.EFFECT_VARIATION] * len(CLASSES)
    return Posterior(mean, np.diag(np.square(spread)), 0)


def observe(snapshot: Snapshot, *, now: datetime) -> Posterior:
    """Return the posterior after the snapshot's sitting cuff readings, one step a day."""
    pressures = _daily_means(snapshot, now)
    state = prior()
    if not pressures:
        return state
    exposures = _exposures(snapshot, min(pressures), now)
    mean, covariance, first = state.mean, state.covariance, min(pressures)
    ceiling = state.covariance
    for day, exposure in exposures.items():
        covariance = _forget(covariance, ceiling)
        if day in pressures:
            row = design(exposure)
            mean, covariance = _update(mean, covariance, row, pressures[day])
    return Posterior(mean, covariance, sum(day >= first for day in pressures))


def forecast(posterior: Posterior, doses_ug: DosesUg) -> Forecast:
    """Return the full-effect home mean under `doses_ug` (daily, taken as prescribed)."""
    row = design(exposure_of(doses_ug))
    return Forecast(float(row @ posterior.mean), _sd(row, posterior.covariance))


def change(posterior: Posterior, before_ug: DosesUg, after_ug: DosesUg) -> Forecast:
    """Return the change of the home mean from one regimen to another; negative is a fall."""
    row = design(exposure_of(after_ug)) - design(exposure_of(before_ug))
    return Forecast(float(row @ posterior.mean), _sd(row, posterior.covariance))


def exposure_of(doses_ug: DosesUg) -> Array:
    """Return standard doses a day by class, shape (classes,)."""
    exposure = np.zeros(len(CLASSES))
    for drug, dose_ug in doses_ug.items():
        entry = FORMULARY[drug]
        exposure[CLASSES.index(entry.drug_class)] += dose_ug / entry.standard_ug
    return exposure


def design(exposure: Array) -> Array:
    """Return the row x of y = x . (b, s) for one exposure (classes,): 1 and minus each effect."""
    effect = _EMAX * exposure / (_ED50 + exposure)
    if np.count_nonzero(exposure > 0.0) > 1:
        effect = effect * literature.COMBINATION_FACTOR
    return np.concatenate([[1.0], -effect])


def doses_now(regimen: tuple[Prescription, ...]) -> DosesUg:
    """Return the daily doses of the regimen as taken: a paused drug counts as none."""
    return {p.drug: 0 if p.paused_since else int(p.daily_dose_ug) for p in regimen}


def _sd(row: Array, covariance: Array) -> float:
    return float(max(float(row @ covariance @ row), 0.0) ** 0.5)


def _forget(covariance: Array, ceiling: Array) -> Array:
    """Let a day pass: widen, but never beyond the literature's own spread in any direction."""
    wider = covariance / literature.FORGETTING_PER_DAY
    ratio: Array = np.diag(ceiling) / np.diag(wider)
    scale = np.sqrt(np.clip(ratio, 0.0, 1.0))
    return np.asarray(wider * np.outer(scale, scale))


def _update(mean: Array, covariance: Array, row: Array, pressure: float) -> tuple[Array, Array]:
    """One Kalman step with a scalar observation, Joseph form so that it stays positive."""
    variance = float(row @ covariance @ row) + _DAY_VARIANCE
    gain = covariance @ row / variance
    keep = np.eye(len(mean)) - np.outer(gain, row)
    updated = keep @ covariance @ keep.T + _DAY_VARIANCE * np.outer(gain, gain)
    return mean + gain * (pressure - row @ mean), updated


def _daily_means(snapshot: Snapshot, now: datetime) -> dict[date, float]:
    """Mean sitting systolic by the patient's own calendar day, oldest first."""
    by_day: dict[date, list[int]] = {}
    for reading in snapshot.readings:
        is_recent = now - timedelta(days=HISTORY_DAYS) <= reading.taken_at <= now
        if is_recent and reading.posture is Posture.SITTING:
            by_day.setdefault(reading.taken_local.date(), []).append(reading.systolic_mmhg)
    return {day: sum(values) / len(values) for day, values in sorted(by_day.items())}


def _exposures(snapshot: Snapshot, first: date, now: datetime) -> dict[date, Array]:
    """Effective exposure of each day from `first` to now: what was taken, with its slow onset.

    Before the first recorded change the earliest known doses are taken to have had full effect.
    """
    taken = _taken_share(snapshot)
    step = 1.0 - np.exp(-1.0 / literature.ONSET_DAYS)
    days = (now.date() - first).days + 1
    level = exposure_of(_doses_on(snapshot, first)) * taken
    exposures: dict[date, Array] = {}
    for offset in range(days):
        day = first + timedelta(days=offset)
        level = level + step * (exposure_of(_doses_on(snapshot, day)) * taken - level)
        exposures[day] = level
    return exposures


def _taken_share(snapshot: Snapshot) -> float:
    """The share of doses taken, 1 when it is not known: the guard blocks increases then."""
    adherence = snapshot.adherence
    if adherence is None or adherence.due == 0:
        return 1.0
    return adherence.taken / adherence.due


def _doses_on(snapshot: Snapshot, day: date) -> DosesUg:
    """Walk the recorded changes back from today's regimen to the doses of `day`."""
    doses = doses_now(snapshot.regimen)
    later = [c for c in snapshot.changes if c.effective_at.date() > day]
    for undone in sorted(later, key=_effective_at, reverse=True):
        doses[undone.drug] = int(undone.from_ug)
    return doses


def _effective_at(record: DoseChangeRecord) -> datetime:
    return record.effective_at
