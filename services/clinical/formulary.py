"""Drug classes, drugs, and (in the table) their rungs in micrograms, each row cited."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from services.clinical.units import Micrograms


class DrugClass(StrEnum):
    """Classes as the guard's rules name them."""

    ACE_INHIBITOR = "ace_inhibitor"
    ARB = "arb"
    THIAZIDE = "thiazide"
    CALCIUM_CHANNEL_BLOCKER = "calcium_channel_blocker"
    BETA_BLOCKER = "beta_blocker"
    MRA = "mra"


class Drug(StrEnum):
    """Every drug that the loop may move. Anything else is an `OtherMedicine`."""

    LISINOPRIL = "lisinopril"
    ENALAPRIL = "enalapril"
    RAMIPRIL = "ramipril"
    PERINDOPRIL = "perindopril"
    BENAZEPRIL = "benazepril"
    LOSARTAN = "losartan"
    TELMISARTAN = "telmisartan"
    VALSARTAN = "valsartan"
    CANDESARTAN = "candesartan"
    OLMESARTAN = "olmesartan"
    IRBESARTAN = "irbesartan"
    AZILSARTAN = "azilsartan"
    CHLORTHALIDONE = "chlorthalidone"
    INDAPAMIDE = "indapamide"
    HYDROCHLOROTHIAZIDE = "hydrochlorothiazide"
    AMLODIPINE = "amlodipine"
    FELODIPINE = "felodipine"
    NIFEDIPINE = "nifedipine"
    BISOPROLOL = "bisoprolol"
    METOPROLOL = "metoprolol"
    NEBIVOLOL = "nebivolol"
    CARVEDILOL = "carvedilol"
    SPIRONOLACTONE = "spironolactone"
    EPLERENONE = "eplerenone"


class OffLadder(ValueError):
    """The dose is no rung of the drug's ladder. Nothing is rounded: ask for the dose again."""


@dataclass(frozen=True, slots=True)
class DrugEntry:
    """One row of the formulary. Doses are daily, in whole micrograms.

    `rungs_ug` ascend and include none of `clinician_only_rungs_ug`, which lie above them.
    `start_low_ug` is for the frail, with a diuretic, volume-depleted or renal impairment.
    `standard_ug` is the standard dose of the dose-response tables. `min_interval_days` is the
    least time between a change of this drug and the next increase of anything.
    """

    drug: Drug
    drug_class: DrugClass
    rungs_ug: tuple[Micrograms, ...]
    clinician_only_rungs_ug: tuple[Micrograms, ...]
    start_ug: Micrograms
    start_low_ug: Micrograms
    times_a_day: int
    standard_ug: Micrograms
    rxnorm_ingredient: str
    rxnorm_precise: str | None
    atc: str
    source: str
    min_interval_days: int

    @property
    def ladder_ug(self) -> tuple[Micrograms, ...]:
        """Return every rung, the clinician-only ones last."""
        return self.rungs_ug + self.clinician_only_rungs_ug


# A change shows almost all of its effect after two weeks; chlorthalidone and the MRAs take four.
# Source: Lasserson 2011 half-time 0.91 weeks [S]; Widaplik label 2 weeks [V]; 28 days [K].
_FLOOR_DAYS = 14
_SLOW_DAYS = 28
_AHA = "AHA25 p37 [S]; rungs are the marketed strengths [K]"


def _row(
    drug: Drug,
    drug_class: DrugClass,
    doses_ug: tuple[int, int, int],
    rungs_ug: tuple[int, ...],
    codes: tuple[str, str | None, str],
    source: str,
    *,
    clinician_only_ug: tuple[int, ...] = (),
    times_a_day: int = 1,
) -> DrugEntry:
    """Return an entry; `doses_ug` is start, low start, standard; codes RxNorm IN, PIN, ATC."""
    start_ug, start_low_ug, standard_ug = doses_ug
    slow = drug is Drug.CHLORTHALIDONE or drug_class is DrugClass.MRA
    return DrugEntry(
        drug=drug,
        drug_class=drug_class,
        rungs_ug=tuple(Micrograms(rung) for rung in rungs_ug),
        clinician_only_rungs_ug=tuple(Micrograms(rung) for rung in clinician_only_ug),
        start_ug=Micrograms(start_ug),
        start_low_ug=Micrograms(start_low_ug),
        times_a_day=times_a_day,
        standard_ug=Micrograms(standard_ug),
        rxnorm_ingredient=codes[0],
        rxnorm_precise=codes[1],
        atc=codes[2],
        source=source,
        min_interval_days=_SLOW_DAYS if slow else _FLOOR_DAYS,
    )


