"""What the regimen says: doses taken now, the start dose, the date to resume."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.clinical.formulary import Drug
from services.clinical.patient import (
    Condition,
    Lab,
    OtherMedicine,
    OtherMedicineKind,
    Symptom,
    SymptomReport,
)
from services.clinical.regimen import (
    current_doses,
    last_change_at,
    latest_lab,
    resume_due_at,
    start_dose,
)
from tests.services.clinical.examples import (
    DAY,
    LONG_AGO,
    NOW,
    changed,
    lab,
    prescription,
    snapshot,
)


def test_a_paused_drug_is_taken_at_nothing() -> None:
    regimen = (prescription(), prescription(Drug.LISINOPRIL, 10_000, paused_since=NOW))
    assert current_doses(snapshot(regimen=regimen)) == {
        Drug.AMLODIPINE: 5000,
        Drug.LISINOPRIL: 0,
    }


def test_the_last_change_is_of_records_and_of_prescriptions() -> None:
    assert last_change_at(snapshot(regimen=())) is None
    assert last_change_at(snapshot()) == LONG_AGO
    assert last_change_at(snapshot(changes=(changed(3), changed(9)))) == NOW - 3 * DAY


def test_the_latest_lab_is_the_newest_of_its_kind() -> None:
    made = snapshot(labs=(lab(Lab.SODIUM, 1, 1), lab(Lab.SODIUM, 2, 9), lab(Lab.EGFR, 3, 0)))
    found = latest_lab(made, Lab.SODIUM)
    assert found is not None and found.value_thousandths == 1
    assert latest_lab(made, Lab.POTASSIUM) is None
    corrected = snapshot(labs=(lab(Lab.SODIUM, 1, 1), lab(Lab.SODIUM, 2, 1)))
    found = latest_lab(corrected, Lab.SODIUM)
    assert found is not None and found.value_thousandths == 2


DIURETIC = (prescription(Drug.CHLORTHALIDONE, 12_500),)
LOW, USUAL = True, False
INHIBITOR = OtherMedicine(OtherMedicineKind.MODERATE_CYP3A4_INHIBITOR, "x", False)


@pytest.mark.parametrize(
    ("drug", "changes", "low"),
    [
        (Drug.LISINOPRIL, {}, USUAL),
        (Drug.AMLODIPINE, {}, USUAL),
        (Drug.AMLODIPINE, {"birth_date": date(1946, 5, 20)}, LOW),
        (Drug.AMLODIPINE, {"birth_date": date(1946, 5, 21)}, USUAL),
        (Drug.AMLODIPINE, {"birth_date": None}, LOW),
        (Drug.SPIRONOLACTONE, {"conditions": frozenset({Condition.FRAILTY})}, LOW),
        (Drug.LISINOPRIL, {"regimen": DIURETIC}, LOW),
        (Drug.LOSARTAN, {"regimen": DIURETIC}, LOW),
        (Drug.AMLODIPINE, {"regimen": DIURETIC}, USUAL),
        (Drug.LISINOPRIL, {"labs": (lab(Lab.EGFR, 29_999),)}, LOW),
        (Drug.LISINOPRIL, {"labs": (lab(Lab.EGFR, 30_000),)}, USUAL),
        (Drug.LISINOPRIL, {"labs": ()}, LOW),
        (Drug.PERINDOPRIL, {"labs": (lab(Lab.EGFR, 59_999),)}, LOW),
        (Drug.AMLODIPINE, {"labs": ()}, USUAL),
        (Drug.LOSARTAN, {"conditions": frozenset({Condition.SEVERE_HEPATIC_IMPAIRMENT})}, LOW),
        (Drug.TELMISARTAN, {"conditions": frozenset({Condition.SEVERE_HEPATIC_IMPAIRMENT})}, USUAL),
        (Drug.EPLERENONE, {}, USUAL),
        (
            Drug.EPLERENONE,
            {
                "other_medicines": (
                    OtherMedicine(OtherMedicineKind.MODERATE_CYP3A4_INHIBITOR, "x", False),
                )
            },
            LOW,
        ),
    ],
)
def test_who_starts_low(drug: Drug, changes: dict[str, Any], low: bool) -> None:
    from services.clinical.formulary import FORMULARY

    entry = FORMULARY[drug]
    expected = entry.start_low_ug if low else entry.start_ug
    assert start_dose(drug, snapshot(**changes), NOW) == expected


def test_a_paused_diuretic_is_no_reason_for_a_low_start() -> None:
    held = (prescription(Drug.CHLORTHALIDONE, 12_500, paused_since=NOW),)
    assert start_dose(Drug.LISINOPRIL, snapshot(regimen=held), NOW) == 10_000


def test_a_pause_has_a_date_to_resume_once_the_patient_is_well() -> None:
    held = (prescription(paused_since=NOW - DAY),)
    assert resume_due_at(snapshot(regimen=held)) == NOW - DAY + timedelta(hours=48)
    ill = (SymptomReport(Symptom.VOMITING_OR_DIARRHOEA, NOW, open=True),)
    assert resume_due_at(snapshot(regimen=held, symptoms=ill)) is None
    assert resume_due_at(snapshot()) is None
