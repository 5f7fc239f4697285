"""Results in our units; what has no unit, no time or no plausible value is listed."""

from datetime import timedelta
from typing import Any

import pytest

from services.clinical.patient import Lab
from services.clinical.readings import Posture
from services.fhir import codes
from services.fhir.import_observation import Measurements, read_measurements
from tests.services.fhir.bundles import NOW, JsonObject, about, as_read, coded, lab


def _read(*observations: JsonObject) -> Measurements:
    return read_measurements(map(as_read, observations), now=NOW)


@pytest.mark.parametrize(
    ("code", "value", "unit", "test", "thousandths"),
    [
        ("2823-3", 4.8, "mmol/L", Lab.POTASSIUM, 4800),
        ("6298-4", 5, "meq/L", Lab.POTASSIUM, 5000),
        ("2947-0", 139, "mmol/L", Lab.SODIUM, 139000),
        ("2160-0", 1.1, "mg/dL", Lab.CREATININE, 1100),
        ("14682-9", 88.4, "umol/L", Lab.CREATININE, 1000),
        ("38483-4", 100, "umol/L", Lab.CREATININE, 1131),
        ("33914-3", 71.2, "mL/min/{1.73_m2}", Lab.EGFR, 71200),
        ("33914-3", 71.2, "mL/min", Lab.EGFR, 71200),
        ("14959-1", 3, "mg/mmol", Lab.ALBUMIN_CREATININE_RATIO, 26520),
    ],
)
def test_each_code_and_unit_becomes_our_unit(
    code: str, value: float, unit: str, test: Lab, thousandths: int
) -> None:
    (found,) = _read(lab(code, value, unit)).labs
    assert (found.lab, found.value_thousandths) == (test, thousandths)
    assert found.taken_at.isoformat() == "2026-02-01T07:00:00+00:00"


@pytest.mark.parametrize(
    ("observation", "kind"),
    [
        (lab("2823-3", 4.8, "mg/dL"), "lab_unit"),
        (lab("2823-3", "4.8", "mmol/L"), "lab_unit"),
        (lab("2823-3", 48, "mmol/L"), "lab_value"),
        (lab("2160-0", 88.4, "mg/dL"), "lab_value"),
        (lab("2823-3", 4.8, "mmol/L", effectiveDateTime="2026-02"), "lab_time"),
        (lab("2823-3", 4.8, "mmol/L", effectiveDateTime="2026-02-01T08:00:00"), "lab_time"),
        (lab("2823-3", 4.8, "mmol/L", effectiveDateTime="2027-02-01T08:00:00Z"), "in_the_future"),
    ],
)
def test_what_cannot_be_read_is_listed_and_never_a_result(
    observation: JsonObject, kind: str
) -> None:
    found = _read(observation)
    assert found.labs == ()
    assert [u.kind for u in found.unknowns] == [kind]


def test_below_a_limit_of_detection_is_no_number() -> None:
    below = lab("14959-1", 3, "mg/g")
    quantity = below["valueQuantity"]
    assert isinstance(quantity, dict)
    quantity["comparator"] = "<"
    assert [u.kind for u in _read(below).unknowns] == ["lab_unit"]


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "preliminary"])
def test_a_result_that_was_withdrawn_is_none(status: str) -> None:
    assert _read(lab("2823-3", 4.8, "mmol/L", status=status)) == Measurements((), (), (), ())


def _panel(code: str, systolic: object, diastolic: object, **more: Any) -> JsonObject:
    def part(which: str, value: object) -> JsonObject:
        quantity = {"value": value, "system": codes.UCUM, "code": "mm[Hg]"}
        return {"code": coded(codes.LOINC, which), "valueQuantity": quantity}

    return about(
        "Observation",
        "bp-1",
        status="final",
        code=coded(codes.LOINC, code),
        effectiveDateTime="2026-02-01T08:00:00+01:00",
        component=[part("8462-4", diastolic), part("8480-6", systolic)],
        **more,
    )


@pytest.mark.parametrize("code", ["85354-9", "55284-4"])
def test_both_panels_are_clinic_readings_that_no_average_counts(code: str) -> None:
    (found,) = _read(_panel(code, 142.4, 88)).readings
    assert (found.systolic_mmhg, found.diastolic_mmhg) == (142, 88)
    assert found.utc_offset_minutes == 60
    assert found.history
    assert found.device_validated is None
    assert found.posture is Posture.SITTING


@pytest.mark.parametrize(("systolic", "diastolic"), [(80, 142), (142, None), (999, 80)])
def test_pressures_that_cannot_be_are_listed(systolic: object, diastolic: object) -> None:
    found = _read(_panel("85354-9", systolic, diastolic))
    assert found.readings == ()
    assert [u.kind for u in found.unknowns] == ["reading_value"]


def test_a_panel_with_two_systolics_contradicts_itself() -> None:
    twice = _panel("85354-9", 142, 88)
    parts = twice["component"]
    assert isinstance(parts, list)
    parts.append(parts[1])
    assert [u.kind for u in _read(twice).unknowns] == ["reading_value"]


def test_standing_without_its_minute_is_not_guessed() -> None:
    standing = [{"url": codes.BODY_POSITION, "valueCodeableConcept": coded("s", "10904000")}]
    found = _read(_panel("85354-9", 128, 80, extension=standing))
    assert [u.kind for u in found.unknowns] == ["reading_value"]


def test_results_are_ordered_oldest_first() -> None:
    early = lab("2823-3", 4.1, "mmol/L", effectiveDateTime="2025-02-01T08:00:00Z")
    late = lab("2823-3", 4.9, "mmol/L")
    found = _read(late, early).labs
    assert [r.value_thousandths for r in found] == [4100, 4900]
    assert found[1].taken_at - found[0].taken_at > timedelta(days=300)


@pytest.mark.parametrize(
    ("value", "unit", "grams"), [(80.5, "kg", 80500), (80500, "g", 80500), (5, "kg", None)]
)
def test_a_weight_is_in_grams_or_listed(value: float, unit: str, grams: int | None) -> None:
    found = _read(lab("29463-7", value, unit))
    assert [w.grams for w in found.weights] == ([] if grams is None else [grams])
    assert len(found.unknowns) == (1 if grams is None else 0)