_ACE, _ARB, _THIAZIDE = DrugClass.ACE_INHIBITOR, DrugClass.ARB, DrugClass.THIAZIDE
_CCB, _BETA, _MRA = DrugClass.CALCIUM_CHANNEL_BLOCKER, DrugClass.BETA_BLOCKER, DrugClass.MRA
_D = Drug

# Doses per row: (start, low start, standard), then the rungs. RxNorm IN, PIN, ATC.
_ROWS: tuple[DrugEntry, ...] = (
    _row(_D.LISINOPRIL, _ACE, (10_000, 5_000, 10_000), (5_000, 10_000, 20_000, 40_000),
         ("29046", None, "C09AA03"),
         f"{_AHA}; start 5 mg with a diuretic [V label] or CrCl 10-30 [K]; 80 mg adds nothing [V]"),
    _row(_D.ENALAPRIL, _ACE, (5_000, 2_500, 10_000), (2_500, 5_000, 10_000, 20_000, 40_000),
         ("3827", None, "C09AA02"), f"{_AHA}; start 2.5 mg with a diuretic [K]"),
    _row(_D.RAMIPRIL, _ACE, (2_500, 1_250, 2_500), (1_250, 2_500, 5_000, 10_000),
         ("35296", None, "C09AA05"), f"{_AHA}; start 1.25 mg when volume-depleted [K]",
         clinician_only_ug=(20_000,)),
    _row(_D.PERINDOPRIL, _ACE, (4_000, 2_000, 4_000), (2_000, 4_000, 8_000),
         ("54552", None, "C09AA04"),
         f"{_AHA}; erbumine; start 2 mg frail, with a diuretic or CrCl 30-60 [S]",
         clinician_only_ug=(16_000,)),
    _row(_D.BENAZEPRIL, _ACE, (10_000, 5_000, 10_000), (5_000, 10_000, 20_000, 40_000),
         ("18867", None, "C09AA07"), f"{_AHA}; start 5 mg with a diuretic or CrCl <30 [S]"),
    _row(_D.LOSARTAN, _ARB, (50_000, 25_000, 50_000), (25_000, 50_000, 100_000),
         ("52175", "203160", "C09CA01"), f"{_AHA}; start 25 mg volume-depleted or hepatic [K]"),
    _row(_D.TELMISARTAN, _ARB, (40_000, 20_000, 40_000), (20_000, 40_000, 80_000),
         ("73494", None, "C09CA07"), f"{_AHA}; start 20 mg low [K]"),
    _row(_D.VALSARTAN, _ARB, (80_000, 80_000, 80_000), (80_000, 160_000, 320_000),
         ("69749", None, "C09CA03"), f"{_AHA}; start 80-160 mg [K]"),
    _row(_D.CANDESARTAN, _ARB, (8_000, 4_000, 8_000), (4_000, 8_000, 16_000, 32_000),
         ("214354", None, "C09CA06"), f"{_AHA}; start 8-16 mg, 4 mg if volume-depleted [K]"),
    _row(_D.OLMESARTAN, _ARB, (20_000, 10_000, 20_000), (10_000, 20_000, 40_000),
         ("321064", "118463", "C09CA08"), f"{_AHA}; start 20 mg [K]"),
    _row(_D.IRBESARTAN, _ARB, (150_000, 75_000, 150_000), (75_000, 150_000, 300_000),
         ("83818", None, "C09CA04"), f"{_AHA}; start 75 mg if volume-depleted [K]"),
    _row(_D.AZILSARTAN, _ARB, (40_000, 20_000, 40_000), (20_000, 40_000, 80_000),
         ("1091643", "1091642", "C09CA09"), f"{_AHA}; start 40 mg, 80 mg usual [K]"),
    _row(_D.CHLORTHALIDONE, _THIAZIDE, (12_500, 12_500, 25_000), (12_500, 25_000),
         ("2409", None, "C03BA04"), f"{_AHA}; start 12.5 mg [V BMJ BP]"),
    _row(_D.INDAPAMIDE, _THIAZIDE, (1_250, 1_250, 2_500), (1_250, 2_500),
         ("5764", None, "C03BA11"), f"{_AHA}; start 1.25 mg [V BMJ BP]"),
    _row(_D.HYDROCHLOROTHIAZIDE, _THIAZIDE, (12_500, 12_500, 25_000), (12_500, 25_000),
         ("5487", None, "C03AA03"), f"{_AHA}; start 12.5-25 mg [V BMJ BP]",
         clinician_only_ug=(50_000,)),
    _row(_D.AMLODIPINE, _CCB, (5_000, 2_500, 5_000), (2_500, 5_000, 10_000),
         ("17767", None, "C08CA01"), f"{_AHA}; start 2.5 mg old, frail or hepatic [K]"),
    _row(_D.FELODIPINE, _CCB, (5_000, 2_500, 5_000), (2_500, 5_000, 10_000),
         ("4316", None, "C08CA02"), f"{_AHA}; extended release; start 2.5 mg old [K]"),
    _row(_D.NIFEDIPINE, _CCB, (30_000, 30_000, 30_000), (30_000, 60_000, 90_000),
         ("7417", None, "C08CA05"), f"{_AHA}; extended release; start 30 mg [K]"),
    _row(_D.BISOPROLOL, _BETA, (5_000, 2_500, 5_000), (2_500, 5_000, 10_000),
         ("19484", None, "C07AB07"), f"{_AHA}; start 5 mg, at most 10 if CrCl <20 [V SmPC]"),
    _row(_D.METOPROLOL, _BETA, (50_000, 25_000, 100_000), (25_000, 50_000, 100_000, 200_000),
         ("6918", "221124", "C07AB02"), f"{_AHA}; succinate; start 25-50 mg [K]"),
    _row(_D.NEBIVOLOL, _BETA, (5_000, 2_500, 5_000), (2_500, 5_000, 10_000, 20_000),
         ("31555", None, "C07AB12"), f"{_AHA}; start 2.5 mg old or renal [K]",
         clinician_only_ug=(40_000,)),
    _row(_D.CARVEDILOL, _BETA, (12_500, 6_250, 25_000), (6_250, 12_500, 25_000, 50_000),
         ("20352", None, "C07AG02"), f"{_AHA}; daily dose, half of it twice; start 12.5 a day [K]",
         times_a_day=2),
    _row(_D.SPIRONOLACTONE, _MRA, (25_000, 12_500, 25_000), (12_500, 25_000, 50_000),
         ("9997", None, "C03DA01"), f"{_AHA}; start 12.5 mg frail; resistant 25-50 mg [K]",
         clinician_only_ug=(100_000,)),
    _row(_D.EPLERENONE, _MRA, (50_000, 25_000, 50_000), (25_000, 50_000, 100_000),
         ("298869", None, "C03DA04"),
         f"{_AHA}; start 25 mg with a moderate CYP3A4 inhibitor; 100 mg is 50 mg twice [K]"),
)  # fmt: skip

