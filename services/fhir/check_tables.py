"""The tables of `checks`: types of this record, required codes, reference targets, units.

Source: FHIR R4 4.0.1, required bindings and reference targets of the elements that we write.
"""

from typing import Final

TYPES: Final = frozenset(
    {
        "AllergyIntolerance", "AuditEvent", "CarePlan", "Condition", "Consent", "DetectedIssue",
        "Device", "GuidanceResponse", "Medication", "MedicationRequest", "MedicationStatement",
        "Observation", "Patient", "PlanDefinition", "Practitioner", "Provenance", "RequestGroup",
        "RiskAssessment", "StructureDefinition", "Task",
    }
)  # fmt: skip

_REQUEST_STATUS: Final = frozenset(
    {"active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft",
     "unknown"}
)  # fmt: skip
_PLAN_STATUS: Final = frozenset(
    {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
)
_TIMES: Final = frozenset({"s", "min", "h", "d", "wk", "mo", "a"})

CODES: Final[dict[str, dict[str, frozenset[str]]]] = {
    "Observation": {
        "status": frozenset(
            {"registered", "preliminary", "final", "amended", "corrected", "cancelled",
             "entered-in-error", "unknown"}
        ),
    },
    "MedicationRequest": {
        "status": _REQUEST_STATUS,
        "intent": frozenset(
            {"proposal", "plan", "order", "original-order", "reflex-order", "filler-order",
             "instance-order", "option"}
        ),
        "dosageInstruction.timing.repeat.periodUnit": _TIMES,
    },
    "MedicationStatement": {
        "status": frozenset(
            {"active", "completed", "entered-in-error", "intended", "stopped", "on-hold",
             "unknown", "not-taken"}
        ),
    },
    "Task": {
        "status": frozenset(
            {"draft", "requested", "received", "accepted", "rejected", "ready", "cancelled",
             "in-progress", "on-hold", "failed", "completed", "entered-in-error"}
        ),
        "intent": frozenset(
            {"unknown", "proposal", "plan", "order", "original-order", "reflex-order",
             "filler-order", "instance-order", "option"}
        ),
    },
    "GuidanceResponse": {
        "status": frozenset(
            {"success", "data-requested", "data-required", "in-progress", "failure",
             "entered-in-error"}
        ),
    },
    "RiskAssessment": {
        "status": frozenset(
            {"registered", "preliminary", "final", "amended", "corrected", "cancelled",
             "entered-in-error", "unknown"}
        ),
    },
    "DetectedIssue": {
        "status": frozenset(
            {"registered", "preliminary", "final", "amended", "corrected", "cancelled",
             "entered-in-error", "unknown"}
        ),
        "severity": frozenset({"high", "moderate", "low"}),
    },
    "CarePlan": {
        "status": _PLAN_STATUS,
        "intent": frozenset({"proposal", "plan", "order", "option"}),
    },
    "RequestGroup": {
        "status": _PLAN_STATUS,
        "intent": frozenset(
            {"proposal", "plan", "directive", "order", "original-order", "reflex-order",
             "filler-order", "instance-order", "option"}
        ),
        "action.selectionBehavior": frozenset(
            {"any", "all", "all-or-none", "exactly-one", "at-most-one", "one-or-more"}
        ),
    },
    "Consent": {
        "status": frozenset(
            {"draft", "proposed", "active", "rejected", "inactive", "entered-in-error"}
        ),
        "provision.type": frozenset({"deny", "permit"}),
    },
    "Provenance": {
        "entity.role": frozenset({"derivation", "revision", "quotation", "source", "removal"}),
    },
    "AuditEvent": {
        "action": frozenset({"C", "R", "U", "D", "E"}),
        "outcome": frozenset({"0", "4", "8", "12"}),
    },
    "Patient": {"gender": frozenset({"male", "female", "other", "unknown"})},
    "Device": {"status": frozenset({"active", "inactive", "entered-in-error", "unknown"})},
}  # fmt: skip

_PERSON_OR_DEVICE: Final = frozenset(
    {"Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson", "Device"}
)
_PATIENT: Final = frozenset({"Patient"})

TARGETS: Final[dict[str, dict[str, frozenset[str]]]] = {
    "Observation": {
        "subject": _PATIENT,
        "device": frozenset({"Device", "DeviceMetric"}),
        "derivedFrom": frozenset({"Observation", "MolecularSequence", "DocumentReference"}),
    },
    "MedicationRequest": {
        "subject": _PATIENT,
        "requester": _PERSON_OR_DEVICE,
        "performer": _PERSON_OR_DEVICE | {"CareTeam"},
        "priorPrescription": frozenset({"MedicationRequest"}),
        "basedOn": frozenset(
            {"CarePlan", "MedicationRequest", "ServiceRequest", "ImmunizationRecommendation"}
        ),
    },
    "MedicationStatement": {
        "subject": _PATIENT,
        "basedOn": frozenset({"MedicationRequest", "CarePlan", "ServiceRequest"}),
    },
    "Task": {"for": _PATIENT, "owner": _PERSON_OR_DEVICE | {"CareTeam", "HealthcareService"}},
    "GuidanceResponse": {"subject": _PATIENT, "performer": frozenset({"Device"})},
    "RiskAssessment": {
        "subject": _PATIENT,
        "performer": frozenset({"Practitioner", "PractitionerRole", "Device"}),
    },
    "DetectedIssue": {
        "patient": _PATIENT,
        "author": frozenset({"Practitioner", "PractitionerRole", "Device"}),
        "mitigation.author": frozenset({"Practitioner", "PractitionerRole"}),
    },
    "CarePlan": {
        "subject": _PATIENT,
        "author": frozenset({"Practitioner"}),
        "activity.reference": frozenset({"RequestGroup", "MedicationRequest", "Task"}),
    },
    "RequestGroup": {
        "subject": _PATIENT,
        "author": frozenset({"Device", "Practitioner", "PractitionerRole"}),
        "action.action.resource": frozenset({"MedicationRequest"}),
    },
    "Consent": {
        "patient": _PATIENT,
        "performer": frozenset({"Practitioner", "Patient", "RelatedPerson", "Organization"}),
        "provision.actor.reference": _PERSON_OR_DEVICE | {"CareTeam", "Group"},
    },
    "Provenance": {"agent.who": _PERSON_OR_DEVICE},
}

_MMHG: Final = frozenset({"mm[Hg]"})
UNITS: Final[dict[str, frozenset[str]]] = {
    "8480-6": _MMHG,
    "8462-4": _MMHG,
    "96608-5": _MMHG,
    "96609-3": _MMHG,
    "8867-4": frozenset({"/min"}),
    "29463-7": frozenset({"kg", "g", "[lb_av]"}),
    "2823-3": frozenset({"mmol/L", "meq/L"}),
    "6298-4": frozenset({"mmol/L", "meq/L"}),
    "2951-2": frozenset({"mmol/L", "meq/L"}),
    "2947-0": frozenset({"mmol/L", "meq/L"}),
    "2160-0": frozenset({"mg/dL", "umol/L"}),
    "38483-4": frozenset({"mg/dL", "umol/L"}),
    "33914-3": frozenset({"mL/min/{1.73_m2}", "mL/min"}),
    "14959-1": frozenset({"mg/g", "mg/mmol"}),
}
