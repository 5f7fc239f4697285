"""What the regimen of a snapshot says: doses taken now, the last change, the start dose to use."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

from services.clinical.formulary import FORMULARY, Drug, DrugClass, drug_class
from services.clinical.patient import (
    Condition,
    Lab,
    LabResult,
    OtherMedicineKind,
    Snapshot,
    Symptom,
)
from services.clinical.units import Micrograms

RAS_CLASSES = frozenset({DrugClass.ACE_INHIBITOR, DrugClass.ARB})
DIURETIC_CLASSES = frozenset({DrugClass.THIAZIDE, DrugClass.MRA})
# Source: sick-day rule, pause RAS blockers and diuretics [V CCJM].
SICK_DAY_CLASSES = RAS_CLASSES | DIURETIC_CLASSES

OLD_AGE_YEARS = 80

# Below this eGFR (mL/min/1.73 m², thousandths) a drug starts low. CrCl limits of the labels are
# applied to eGFR, the only figure on record. Source: labels [V lisinopril], [S], [K] as in the
# formulary's rows.
_LOW_START_EGFR: Mapping[Drug, int] = MappingProxyType(
    {
        Drug.LISINOPRIL: 30_000,
        Drug.ENALAPRIL: 30_000,
        Drug.RAMIPRIL: 30_000,
        Drug.PERINDOPRIL: 60_000,
        Drug.BENAZEPRIL: 30_000,
        Drug.NEBIVOLOL: 30_000,
        Drug.BISOPROLOL: 20_000,
    }
)
_LOW_START_HEPATIC = frozenset({Drug.LOSARTAN, Drug.AMLODIPINE, Drug.FELODIPINE})


def current_doses(snapshot: Snapshot) -> dict[Drug, Micrograms]:
    """Return the daily dose taken now by drug; a paused drug is on order and not taken: 0."""
    return {
        item.drug: Micrograms(0) if item.paused_since is not None else item.daily_dose_ug
        for item in snapshot.regimen
    }


def last_change_at(snapshot: Snapshot) -> datetime | None:
    """Return when the last dose change took effect, or None when none is on record.

    The start of a prescription counts: a dose that was changed outside the loop shows only there.
    """
    moments = [change.effective_at for change in snapshot.changes]
    moments += [item.since for item in snapshot.regimen]
    return max(moments, default=None)


def age_years(birth_date: date, today: date) -> int:
    """Return the completed years of age."""
    before_birthday = (today.month, today.day) < (birth_date.month, birth_date.day)
    return today.year - birth_date.year - before_birthday


def latest_lab(snapshot: Snapshot, lab: Lab) -> LabResult | None:
    """Return the newest result of the test, or None; of one sample what arrived last."""
    results = [result for result in reversed(snapshot.labs) if result.lab is lab]
    return max(results, key=lambda result: result.taken_at, default=None)


def sick_day_open(snapshot: Snapshot) -> bool:
    """Say whether vomiting or diarrhoea is open."""
    return any(
        report.open and report.symptom is Symptom.VOMITING_OR_DIARRHOEA
        for report in snapshot.symptoms
    )


# Restart after 24-48 h of eating and drinking normally; the later end is taken. Source: CCJM
# sick-day rule [V], hours [K].
RESUME_AFTER = timedelta(hours=48)


def resume_due_at(snapshot: Snapshot) -> datetime | None:
    """Return when paused drugs are to be taken up again, or None when none is paused.

    While vomiting or diarrhoea is open there is no date: the pause lasts until it is closed.
    """
    paused = [item.paused_since for item in snapshot.regimen if item.paused_since is not None]
    if not paused or sick_day_open(snapshot):
        return None
    return max(paused) + RESUME_AFTER


def start_dose(drug: Drug, snapshot: Snapshot, now: datetime) -> Micrograms:
    """Return the dose to start the drug at: the low one when the situation asks for it.

    Unknown age or kidney function counts as a reason for the low start.
    """
    entry = FORMULARY[drug]
    return entry.start_low_ug if starts_low(drug, snapshot, now) else entry.start_ug


def starts_low(drug: Drug, snapshot: Snapshot, now: datetime) -> bool:
    """Say whether the frail, the old, a diuretic, the kidney, the liver or a drug ask for less."""
    old = snapshot.birth_date is None or age_years(snapshot.birth_date, now.date()) >= OLD_AGE_YEARS
    if old or Condition.FRAILTY in snapshot.conditions:
        return True
    if drug_class(drug) in RAS_CLASSES and _takes_diuretic(snapshot):
        return True
    if drug in _LOW_START_HEPATIC and Condition.SEVERE_HEPATIC_IMPAIRMENT in snapshot.conditions:
        return True
    if drug is Drug.EPLERENONE:
        moderate = OtherMedicineKind.MODERATE_CYP3A4_INHIBITOR
        return any(item.kind is moderate for item in snapshot.other_medicines)
    return _kidney_asks_for_low(drug, snapshot)


def _takes_diuretic(snapshot: Snapshot) -> bool:
    return any(
        drug_class(item.drug) in DIURETIC_CLASSES and item.paused_since is None
        for item in snapshot.regimen
    )


def _kidney_asks_for_low(drug: Drug, snapshot: Snapshot) -> bool:
    limit = _LOW_START_EGFR.get(drug)
    if limit is None:
        return False
    egfr = latest_lab(snapshot, Lab.EGFR)
    return egfr is None or egfr.value_thousandths < limit
