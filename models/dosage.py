"""The per-patient dose-response filter: closed-form Bayes around the literature's curves.

State: untreated home systolic b and one sensitivity s_c for each class (1 = the literature).
A day's mean home systolic is y = b - sum of s_c E_c, with noise; E_c is the class's published
effect as far as it has built up. A patient's own data stay with the patient; the posterior
sensitivities are the explanation. All functions on arrays take leading dimensions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import kalman, literature
from models.literature import CLASSES, EFFECTS
from services.clinical.formulary import FORMULARY, Drug
from services.clinical.patient import DoseChangeRecord, Prescription, Snapshot
from services.clinical.readings import Posture

Array = NDArray[np.float64]
DosesUg = dict[Drug, int]

_EMAX = np.array([EFFECTS[c].emax_mmhg for c in CLASSES])
_ED50 = np.array([EFFECTS[c].ed50_standard for c in CLASSES])
_EACH_CLASS: Final = np.ones(len(CLASSES))
_EMAX_FLOATS: Final[list[float]] = _EMAX.tolist()
_ED50_FLOATS: Final[list[float]] = _ED50.tolist()
CLASS_PLACE: Final = {drug: CLASSES.index(entry.drug_class) for drug, entry in FORMULARY.items()}
STANDARD_UG: Final = {drug: int(entry.standard_ug) for drug, entry in FORMULARY.items()}
DAY_VARIANCE: Final = (literature.DAY_SD_MMHG * literature.AUTOCORRELATION_FACTOR) ** 2
HISTORY_DAYS: Final = 180
PRIOR_SD: Final = np.array(
    [literature.UNTREATED_SD_MMHG] + [literature.EFFECT_VARIATION] * len(CLASSES)
)
STATES: Final = len(PRIOR_SD)
_PRIOR_VARIANCE: Final[list[float]] = (PRIOR_SD**2).tolist()
# Two classes count as combined once each has this much effect (mmHg): a stopped drug's fading
# remainder does not dampen the others [A].
_COMBINED_FROM_MMHG: Final = 0.5


@dataclass(frozen=True, slots=True)
class Posterior:
    """Mean (1 + classes,) and covariance of (b in mmHg, sensitivities without unit).

    `days` counts the days with readings behind it; `taken_share` (0..1) is of doses due, 1 when
    it is not known.
    """

    mean: Array
    covariance: Array
    days: int
    taken_share: float = 1.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """Systolic home mean in mmHg once a regimen has its full effect, and its SD."""

    mean_mmhg: float
    sd_mmhg: float


def prior() -> Posterior:
    """Return the literature's state."""
    return Posterior(prior_mean(), np.diag(PRIOR_SD**2), 0)


def prior_mean() -> Array:
    """Return the literature's (b, sensitivities)."""
    return np.concatenate([[literature.UNTREATED_MEAN_MMHG], np.ones(len(CLASSES))])


def observe(snapshot: Snapshot, *, now: datetime) -> Posterior:
    """Return the posterior after the snapshot's sitting cuff readings, one step a day."""
    share = taken_share(snapshot)
    pressures = _daily_means(snapshot, now)
    mean, covariance = prior_mean(), np.diag(PRIOR_SD**2)
    if not pressures:
        return Posterior(mean, covariance, 0, share)
    days = list(pressures)
    # On the eve of the patient's own next day the last reading lies ahead of now's date.
    doses = _doses_by_day(snapshot, days[0], max(now.date(), days[-1]))
    belief = kalman.Belief(mean.tolist(), _PRIOR_VARIANCE, [0, *_ever_taken(doses)])
    effect_of_day = _built_up(doses, belief.places[1:], share)
    last = -1
    for day, seen in pressures.items():
        at = (day - days[0]).days
        belief.forget(literature.FORGETTING_PER_DAY, at - last)
        belief.update(row_of(effect_of_day[at], belief.mean[0]), seen, DAY_VARIANCE)
        last = at
    belief.forget(literature.FORGETTING_PER_DAY, len(doses) - 1 - last)
    mean[belief.places] = belief.mean
    covariance[np.ix_(belief.places, belief.places)] = belief.covariance
    return Posterior(mean, covariance, len(pressures), share)


