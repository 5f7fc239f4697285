"""Who is answerable for a record: the AI as author, a clinician as verifier or authoriser."""

from collections.abc import Sequence
from datetime import datetime

from services.fhir import codes
from services.fhir.coding import Coding
from services.fhir.resource import Resource, concept, instant, meta, reference, references


def of_proposal(
    *,
    provenance_id: str,
    targets: Sequence[str],
    ai_device_id: str,
    inputs: Sequence[str],
    recorded_at: datetime,
    simulated: bool,
) -> Resource:
    """Return the AI's authorship of a proposal and of all that was written with it.

    `targets` and `inputs` are addresses with version ("MedicationRequest/1/_history/1").
    """
    return _provenance(
        provenance_id, targets, codes.ACT_CREATE, recorded_at, simulated, ai=True
    ) | {"agent": [_ai_author(ai_device_id)], **_entities(inputs)}


def of_decision(
    *,
    provenance_id: str,
    targets: Sequence[str],
    ai_device_id: str,
    clinician_id: str,
    inputs: Sequence[str],
    recorded_at: datetime,
    simulated: bool,
) -> Resource:
    """Return the order's history: the AI asked, the clinician verified and answers for it."""
    return _provenance(
        provenance_id, targets, codes.ACT_UPDATE, recorded_at, simulated, ai=True
    ) | {
        "agent": [_ai_author(ai_device_id), _clinician(codes.VERIFIER, clinician_id)],
        **_entities(inputs),
    }


def of_envelope_step(
    *,
    provenance_id: str,
    targets: Sequence[str],
    ai_device_id: str,
    clinician_id: str,
    patient_id: str,
    envelope: str,
    recorded_at: datetime,
    simulated: bool,
) -> Resource:
    """Return the history of a step inside the envelope: authorised beforehand, patient agreed.

    `envelope`: the version that authorised it, "CarePlan/x/_history/2".
    """
    return _provenance(
        provenance_id, targets, codes.ACT_UPDATE, recorded_at, simulated, ai=True
    ) | {
        "policy": [codes.PROTOCOL_URL],
        "agent": [
            _ai_author(ai_device_id),
            _clinician(codes.AUTHORISER, clinician_id),
            {"type": concept(codes.VERIFIER), "who": reference("Patient", patient_id)},
        ],
        **_entities([envelope]),
    }


def of_signature(
    *,
    provenance_id: str,
    targets: Sequence[str],
    clinician_id: str,
    recorded_at: datetime,
    simulated: bool,
) -> Resource:
    """Return a clinician's own authorship: an envelope signed, a record reconciled."""
    return _provenance(
        provenance_id, targets, codes.ACT_CREATE, recorded_at, simulated, ai=False
    ) | {"agent": [_clinician(codes.AUTHOR, clinician_id)]}


def _provenance(
    provenance_id: str,
    targets: Sequence[str],
    activity: Coding,
    recorded_at: datetime,
    simulated: bool,
    *,
    ai: bool,
) -> Resource:
    return {
        "resourceType": "Provenance",
        "id": provenance_id,
        "target": references(targets),
        "recorded": instant(recorded_at),
        "activity": concept(activity),
        **({"reason": [concept(codes.AI_ASSERTED)]} if ai else {}),
        **meta(simulated=simulated, profiles=(codes.AI_PROVENANCE_PROFILE,) if ai else ()),
    }


def _ai_author(ai_device_id: str) -> Resource:
    return {
        "type": concept(codes.AUTHOR),
        "role": [concept(codes.AI_DEVICE_TYPE)],
        "who": reference("Device", ai_device_id),
    }


def _clinician(kind: Coding, clinician_id: str) -> Resource:
    return {"type": concept(kind), "who": reference("Practitioner", clinician_id)}


def _entities(inputs: Sequence[str]) -> Resource:
    if not inputs:
        return {}
    return {"entity": [{"role": "source", "what": {"reference": target}} for target in inputs]}
