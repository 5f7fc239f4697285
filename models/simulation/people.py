"""Virtual patients: what is fixed about each, drawn once. Arrays have one element a patient."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.literature import CLASSES
from models.simulation.worlds import World
from services.clinical.formulary import DrugClass

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

# Effects of two classes on one person go together inside the pairs of PHYSIC (renin-dependent or
# not), not across. Source: JAMA 2023;329:1160 [S]; figures [A].
_RENIN: Final = 0.7
_PAIRS: Final = {
    frozenset({DrugClass.ACE_INHIBITOR, DrugClass.ARB}): 0.9,
    frozenset({DrugClass.THIAZIDE, DrugClass.CALCIUM_CHANNEL_BLOCKER}): _RENIN,
    frozenset({DrugClass.THIAZIDE, DrugClass.MRA}): 0.5,
    frozenset({DrugClass.ACE_INHIBITOR, DrugClass.BETA_BLOCKER}): 0.4,
    frozenset({DrugClass.ARB, DrugClass.BETA_BLOCKER}): 0.4,
}
# Spread between people in how often doses are missed (SD of the logarithm) [A].
_OMISSION_SPREAD: Final = 0.5


@dataclass(frozen=True, slots=True)
class People:
    """Fixed traits. Pressures in mmHg, eGFR in mL/min/1.73 m², potassium and sodium in mmol/L."""

    age: Ints
    female: Bools
    pregnancy_risk: Bools
    frail: Bools
    gout: Bools
    diabetes: Bools
    albuminuria: Bools
    severe_airways: Bools
    av_block: Bools
    angioedema: Bools
    egfr: Floats
    potassium: Floats
    sodium: Floats
    pulse: Floats
    systolic: Floats
    """Home mean without treatment at entry."""
    diastolic: Floats
    effect_factor: Floats
    """Effect against the untreated level, the same for all classes."""
    sensitivity: Floats
    """(patients, classes): effect over the published one, world's factor included."""
    symptom_threshold: Floats
    """(patients, classes): a symptom appears once the share of people with it exceeds this."""
    omission: Floats
    """Factor on the rates of missing doses."""
    day_sd: Floats
    cuff_bias: Floats
    season_phase: Floats
    standing_drop: Floats


def draw(count: int, world: World, chance: np.random.Generator) -> People:
    """Return `count` patients of the world."""
    age = np.clip(np.rint(chance.normal(world.age_mean_years, 13.0, count)), 25, 92)
    female = chance.random(count) < 0.5
    frail = chance.random(count) < np.clip((age - 62.0) / 120.0, 0.01, 0.25)
    egfr = np.clip(98.0 - 0.75 * (age - 45.0) + chance.normal(0.0, 15.0, count), 14.0, 125.0)
    spread = world.untreated_sd_mmhg
    systolic = chance.normal(world.untreated_mean_mmhg, spread, count).clip(134.0, 192.0)
    # Diastolic pressure falls with age: isolated systolic hypertension of the old [K].
    diastolic = 91.0 + 0.4 * (systolic - 152.0) - 0.3 * (age - 60.0)
    diastolic = (diastolic + chance.normal(0.0, 6.0, count)).clip(55.0, 118.0)
    orthostatic = chance.random(count) < np.clip(0.02 + (age - 55.0) / 150.0 + 0.1 * frail, 0.02, 1)
    return People(
        age=age.astype(np.int64),
        female=female,
        pregnancy_risk=female & (age <= 46) & (chance.random(count) < 0.08),
        frail=frail,
        gout=chance.random(count) < 0.06,
        diabetes=chance.random(count) < 0.2,
        albuminuria=chance.random(count) < 0.12,
        severe_airways=chance.random(count) < 0.03,
        av_block=chance.random(count) < 0.01,
        angioedema=chance.random(count) < 0.004,
        egfr=egfr,
        potassium=chance.normal(4.2, 0.3, count) + np.where(egfr < 45.0, 0.3, 0.0),
        sodium=chance.normal(140.0, 2.2, count),
        pulse=chance.normal(72.0, 9.0, count),
        systolic=systolic,
        diastolic=diastolic,
        # Source: Law 1.0, Wang 1.3 mmHg per 10 mmHg [S].
        effect_factor=np.clip(1.0 + 0.013 * (systolic - 154.0), 0.35, 1.6),
        sensitivity=_sensitivity(count, world, chance),
        symptom_threshold=chance.random((count, len(CLASSES))) / world.symptom_factor,
        omission=_omission(count, world, chance),
        day_sd=np.clip(
            chance.normal(world.day_sd_mmhg, world.day_sd_spread_mmhg, count), 3.0, None
        ),
        cuff_bias=chance.normal(0.0, 1.0, count) * world.cuff_bias_sd_mmhg,
        season_phase=chance.uniform(0.0, 2.0 * np.pi, count),
        standing_drop=np.where(orthostatic, 24.0, 2.0) + chance.normal(0.0, 3.0, count),
    )


def _sensitivity(count: int, world: World, chance: np.random.Generator) -> Floats:
    correlation = np.eye(len(CLASSES))
    for pair, value in _PAIRS.items():
        first, second = (CLASSES.index(cls) for cls in pair)
        correlation[first, second] = correlation[second, first] = value
    root = np.linalg.cholesky(correlation)
    normal = chance.standard_normal((count, len(CLASSES))) @ root.T
    person = np.clip(1.0 + world.effect_variation * normal, 0.0, None)
    return np.asarray(person * np.array(world.class_factor))


def _omission(count: int, world: World, chance: np.random.Generator) -> Floats:
    spread = _OMISSION_SPREAD
    # Mean one, so that the population misses what the world says.
    factor = np.exp(spread * chance.standard_normal(count) - spread**2 / 2)
    return np.asarray(world.omission_factor * factor)
