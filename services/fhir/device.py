"""The AI and the patient's monitor as Devices."""

from datetime import datetime

from services.fhir import codes
from services.fhir.resource import Resource, concept, instant, meta, reference


def ai_device(
    *, device_id: str, model_id: str, model_version: str, feature_version: str
) -> Resource:
    """Return the ranker as a Device: one for each version of a model."""
    return {
        "resourceType": "Device",
        "id": device_id,
        "identifier": [{"system": codes.SYSTEM_MODEL, "value": f"{model_id}@{model_version}"}],
        "status": "active",
        "deviceName": [{"name": model_id, "type": "model-name"}],
        "type": concept(codes.AI_DEVICE_TYPE),
        "version": [
            {"type": {"text": "model"}, "value": model_version},
            {"type": {"text": "features"}, "value": feature_version},
        ],
        **meta(simulated=False, profiles=(codes.AI_DEVICE_PROFILE,)),
    }


def monitor(
    *,
    device_id: str,
    patient_id: str,
    model: str,
    firmware: str,
    enrolled_at: datetime,
    simulated: bool,
) -> Resource:
    """Return a patient's cuff or watch."""
    return {
        "resourceType": "Device",
        "id": device_id,
        "status": "active",
        "deviceName": [{"name": model, "type": "user-friendly-name"}],
        "version": [{"type": {"text": "firmware"}, "value": firmware}],
        "patient": reference("Patient", patient_id),
        "note": [{"time": instant(enrolled_at), "text": "enrolled"}],
        **meta(simulated=simulated),
    }