FORMULARY: Mapping[Drug, DrugEntry] = MappingProxyType({row.drug: row for row in _ROWS})

DRUGS_BY_CLASS: Mapping[DrugClass, tuple[Drug, ...]] = MappingProxyType(
    {cls: tuple(row.drug for row in _ROWS if row.drug_class is cls) for cls in DrugClass}
)


def drug_class(drug: Drug) -> DrugClass:
    """Return the class of a drug of the formulary."""
    return FORMULARY[drug].drug_class


def rung_index(drug: Drug, dose_ug: int) -> int:
    """Return the place of the dose on the drug's whole ladder, the lowest rung being 0.

    Raises:
        OffLadder: the dose is no rung.
    """
    try:
        return _INDEX[drug][dose_ug]
    except KeyError as err:
        raise OffLadder(f"{dose_ug} µg is no rung of {drug.value}") from err


def rung_above(drug: Drug, dose_ug: Micrograms, *, clinician: bool = True) -> Micrograms | None:
    """Return the next rung up, or None at the top. Without a clinician the top is lower.

    Raises:
        OffLadder: the dose is no rung.
    """
    entry = FORMULARY[drug]
    above = rung_index(drug, dose_ug) + 1
    ladder = entry.ladder_ug if clinician else entry.rungs_ug
    return ladder[above] if above < len(ladder) else None


def rung_below(drug: Drug, dose_ug: Micrograms) -> Micrograms | None:
    """Return the next rung down, or None at the lowest.

    Raises:
        OffLadder: the dose is no rung.
    """
    below = rung_index(drug, dose_ug) - 1
    return FORMULARY[drug].ladder_ug[below] if below >= 0 else None


_INDEX: Mapping[Drug, Mapping[int, int]] = {
    row.drug: {int(rung): place for place, rung in enumerate(row.ladder_ug)} for row in _ROWS
}
