"""What the literature says of the classes: effect, spread between people, symptoms. Each sourced.

Exposure is the daily dose in standard doses of the drug (`formulary.FORMULARY[drug].standard_ug`).
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.clinical.formulary import DrugClass

CLASSES: Final = tuple(DrugClass)
"""The one order of classes in every array here."""


@dataclass(frozen=True, slots=True)
class ClassEffect:
    """Emax (mmHg at 154 mmHg before treatment), ED50 (standard doses), symptoms over placebo (%)
    at half, one and two standard doses."""

    emax_mmhg: float
    ed50_standard: float
    symptom_percent: tuple[float, float, float]


# Source: Law 2003 BMJ 326:1427 (354 trials) at half, standard and double dose [S, K]; Emax and
# ED50 fit those rows within 0.4 mmHg. Symptoms: Law 2003 table 5 [V]; ARB about none.
# MRA: a resistant-hypertension add-on falls about 8.7 mmHg at 25-50 mg (PATHWAY-2) [K]; no
# dose row was found, so the curve of the ACE inhibitors is scaled to it [A].
EFFECTS: Final = MappingProxyType(
    {
        DrugClass.ACE_INHIBITOR: ClassEffect(11.5, 0.353, (3.9, 3.9, 3.9)),
        DrugClass.ARB: ClassEffect(15.2, 0.476, (0.0, 0.0, 1.9)),
        DrugClass.THIAZIDE: ClassEffect(11.4, 0.299, (2.0, 9.9, 17.8)),
        DrugClass.CALCIUM_CHANNEL_BLOCKER: ClassEffect(17.4, 0.974, (1.6, 8.3, 14.9)),
        DrugClass.BETA_BLOCKER: ClassEffect(12.9, 0.40, (5.5, 7.5, 9.4)),
        DrugClass.MRA: ClassEffect(11.8, 0.353, (2.0, 6.0, 12.0)),
    }
)

# Source: choosing the best class per person is worth 4.4 mmHg (PHYSIC, JAMA 2023) [S], which a
# coefficient of variation of 0.4-0.5 between people gives [A].
EFFECT_VARIATION: Final = 0.45
# Untreated home systolic of treated hypertensive patients: wide, so that data decide. [A]
UNTREATED_MEAN_MMHG: Final = 152.0
UNTREATED_SD_MMHG: Final = 15.0
# Source: home morning systolic, day to day, Ohasama [S]; autocorrelation 0.3 widens the error of a
# mean by 1.36.
DAY_SD_MMHG: Final = 8.6
AUTOCORRELATION_FACTOR: Final = 1.36
# Source: onset of effect, half-time 0.91 weeks (Lasserson 2011) [S].
ONSET_DAYS: Final = 9.0
# Source: two classes reach 15.4 of 17.1 mmHg by plain addition; observed 14.9 (Wang 2025) [D].
COMBINATION_FACTOR: Final = 0.9
# Symptoms of two drugs are fewer than their sum. Source: Law 2003, factor [A].
SECOND_DRUG_SYMPTOM_FACTOR: Final = 0.75
# A drug lowers a higher pressure by more. Source: Law 1.0, Wang 1.3 mmHg per 10 mmHg of the
# untreated pressure, around 154 mmHg [S]; bounds [A].
REFERENCE_MMHG: Final = 154.0
BASELINE_SLOPE: Final = 0.013
BASELINE_RANGE: Final = (0.35, 1.6)
# How fast old data lose weight. Source: prototype on simulated patients [M].
FORGETTING_PER_DAY: Final = 0.985


SYMPTOM_AT: Final = (0.0, 0.5, 1.0, 2.0)
"""Standard doses at which the symptom rows stand; none at no dose."""


_SHARES: Final = np.array(
    [[0.0, *(percent / 100.0 for percent in EFFECTS[c].symptom_percent)] for c in CLASSES]
)
_FROM: Final = np.array(SYMPTOM_AT[:-1])
_WIDTH: Final = np.diff(SYMPTOM_AT)
_SLOPE: Final = np.diff(_SHARES) / _WIDTH


def symptom_shares(exposure: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of people (0..1) with symptoms over placebo, by class, of an exposure
    (..., classes) in standard doses.

    Linear between the published rows, from zero at no dose, flat beyond two standard doses.
    """
    # The rows stand first: a sum over a short last axis costs five times as much.
    start, width = (each.reshape(-1, *[1] * exposure.ndim) for each in (_FROM, _WIDTH))
    slope = _SLOPE.T.reshape(len(_WIDTH), *[1] * (exposure.ndim - 1), len(CLASSES))
    reached = np.minimum(np.maximum(exposure - start, 0.0), width)
    return np.asarray((reached * slope).sum(0))