def forecast(posterior: Posterior, doses_ug: DosesUg) -> Forecast:
    """Return the full-effect home mean under `doses_ug` (daily), taken as regularly as now."""
    return _forecast(_full_row(posterior, doses_ug), posterior)


def change(posterior: Posterior, before_ug: DosesUg, after_ug: DosesUg) -> Forecast:
    """Return the change of the home mean from one regimen to another; negative is a fall."""
    return _forecast(_full_row(posterior, after_ug) - _full_row(posterior, before_ug), posterior)


def forecasts(posterior: Posterior, exposure: Array) -> tuple[Array, Array, Array]:
    """Return rows (n, 1 + classes), mean and SD (n,) of full-effect levels, mmHg.

    `exposure` (n, classes) is in standard doses. Sums run in one order whatever n is, so that the
    order of the moves changes no digit.
    """
    rows = row(effects(exposure) * posterior.taken_share, posterior.mean[0])
    return rows, np.einsum("ni,i->n", rows, posterior.mean), spread(rows, posterior.covariance)


def exposure_of(doses_ug: DosesUg) -> Array:
    """Return standard doses a day by class, shape (classes,)."""
    return np.array(standard_doses(doses_ug))


def standard_doses(doses_ug: DosesUg) -> list[float]:
    """Return standard doses a day by class, in plain floats."""
    exposure = [0.0] * len(CLASSES)
    for drug, dose_ug in doses_ug.items():
        exposure[CLASS_PLACE[drug]] += dose_ug / STANDARD_UG[drug]
    return exposure


def effect_of(exposure: Sequence[float], taken_share: float) -> list[float]:
    """Return the full effect in mmHg by class of doses taken so often, in plain floats."""
    return [
        most * dose / (half + dose) * taken_share
        for dose, most, half in zip(exposure, _EMAX_FLOATS, _ED50_FLOATS, strict=True)
    ]


def effects(exposure: Array) -> Array:
    """Return the published full effect in mmHg by class of an exposure (..., classes)."""
    return np.asarray(_EMAX * exposure / (_ED50 + exposure))


def row(effect: Array, untreated_mmhg: Array | float) -> Array:
    """Return x (..., 1 + classes) of y = x . (b, s): 1 and minus each effect.

    Effects are larger from a higher untreated pressure, and nine tenths of their sum once two
    classes act. Source: Law 1.0, Wang 1.3 mmHg per 10 mmHg [S]; combination [D].
    """
    factor = 1.0 + literature.BASELINE_SLOPE * (
        np.asarray(untreated_mmhg) - literature.REFERENCE_MMHG
    )
    least, most = literature.BASELINE_RANGE
    several = (effect > _COMBINED_FROM_MMHG) @ _EACH_CLASS > 1.0
    combined = np.where(several, literature.COMBINATION_FACTOR, 1.0)
    share = combined * np.minimum(np.maximum(factor, least), most)
    found = np.empty((*effect.shape[:-1], 1 + len(CLASSES)))
    found[..., 0] = 1.0
    np.multiply(-effect, share[..., None], out=found[..., 1:])
    return found


def row_of(effect: Sequence[float], untreated_mmhg: float) -> list[float]:
    """Return the row of one day in plain floats, as `row` to the digit; classes left out have no
    effect.
    """
    factor = 1.0 + literature.BASELINE_SLOPE * (untreated_mmhg - literature.REFERENCE_MMHG)
    least, most = literature.BASELINE_RANGE
    share = min(max(factor, least), most)
    if len([fall for fall in effect if fall > _COMBINED_FROM_MMHG]) > 1:
        share = literature.COMBINATION_FACTOR * share
    return [1.0, *(-fall * share for fall in effect)]


