"""Measurements: one code and one unit each, and a wearable never looks like a cuff."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.clinical.patient import Lab, LabResult, Weight
from services.clinical.readings import BloodPressure, Posture, ReadingSource
from services.fhir import codes
from services.fhir.checks import require_valid, select
from services.fhir.import_observation import read_measurements
from services.fhir.observation import cuff_panel, heart_rate, home_average, lab, weight
from tests.services.fhir.builders import NOW, SUBJECT, reading


def test_a_cuff_panel_is_valid_and_names_its_monitor() -> None:
    panel = cuff_panel(reading=reading(), subject=SUBJECT, device_id="cuff-1")
    require_valid(panel)
    assert list(select(panel, "component.code.coding.code")) == ["8480-6", "8462-4"]
    assert set(select(panel, "component.valueQuantity.code")) == {"mm[Hg]"}
    assert panel["device"] == {"reference": "Device/cuff-1"}


def test_a_typed_reading_names_no_monitor() -> None:
    typed = replace(reading(), source=ReadingSource.TYPED)
    panel = cuff_panel(reading=typed, subject=SUBJECT, device_id="cuff-1")
    assert "device" not in panel
    require_valid(panel)


@pytest.mark.parametrize("posture", list(Posture))
def test_a_panel_is_read_back_as_it_was_measured(posture: Posture) -> None:
    measured = replace(reading(), posture=posture)
    panel = cuff_panel(reading=measured, subject=SUBJECT, device_id=None)
    found = read_measurements([panel], now=NOW)
    assert [_essence(r) for r in found.readings] == [_essence(measured)]
    assert found.unknowns == ()


def _essence(one: BloodPressure) -> tuple[object, ...]:
    return (one.reading_id, one.systolic_mmhg, one.diastolic_mmhg, one.taken_at, one.posture)


@pytest.mark.parametrize(
    "result",
    [
        LabResult(Lab.POTASSIUM, 4830, NOW),
        LabResult(Lab.SODIUM, 139000, NOW),
        LabResult(Lab.CREATININE, 912, NOW),
        LabResult(Lab.EGFR, 74250, NOW),
        LabResult(Lab.ALBUMIN_CREATININE_RATIO, 12400, NOW),
    ],
    ids=lambda result: result.lab.value,
)
def test_a_lab_is_valid_and_read_back_exactly(result: LabResult) -> None:
    written = lab(observation_id="lab-1", subject=SUBJECT, result=result)
    require_valid(written)
    assert read_measurements([written], now=NOW).labs == (result,)


def test_every_lab_of_the_core_has_its_code() -> None:
    assert set(codes.LABS) == set(Lab)


def test_a_weight_is_read_back_to_the_gram() -> None:
    body = Weight(81_250, NOW)
    written = weight(observation_id="w-1", subject=SUBJECT, weight=body)
    require_valid(written)
    assert read_measurements([written], now=NOW).weights == (body,)


def test_heart_rate_and_average_are_valid_and_other_codes_than_a_reading() -> None:
    rate = heart_rate(
        observation_id="hr-1",
        subject=SUBJECT,
        beats_per_minute=64,
        measured_at=NOW,
        device_id="watch-1",
    )
    average = home_average(
        observation_id="avg-1",
        subject=SUBJECT,
        systolic_tenths_mmhg=1384,
        diastolic_tenths_mmhg=860,
        start=NOW - timedelta(days=7),
        end=NOW,
        reading_ids=("reading-1", "reading-2"),
    )
    assert b'"value":138.4' in require_valid(average)
    require_valid(rate)
    assert list(select(average, "derivedFrom.reference")) == [
        "Observation/reading-1",
        "Observation/reading-2",
    ]
    assert read_measurements([rate, average], now=NOW).readings == ()
