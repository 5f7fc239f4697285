"""Active orders become drugs; a dose is known only where the record gives it a unit."""

import pytest

from services.clinical.formulary import Drug
from services.clinical.patient import OtherMedicineKind
from services.fhir import codes
from services.fhir.import_medication import Medicines, read_medicines
from tests.services.fhir.bundles import JsonObject, as_read, coded, request

_LISINOPRIL, _AMLODIPINE, _TRIPLE = "314076", "308136", "999967"


def _read(*requests: JsonObject) -> Medicines:
    return read_medicines(map(as_read, requests), {})


def _dosage(dose: JsonObject, frequency: int = 1, unit: str = "d", period: int = 1) -> JsonObject:
    return {
        "dosageInstruction": [
            {
                "timing": {
                    "repeat": {"frequency": frequency, "period": period, "periodUnit": unit}
                },
                "doseAndRate": [{"doseQuantity": dose}],
            }
        ]
    }


def _mass(value: float, unit: str) -> JsonObject:
    return {"value": value, "unit": unit, "system": codes.UCUM, "code": unit}


def test_no_dosage_is_an_unknown_dose_and_is_listed() -> None:
    found = _read(request(_LISINOPRIL))
    (one,) = found.prescriptions
    assert (one.drug, one.daily_dose_ug, one.tablet_ug) == (Drug.LISINOPRIL, None, 10000)
    assert [u.kind for u in found.unknowns] == ["dose"]


def test_a_bare_number_is_never_taken_for_tablets() -> None:
    found = _read(request(_LISINOPRIL, **_dosage({"value": 1})))
    assert found.prescriptions[0].daily_dose_ug is None
    assert found.prescriptions[0].times_a_day == 1


@pytest.mark.parametrize(
    ("dose", "frequency", "unit", "period", "daily_ug"),
    [
        (_mass(10, "mg"), 1, "d", 1, 10000),
        (_mass(2.5, "mg"), 2, "d", 1, 5000),
        (_mass(2500, "ug"), 1, "h", 12, 5000),
        ({"value": 2, "unit": "tablet", "system": codes.UCUM, "code": "{tbl}"}, 1, "d", 1, 20000),
        ({"value": 0.5, "unit": "tablet", "system": codes.UCUM, "code": "{tbl}"}, 1, "d", 1, 5000),
        (_mass(10, "mL"), 1, "d", 1, None),
        (_mass(10, "mg"), 1, "d", 2, None),
        (_mass(10, "mg"), 1, "wk", 1, None),
        (_mass(-10, "mg"), 1, "d", 1, None),
        ({"value": 10, "unit": "mg"}, 1, "d", 1, None),
    ],
)
def test_a_dose_needs_its_unit_and_its_times(
    dose: JsonObject, frequency: int, unit: str, period: int, daily_ug: int | None
) -> None:
    found = _read(request(_LISINOPRIL, **_dosage(dose, frequency, unit, period)))
    assert found.prescriptions[0].daily_dose_ug == daily_ug


def test_a_mass_of_a_combination_belongs_to_no_single_drug() -> None:
    found = _read(request(_TRIPLE, **_dosage(_mass(20, "mg"))))
    assert {p.drug for p in found.prescriptions} == {
        Drug.AMLODIPINE,
        Drug.HYDROCHLOROTHIAZIDE,
        Drug.OLMESARTAN,
    }
    assert all(p.daily_dose_ug is None for p in found.prescriptions)


def test_of_several_active_requests_the_latest_counts() -> None:
    older = request(_LISINOPRIL, "m-1", **_dosage(_mass(40, "mg")))
    newer = request(
        _LISINOPRIL, "m-2", authoredOn="2025-07-01T08:00:00Z", **_dosage(_mass(10, "mg"))
    )
    for order in ((older, newer), (newer, older)):
        assert [p.daily_dose_ug for p in _read(*order).prescriptions] == [10000]


def test_two_requests_of_one_moment_that_differ_leave_the_dose_unknown() -> None:
    five = request("197361", "m-1", **_dosage(_mass(5, "mg")))
    half = request(_AMLODIPINE, "m-2", **_dosage(_mass(2.5, "mg")))
    found = _read(five, half)
    assert [(p.drug, p.daily_dose_ug) for p in found.prescriptions] == [(Drug.AMLODIPINE, None)]
    assert {u.kind for u in found.unknowns} == {"dose", "conflicting_requests"}


@pytest.mark.parametrize(
    "changes",
    [{"status": "stopped"}, {"status": "draft"}, {"intent": "proposal"}, {"doNotPerform": True}],
)
def test_only_active_orders_count(changes: JsonObject) -> None:
    assert _read(request(_LISINOPRIL) | changes) == Medicines((), (), ())


def test_an_unknown_product_is_a_medicine_of_unknown_kind() -> None:
    found = _read(request("999999999"))
    assert [o.kind for o in found.others] == [OtherMedicineKind.UNKNOWN]
    assert [(u.kind, u.code) for u in found.unknowns] == [("medicine", "999999999")]


def test_a_request_without_its_date_is_listed_and_still_a_medicine() -> None:
    undated = request(_LISINOPRIL)
    del undated["authoredOn"]
    found = _read(undated)
    assert found.prescriptions == ()
    assert [o.kind for o in found.others] == [OtherMedicineKind.UNKNOWN]


def test_a_combination_with_atenolol_counts_as_two_drugs() -> None:
    found = _read(request("746030"))
    assert [p.drug for p in found.prescriptions] == [Drug.CHLORTHALIDONE]
    assert [o.antihypertensive for o in found.others] == [True]


def test_a_referenced_medication_is_looked_up() -> None:
    by_reference = request(_LISINOPRIL)
    del by_reference["medicationCodeableConcept"]
    by_reference["medicationReference"] = {"reference": "urn:uuid:x"}
    medication: JsonObject = {
        "resourceType": "Medication",
        "code": coded(codes.RXNORM, _LISINOPRIL),
    }
    found = read_medicines([by_reference], {"urn:uuid:x": medication})
    assert [p.drug for p in found.prescriptions] == [Drug.LISINOPRIL]
    assert [o.kind for o in read_medicines([by_reference], {}).others] == [
        OtherMedicineKind.UNKNOWN
    ]
