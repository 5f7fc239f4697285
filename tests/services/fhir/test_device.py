"""The AI says which model it is; a monitor says whose it is."""

from services.fhir.checks import require_valid, select
from services.fhir.device import ai_device, monitor
from tests.services.fhir.builders import NOW, SUBJECT


def test_the_ai_names_model_version_and_features() -> None:
    device = ai_device(
        device_id="ai-1", model_id="titrator", model_version="3", feature_version="f/1"
    )
    require_valid(device)
    assert list(select(device, "version.value")) == ["3", "f/1"]
    assert list(select(device, "type.coding.code")) == ["Artificial-Intelligence"]


def test_a_monitor_belongs_to_one_patient() -> None:
    device = monitor(
        device_id="cuff-1",
        patient_id=SUBJECT.patient_id,
        model="Cuff",
        firmware="1.0",
        enrolled_at=NOW,
        simulated=True,
    )
    require_valid(device)
    assert device["patient"] == {"reference": f"Patient/{SUBJECT.patient_id}"}
