"""What a move is expected to do to the systolic pressure, from the dose-response tables.

Population figures with a wide spread: they order moves, they promise nothing to one patient.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import erf, exp, log, log2, sqrt
from types import MappingProxyType

from services.clinical.formulary import FORMULARY, Drug, DrugClass
from services.clinical.moves import Move

# Systolic fall in tenths of mmHg at half, standard and double dose, placebo-subtracted, at 154.
# Source: Law, values of IHME drug_efficacy.csv [V]. MRA: PATHWAY-2 8.7 at 25-50 mg [K], halved
# and raised in the ACE inhibitor's proportions [D].
_FALL_TENTHS: Mapping[DrugClass, tuple[int, int, int]] = MappingProxyType(
    {
        DrugClass.THIAZIDE: (74, 88, 103),
        DrugClass.BETA_BLOCKER: (74, 92, 111),
        DrugClass.ACE_INHIBITOR: (69, 85, 100),
        DrugClass.ARB: (78, 103, 123),
        DrugClass.CALCIUM_CHANNEL_BLOCKER: (59, 88, 117),
        DrugClass.MRA: (70, 87, 102),
    }
)
# Symptoms in per mille of patients above placebo at half, standard and double dose.
# Source: Law 2003 t5 [V]; negative figures as 0. MRA as thiazide, for want of a figure [K].
_SYMPTOMS_PER_MILLE: Mapping[DrugClass, tuple[int, int, int]] = MappingProxyType(
    {
        DrugClass.THIAZIDE: (20, 99, 178),
        DrugClass.BETA_BLOCKER: (55, 75, 94),
        DrugClass.ACE_INHIBITOR: (39, 39, 39),
        DrugClass.ARB: (0, 0, 19),
        DrugClass.CALCIUM_CHANNEL_BLOCKER: (16, 83, 149),
        DrugClass.MRA: (20, 99, 178),
    }
)
REFERENCE_TENTHS = 1540
# Per mmHg of baseline above the reference. Source: Law 1.0, Wang 1.3 per 10 mmHg [V/S].
_SLOPE = 0.013
_SLOPE_RANGE = (0.35, 1.6)
# Add the drugs' effects, then take nine tenths. Source: check [D] against Wang 14.9.
_COMBINED = 0.9
# Spread between people of one drug's effect, and of the next window's mean. Source: 4-8 [D];
# SE of a seven-day mean 3.25 [D].
_PERSON_SD_TENTHS = 50
_WINDOW_SD_TENTHS = 33
_Z80 = 1.2816
LOW_TENTHS = 1050


@dataclass(frozen=True, slots=True)
class Expected:
    """Expected change of the systolic mean in tenths of mmHg with its 80 % bounds, and shares."""

    change_tenths: int
    low_tenths: int
    high_tenths: int
    in_target_percent: int
    low_pressure_percent: int
    symptoms_per_mille: int


def expected_response(move: Move, mean_tenths: int, below_tenths: int) -> Expected:
    """Return what the move is expected to do to a patient whose mean and goal are given."""
    change = -sum(
        _fall(item.drug, item.to_ug) - _fall(item.drug, item.from_ug) for item in move.changes
    )
    factor = 1 + _SLOPE * (mean_tenths - REFERENCE_TENTHS) / 10
    low, high = _SLOPE_RANGE
    share = _COMBINED if len(move.changes) > 1 else 1.0
    expected = change * min(max(factor, low), high) * share
    moved_sd = _PERSON_SD_TENTHS * sqrt(len(move.changes))
    spread = sqrt(moved_sd**2 + _WINDOW_SD_TENTHS**2)
    after = mean_tenths + expected
    symptoms = sum(
        _symptoms(item.drug, item.to_ug) - _symptoms(item.drug, item.from_ug)
        for item in move.changes
    )
    return Expected(
        round(expected),
        round(expected - _Z80 * spread),
        round(expected + _Z80 * spread),
        round(100 * _below(below_tenths, after, spread)),
        round(100 * _below(LOW_TENTHS, after, spread)),
        round(symptoms),
    )


def _below(limit: float, mean: float, spread: float) -> float:
    return 0.5 * (1 + erf((limit - mean) / (spread * sqrt(2))))


def _fall(drug: Drug, dose_ug: int) -> float:
    return _at_dose(_FALL_TENTHS[FORMULARY[drug].drug_class], drug, dose_ug)


def _symptoms(drug: Drug, dose_ug: int) -> float:
    return _at_dose(_SYMPTOMS_PER_MILLE[FORMULARY[drug].drug_class], drug, dose_ug)


def _at_dose(table: tuple[int, int, int], drug: Drug, dose_ug: int) -> float:
    """Return the table's figure at a dose: straight lines over the logarithm of standard doses.

    Beyond the double dose the last doubling's gain fades by half for each further doubling; below
    the half dose the figure falls in proportion to the dose.
    """
    if dose_ug <= 0:
        return 0.0
    half, standard, double = table
    doublings = log2(dose_ug / FORMULARY[drug].standard_ug)
    if doublings < -1:
        return half * 2.0 * dose_ug / FORMULARY[drug].standard_ug
    if doublings <= 0:
        return standard + (standard - half) * doublings
    if doublings <= 1:
        return standard + (double - standard) * doublings
    return double + (double - standard) * (1 - exp(-log(2) * (doublings - 1)))