def design(exposure: Array, untreated_mmhg: float = literature.REFERENCE_MMHG) -> Array:
    """Return the row of one exposure (classes,) with its full effect."""
    return row(effects(exposure), untreated_mmhg)


def spread(rows: Array, covariance: Array) -> Array:
    """Return the SD (...,) of rows . state."""
    # In two steps: one sum over both indices is six times slower.
    variance = (np.einsum("...i,...ij->...j", rows, covariance) * rows).sum(-1)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def doses_now(regimen: tuple[Prescription, ...]) -> DosesUg:
    """Return the daily doses of the regimen as taken: a paused drug counts as none."""
    return {p.drug: 0 if p.paused_since else int(p.daily_dose_ug) for p in regimen}


def taken_share(snapshot: Snapshot) -> float:
    """Return the share of doses taken, 1 when not known: the guard blocks increases then."""
    adherence = snapshot.adherence
    if adherence is None or adherence.due == 0:
        return 1.0
    return adherence.taken / adherence.due


def _full_row(posterior: Posterior, doses_ug: DosesUg) -> Array:
    effect = effects(exposure_of(doses_ug)) * posterior.taken_share
    return row(effect, posterior.mean[0])


def _forecast(rows: Array, posterior: Posterior) -> Forecast:
    return Forecast(float(rows @ posterior.mean), float(spread(rows, posterior.covariance)))


def _daily_means(snapshot: Snapshot, now: datetime) -> dict[date, float]:
    """Mean sitting systolic by the patient's own calendar day, oldest first."""
    by_day: dict[date, list[int]] = {}
    first = now - timedelta(days=HISTORY_DAYS)
    for reading in snapshot.readings:
        if reading.posture is Posture.SITTING and first <= reading.taken_at <= now:
            by_day.setdefault(reading.taken_local.date(), []).append(reading.systolic_mmhg)
    return {day: sum(values) / len(values) for day, values in sorted(by_day.items())}


def _ever_taken(doses: list[DosesUg]) -> set[int]:
    """Return the places in the state of the classes with a dose on any day."""
    different = {id(day): day for day in doses}.values()
    return {1 + CLASS_PLACE[drug] for day in different for drug, dose_ug in day.items() if dose_ug}


def _built_up(doses: list[DosesUg], places: Sequence[int], share: float) -> list[list[float]]:
    """Effect of each day in mmHg by place: of what was taken, slow onset.

    Before the first recorded change the earliest known doses are taken to have had full effect.
    """
    step = 1.0 - float(np.exp(-1.0 / literature.ONSET_DAYS))
    level = target = _effect_of(doses[0], places, share)
    built = []
    for at, taken in enumerate(doses):
        if at and taken is not doses[at - 1]:
            target = _effect_of(taken, places, share)
        if level != target:
            level = [now + step * (then - now) for now, then in zip(level, target, strict=True)]
        built.append(level)
    return built


def _effect_of(doses_ug: DosesUg, places: Sequence[int], share: float) -> list[float]:
    effect = effect_of(standard_doses(doses_ug), share)
    return [effect[place - 1] for place in places]


def _doses_by_day(snapshot: Snapshot, first: date, last: date) -> list[DosesUg]:
    """Return the doses of each day: the recorded changes walked back from today's regimen.

    Days without a change between them share one dictionary.
    """
    doses = doses_now(snapshot.regimen)
    changes = sorted(snapshot.changes, key=_effective_at)
    found: list[DosesUg] = []
    for day in (last - timedelta(days=back) for back in range((last - first).days + 1)):
        if changes and changes[-1].effective_at.date() > day:
            doses = dict(doses)
        while changes and changes[-1].effective_at.date() > day:
            undone = changes.pop()
            doses[undone.drug] = int(undone.from_ug)
        found.append(doses)
    return found[::-1]


def _effective_at(record: DoseChangeRecord) -> datetime:
    return record.effective_at
