"""The envelope as FHIR: CarePlan, RequestGroup, options with ranges, and the AI's Consent."""

from datetime import datetime
from typing import Final

from services.clinical.envelope import DrugBounds, Envelope
from services.fhir import codes
from services.fhir.coding import Coding
from services.fhir.medication import dose_range, drug_concept
from services.fhir.resource import (
    Resource,
    concept,
    instant,
    meta,
    quantity,
    reference,
    thousandths,
)

_CARE_PLAN_CATEGORY: Final = Coding(codes.SNOMED, "734163000", "Care plan")
_CONSENT_SCOPE: Final = Coding(
    "http://terminology.hl7.org/CodeSystem/consentscope", "treatment", "Treatment"
)
_CONSENT_CATEGORY: Final = Coding(codes.LOINC, "59284-0", "Patient Consent")
_CONSENT_POLICY: Final = Coding(codes.ACT_CODE, "OPTIN", "opt-in")
_AGENT_ROLE: Final = Coding(
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "CST", "custodian"
)


class NotSigned(ValueError):
    """A draft envelope permits nothing and has no place in the record. Sign it first."""


def envelope_resources(
    *, envelope: Envelope, ai_device_id: str, simulated: bool
) -> tuple[Resource, ...]:
    """Return all resources of one signed version, the CarePlan first.

    Ids: the CarePlan's is the envelope's; the others add "-group", "-consent" or the drug's name.
    Write them together, each as the next version of its id.

    Raises:
        NotSigned: there is no signature.
    """
    return (
        care_plan(envelope=envelope, simulated=simulated),
        request_group(envelope=envelope, simulated=simulated),
        *(_option(envelope, bounds, simulated) for bounds in envelope.bounds),
        ai_consent(envelope=envelope, ai_device_id=ai_device_id, simulated=simulated),
    )


def plan_address(envelope_id: str, stored_version: int) -> str:
    """Return what every recommendation cites: the exact version of the plan."""
    return f"CarePlan/{envelope_id}/_history/{stored_version}"


def care_plan(*, envelope: Envelope, simulated: bool) -> Resource:
    """Return the plan of one patient with its limits. Raises NotSigned."""
    signed_by, signed_at = _signature(envelope)
    return {
        "resourceType": "CarePlan",
        "id": envelope.envelope_id,
        "status": "active" if envelope.revoked_at is None else "revoked",
        "intent": "plan",
        "category": [concept(_CARE_PLAN_CATEGORY)],
        "title": "Home titration within signed limits",
        "subject": reference("Patient", envelope.patient_id),
        "period": {"start": instant(envelope.valid_from), "end": instant(envelope.expires_at)},
        "created": instant(signed_at),
        "author": reference("Practitioner", signed_by),
        **_second(envelope),
        "instantiatesCanonical": [codes.PROTOCOL_URL],
        "extension": [_limits(envelope)],
        "activity": [{"reference": reference("RequestGroup", _group_id(envelope))}],
        **meta(simulated=simulated),
    }


def request_group(*, envelope: Envelope, simulated: bool) -> Resource:
    """Return the choices of the plan: at most one of its options at a time. Raises NotSigned."""
    signed_by, signed_at = _signature(envelope)
    return {
        "resourceType": "RequestGroup",
        "id": _group_id(envelope),
        "status": "active" if envelope.revoked_at is None else "revoked",
        "intent": "plan",
        "subject": reference("Patient", envelope.patient_id),
        "authoredOn": instant(signed_at),
        "author": reference("Practitioner", signed_by),
        **_choices(envelope),
        **meta(simulated=simulated),
    }


def _choices(envelope: Envelope) -> Resource:
    """A plan that only lets the AI propose offers the patient nothing to choose."""
    if not envelope.bounds:
        return {}
    options = [
        {
            "title": bounds.drug.value,
            "resource": reference("MedicationRequest", _option_id(envelope, bounds)),
        }
        for bounds in envelope.bounds
    ]
    step = {
        "title": "One step of one drug",
        "groupingBehavior": "logical-group",
        "selectionBehavior": "at-most-one",
        "action": options,
    }
    return {"action": [step]}


