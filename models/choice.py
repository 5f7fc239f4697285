"""Choice by enumeration: every legal move gets a score; nothing is searched, nothing is added."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from models import dosage, literature
from models.dosage import DosesUg, Posterior
from models.literature import CLASSES
from services.clinical.formulary import DrugClass
from services.clinical.moves import Move
from services.clinical.patient import Condition, Target
from services.clinical.titration import FIRST_LINE, LATER_LINE, compelled

# A home mean below this is too low. Source: a hold on increases begins below 110 mmHg [K].
FLOOR_MMHG: Final = 110.0
LOW_MMHG: Final = 105.0
# Source: at most 3 % may be expected below 105 mmHg (prototype's constraint) [M].
LOW_LIMIT: Final = 0.03
# What the filter's SD leaves out: salt, season, drift, tablets not taken, a bad monitor. With this
# factor its 80 % intervals hold 80 % of next weeks, and low pressure comes no oftener than it says.
# Source: simulated patients [M]. A trained model's intervals have a factor of their own.
WIDEN: Final = 1.3
# Weights of the score against the probability of being in target. The excess term keeps severe
# patients, whom one move cannot bring to target, from being left alone. Source: prototype [M].
SYMPTOM_WEIGHT: Final = 0.5
EXCESS_WEIGHT: Final = 0.03
CHANGE_WEIGHT: Final = 0.01
# For each first-line class not yet in the regimen when a later one is raised: guidelines add a
# beta-blocker or spironolactone after the three. Two readings: after two of them, or after all.
# This is the stricter, and no rule, as some bear only two. Source: order of AHA25 [S]; weight [A].
LINE_WEIGHT: Final = 0.05
# Error of the mean of the next 7-day window. Source: SE 3.25 mmHg, autocorrelation 1.36 [D].
WINDOW_SD_MMHG: Final = 3.25 * literature.AUTOCORRELATION_FACTOR

# Standard doses; the lowest rung of any drug is far above it.
_LEAST_DOSE: Final = 1e-9
_FIRST_LINE_PLACES: Final = tuple([CLASSES.index(c) for c in line] for line in FIRST_LINE)
_NOBODY: Final[frozenset[Condition]] = frozenset()
_NORMAL: Final = NormalDist()
# Of 5 % on both sides and of 80 % power.
_QUANTILES: Final = _NORMAL.inv_cdf(0.975) + _NORMAL.inv_cdf(0.8)
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Valued:
    """A move with what is expected of it: mmHg, probabilities 0..1, score without unit."""

    move: Move
    level: dosage.Forecast
    """The home mean at full effect."""
    change: dosage.Forecast
    in_target: float
    low: float
    symptoms: float
    excess_mmhg: float
    """Expected mmHg above the upper limit; 0 counts for every level below it."""
    lines_skipped: float
    """First-line classes not in the regimen though a later one is raised, 0 to 3."""
    score: float


def value(posterior: Posterior, before_ug: DosesUg, move: Move, target: Target) -> Valued:
    """Return the expectations and the score of one move from the doses taken now."""
    return values(posterior, before_ug, (move,), target)[0]


def values(
    posterior: Posterior,
    before_ug: DosesUg,
    moves: Sequence[Move],
    target: Target,
    conditions: frozenset[Condition] = _NOBODY,
) -> list[Valued]:
    """Return the expectations and the score of each move, all at once, in the order given.

    `conditions` are the patient's: some ask for a later class at once.
    """
    exposure = exposures(before_ug, moves)
    rows, mean, sd = dosage.forecasts(posterior, exposure)
    symptoms = symptom_probabilities(exposure[1:])
    in_target, low, excess = terms(mean[1:], sd[1:], float(target.systolic_below_mmhg))
    drugs_changed = np.array([float(len(move.changes)) for move in moves])
    later = [cls for cls in LATER_LINE if not compelled(cls, conditions)]
    skipped = lines_skipped(exposure[0], exposure[1:], later)
    score = weighed(in_target, symptoms, excess, drugs_changed, skipped)
    change_sd = dosage.spread(rows[1:] - rows[0], posterior.covariance)
    levels = np.stack([mean[1:], sd[1:], mean[1:] - mean[0], change_sd], axis=1).tolist()
    figures = np.stack([in_target, low, symptoms, excess, skipped, score], axis=1).tolist()
    return [
        Valued(move, dosage.Forecast(*level[:2]), dosage.Forecast(*level[2:]), *found)
        for move, level, found in zip(moves, levels, figures, strict=True)
    ]


def exposures(before_ug: DosesUg, moves: Sequence[Move]) -> Array:
    """Return standard doses (1 + moves, classes): of the doses now, then after each move."""
    now = dosage.standard_doses(before_ug)
    found = [now]
    for move in moves:
        after = now.copy()
        for step in move.changes:
            moved = int(step.to_ug) - before_ug.get(step.drug, 0)
            after[dosage.CLASS_PLACE[step.drug]] += moved / dosage.STANDARD_UG[step.drug]
        found.append(after)
    # A dose taken off leaves a rounding error where nothing is left.
    exposure = np.array(found)
    return np.where(exposure < _LEAST_DOSE, 0.0, exposure)


def lines_skipped(before: Array, after: Array, later: Sequence[DrugClass] = LATER_LINE) -> Array:
    """Return how many first-line classes (n,) are missing where a later one is raised, else 0.

    `before` and `after` (n, classes) are standard doses.
    """
    places = [CLASSES.index(cls) for cls in later]
    raised = (after > before)[..., places].any(-1)
    missing = sum(~(after[..., line] > 0.0).any(-1) * 1.0 for line in _FIRST_LINE_PLACES)
    return np.asarray(raised * missing)


def scores(
    mean_mmhg: Array,
    sd_mmhg: Array,
    *,
    symptoms: Array,
    drugs_changed: Array,
    skipped: Array | float,
    upper_mmhg: float,
) -> tuple[Array, Array, Array]:
    """Return P(in target), P(low) and the score of full-effect levels, element by element."""
    in_target, low, excess = terms(mean_mmhg, sd_mmhg, upper_mmhg)
    return in_target, low, weighed(in_target, symptoms, excess, drugs_changed, skipped)


def terms(mean_mmhg: Array, sd_mmhg: Array, upper_mmhg: float) -> tuple[Array, Array, Array]:
    """Return P(in target), P(low) and the expected mmHg above the upper limit."""
    spread = np.sqrt(sd_mmhg**2 + WINDOW_SD_MMHG**2)
    z = (mean_mmhg - upper_mmhg) / spread
    in_target = ndtr(-z) - ndtr((FLOOR_MMHG - mean_mmhg) / spread)
    # A limit on a risk that is understated is no limit.
    low = ndtr((LOW_MMHG - mean_mmhg) / (WIDEN * spread))
    # E[max(Y - upper, 0)] of a normal distribution.
    excess = spread * (np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) + z * ndtr(z))
    return in_target, low, excess


def weighed(
    in_target: Array,
    symptoms: Array,
    excess_mmhg: Array,
    drugs_changed: Array,
    skipped: Array | float,
) -> Array:
    """Return the score: a weighted sum, so that it can be explained term by term."""
    score = in_target - SYMPTOM_WEIGHT * symptoms - EXCESS_WEIGHT * excess_mmhg
    return np.asarray(score - CHANGE_WEIGHT * drugs_changed - LINE_WEIGHT * skipped)


def rank_keys(low: Array, score: Array) -> Array:
    """Return keys whose descending order is that of `order`: the score within the low-pressure
    limit; beyond it the least risk first, below all that are within.
    """
    return np.where(low <= LOW_LIMIT, score, -100.0 - low)


def order(valued: list[Valued]) -> list[Valued]:
    """Return the moves best first: those within the low-pressure limit before those beyond it.

    Beyond the limit the least risk of low pressure comes first, so that a patient who is low
    already sees a step down on top.
    """
    within = [v for v in valued if v.low <= LOW_LIMIT]
    beyond = [v for v in valued if v.low > LOW_LIMIT]
    return sorted(within, key=lambda v: (-v.score, v.move.move_id)) + sorted(
        beyond, key=lambda v: (v.low, -v.score, v.move.move_id)
    )


def doses_after(before_ug: DosesUg, move: Move) -> DosesUg:
    """Return the doses once the move is made."""
    return {**before_ug, **{step.drug: int(step.to_ug) for step in move.changes}}


def symptom_probability(doses_ug: DosesUg) -> float:
    """Return the probability (0..1) of a symptom over placebo under these doses."""
    return float(symptom_probabilities(dosage.exposure_of(doses_ug)[None])[0])


def symptom_probabilities(exposure: Array) -> Array:
    """Return the probability (n,) of a symptom over placebo under standard doses (n, classes).

    The class with the most symptoms counts in full, each further one three quarters.
    """
    shares = np.sort(literature.symptom_shares(exposure), axis=-1)
    shares[..., :-1] *= literature.SECOND_DRUG_SYMPTOM_FACTOR
    return np.asarray(1.0 - (1.0 - shares).prod(-1))


def certainty(best: Valued, widen: float) -> float:
    """Return the probability (0..1) that the move changes pressure in its expected direction.

    `widen` is the factor on its SD. KEEP changes nothing, so there it is the probability of being
    in target.
    """
    if best.change.sd_mmhg == 0.0:
        return best.in_target
    return _NORMAL.cdf(abs(best.change.mean_mmhg) / (widen * best.change.sd_mmhg))


def days_to_know(change_mmhg: float) -> int | None:
    """Return the days on each side needed to see the change in this one person; None: no change.

    80 % power at 5 %: 8.7 mmHg needs 16 days, the 1.5 of one doubling 516.
    Source: Ohasama day-to-day SD 8.6 [V], derivation [D].
    """
    if abs(change_mmhg) < 0.05:
        return None
    return max(1, round(2 * (_QUANTILES * literature.DAY_SD_MMHG / change_mmhg) ** 2))