def ai_consent(*, envelope: Envelope, ai_device_id: str, simulated: bool) -> Resource:
    """Return what lets the AI device act within the plan. Raises NotSigned."""
    signed_by, signed_at = _signature(envelope)
    return {
        "resourceType": "Consent",
        "id": f"{envelope.envelope_id}-consent",
        "status": "active" if envelope.revoked_at is None else "inactive",
        "scope": concept(_CONSENT_SCOPE),
        "category": [concept(_CONSENT_CATEGORY)],
        "patient": reference("Patient", envelope.patient_id),
        "dateTime": instant(signed_at),
        "performer": [reference("Practitioner", signed_by)],
        "policyRule": concept(_CONSENT_POLICY),
        "provision": {
            "type": "permit",
            "period": {
                "start": instant(envelope.valid_from),
                "end": instant(envelope.expires_at),
            },
            "actor": [
                {"role": concept(_AGENT_ROLE), "reference": reference("Device", ai_device_id)}
            ],
        },
        **meta(simulated=simulated),
    }


def plan_definition(*, version: str, approved_at: datetime) -> Resource:
    """Return the protocol that every plan follows, as a clinical-protocol PlanDefinition."""
    return {
        "resourceType": "PlanDefinition",
        "id": "home-titration",
        "url": codes.PROTOCOL_URL,
        "version": version,
        "name": "HomeTitration",
        "title": "Home titration of blood-pressure treatment within signed limits",
        "type": concept(
            Coding(
                "http://terminology.hl7.org/CodeSystem/plan-definition-type",
                "clinical-protocol",
                "Clinical Protocol",
            )
        ),
        "status": "active",
        "experimental": True,
        "date": instant(approved_at),
    }


def _option(envelope: Envelope, bounds: DrugBounds, simulated: bool) -> Resource:
    signed_by, signed_at = _signature(envelope)
    return {
        "resourceType": "MedicationRequest",
        "id": _option_id(envelope, bounds),
        "status": "active" if envelope.revoked_at is None else "cancelled",
        "intent": "option",
        "medicationCodeableConcept": drug_concept(bounds.drug),
        "subject": reference("Patient", envelope.patient_id),
        "authoredOn": instant(signed_at),
        "requester": reference("Practitioner", signed_by),
        "dosageInstruction": [
            {
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseRange": dose_range(bounds.rungs_ug)}],
            }
        ],
        **meta(simulated=simulated),
    }


def _limits(envelope: Envelope) -> Resource:
    """Every limit of the envelope, in the sub-extensions of its published definition."""
    target = envelope.target
    rows: tuple[tuple[str, str, object], ...] = (
        ("version", "valueInteger", envelope.version),
        ("stage", "valueCode", envelope.stage.value),
        ("step", "valueInteger", envelope.max_step_rungs),
        ("interval", "valueQuantity", quantity(envelope.min_interval_days, "days", "d")),
        ("steps", "valueInteger", envelope.steps_allowed),
        *_lab_limits(envelope),
        ("systolicBelow", "valueQuantity", _mmhg(target.systolic_below_mmhg)),
        ("diastolicBelow", "valueQuantity", _mmhg(target.diastolic_below_mmhg)),
        ("certainty", "valueQuantity", quantity(envelope.confidence_floor_percent, "%", "%")),
        ("age80", "valueBoolean", envelope.allow_age_80_and_over),
        *(("stop", "valueCode", stop.value) for stop in sorted(envelope.stop_conditions)),
    )
    return {
        "url": codes.EXTENSION_LIMITS,
        "extension": [{"url": name, kind: value} for name, kind, value in rows],
    }


def _lab_limits(envelope: Envelope) -> tuple[tuple[str, str, object], ...]:
    potassium = thousandths(envelope.potassium_below_thousandths)
    egfr, unit = thousandths(envelope.egfr_at_least_thousandths), "mL/min/{1.73_m2}"
    return (
        ("labAge", "valueQuantity", quantity(envelope.lab_max_age_days, "days", "d")),
        ("potassiumBelow", "valueQuantity", quantity(potassium, "mmol/L", "mmol/L")),
        ("egfrAtLeast", "valueQuantity", quantity(egfr, unit, unit)),
    )


def _mmhg(value: int) -> Resource:
    return quantity(value, "mmHg", "mm[Hg]")


def _second(envelope: Envelope) -> Resource:
    if envelope.second_signed_by is None:
        return {}
    return {"contributor": [reference("Practitioner", envelope.second_signed_by)]}


def _signature(envelope: Envelope) -> tuple[str, datetime]:
    if envelope.signed_by is None or envelope.signed_at is None:
        raise NotSigned(f"envelope {envelope.envelope_id} is a draft")
    return envelope.signed_by, envelope.signed_at


def _group_id(envelope: Envelope) -> str:
    return f"{envelope.envelope_id}-group"


def _option_id(envelope: Envelope, bounds: DrugBounds) -> str:
    return f"{envelope.envelope_id}-{bounds.drug.value}"
