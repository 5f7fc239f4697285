"""A log event as an AuditEvent in the IHE BALP pattern: rendered on export, never kept."""

from dataclasses import dataclass
from typing import Final

from services.audit.actions import Action
from services.audit.event import ActorKind, AuditEvent, Outcome
from services.fhir import codes
from services.fhir.coding import Coding
from services.fhir.resource import Resource, coding, concept, instant

_BALP: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition"
_REST: Final = Coding(
    "http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "Restful Operation"
)
_INTERACTIONS: Final = "http://hl7.org/fhir/restful-interaction"
_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_SOURCE: Final = Coding(_DICOM, "110153", "Source Role ID")
_DESTINATION: Final = Coding(_DICOM, "110152", "Destination Role ID")
_ENTITY_TYPES: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_PERSON: Final = Coding(_ENTITY_TYPES, "1", "Person")
_SYSTEM_OBJECT: Final = Coding(_ENTITY_TYPES, "2", "System Object")
_OBJECT_ROLES: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_PATIENT_ROLE: Final = Coding(_OBJECT_ROLES, "1", "Patient")
_DOMAIN_ROLE: Final = Coding(_OBJECT_ROLES, "4", "Domain Resource")
_REQUEST_ENTITY: Final = Coding(
    "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
    "XrequestId",
    "the value from x-request-id",
)


@dataclass(frozen=True, slots=True)
class _Interaction:
    """How one kind of access is printed. On a read the server is the source of the data."""

    code: str
    display: str
    action: str
    profile: str
    server_is_source: bool


_READ: Final = _Interaction("read", "read", "R", "IHE.BasicAudit.PatientRead", True)
_QUERY: Final = _Interaction("search", "search", "E", "IHE.BasicAudit.PatientQuery", False)
_CREATE: Final = _Interaction("create", "create", "C", "IHE.BasicAudit.PatientCreate", False)
_UPDATE: Final = _Interaction("update", "update", "U", "IHE.BasicAudit.PatientUpdate", False)
_DELETE: Final = _Interaction("delete", "delete", "D", "IHE.BasicAudit.PatientDelete", False)

# Every act not named here wrote a new record.
_INTERACTION_OF: Final[dict[Action, _Interaction]] = {
    Action.RECORD_READ: _READ,
    Action.ACCESS_DENIED: _READ,
    Action.AUDIT_EXPORTED: _READ,
    Action.DATA_EXPORTED: _READ,
    Action.RECORD_SEARCHED: _QUERY,
    Action.KEY_DESTROYED: _DELETE,
    Action.RETENTION_APPLIED: _DELETE,
    **dict.fromkeys(
        (
            Action.RECORD_UPDATED,
            Action.CONSENT_WITHDRAWN,
            Action.ADVICE_ACCEPTED,
            Action.ADVICE_DECLINED,
            Action.ADVICE_EXPIRED,
            Action.REVIEW_CLAIMED,
            Action.REVIEW_DECIDED,
            Action.REVIEW_ESCALATED,
            Action.REVIEW_CLOSED,
            Action.ENVELOPE_REVOKED,
            Action.ENVELOPE_DEMOTED,
            Action.ALARM_ACKNOWLEDGED,
            Action.ALARM_ESCALATED,
            Action.ALARM_CLOSED,
            Action.HALT_LIFTED,
            Action.GOAL_AGREED,
            Action.GOAL_DECLINED,
            Action.CREDENTIAL_CHANGED,
        ),
        _UPDATE,
    ),
}

_OUTCOMES: Final[dict[Outcome, str]] = {
    Outcome.SUCCESS: "0",
    Outcome.REFUSED: "4",
    Outcome.FAILED: "8",
}


def audit_event(event: AuditEvent) -> Resource:
    """Return the AuditEvent of one leaf. It holds what the leaf holds: pseudonyms, no names.

    Who authored a decision is in its Provenance; here stands who touched which record.
    """
    interaction = _INTERACTION_OF.get(event.action, _CREATE)
    return {
        "resourceType": "AuditEvent",
        "id": event.event_id,
        **_profile(event, interaction),
        "type": coding(_REST),
        "subtype": [
            coding(Coding(_INTERACTIONS, interaction.code, interaction.display)),
            coding(Coding(codes.SYSTEM_AUDIT, event.action.value, event.action.value)),
        ],
        "action": interaction.action,
        "recorded": instant(event.occurred_at),
        "outcome": _OUTCOMES[event.outcome],
        "agent": _agents(event, interaction),
        "source": {"observer": {"display": "clinaiops"}},
        "entity": _entities(event),
    }


def _profile(event: AuditEvent, interaction: _Interaction) -> Resource:
    """BALP's patient profiles speak of successful acts on an identifiable patient."""
    if event.patient_pseudonym is None or event.outcome is not Outcome.SUCCESS:
        return {}
    return {"meta": {"profile": [f"{_BALP}/{interaction.profile}"]}}


def _agents(event: AuditEvent, interaction: _Interaction) -> list[Resource]:
    """Exactly one client and one server."""
    client_role, server_role = (
        (_DESTINATION, _SOURCE) if interaction.server_is_source else (_SOURCE, _DESTINATION)
    )
    client: Resource = {
        "type": concept(client_role),
        "role": [concept(Coding(f"{codes.OWN}/CodeSystem/actor", event.actor_kind, _kind(event)))],
        "who": {"identifier": _pseudonym(event.actor_pseudonym)},
        "requestor": True,
    }
    server: Resource = {
        "type": concept(server_role),
        "who": {"display": "clinaiops"},
        "requestor": False,
    }
    return [client, server]


def _entities(event: AuditEvent) -> list[Resource]:
    touched: Resource = {
        "what": {"identifier": {"system": f"{codes.OWN}/sid/record", "value": _touched(event)}},
        "type": coding(_SYSTEM_OBJECT),
        "role": coding(_DOMAIN_ROLE),
        "detail": [{"type": key, "valueString": str(value)} for key, value in event.details],
    }
    if not event.details:
        del touched["detail"]
    if event.patient_pseudonym is None:
        return [touched]
    patient: Resource = {
        "what": {"identifier": _pseudonym(event.patient_pseudonym)},
        "type": coding(_PERSON),
        "role": coding(_PATIENT_ROLE),
    }
    return [touched, patient, *_request(event)]


def _request(event: AuditEvent) -> list[Resource]:
    request_id = dict(event.details).get("request_id")
    if request_id is None:
        return []
    system = f"{codes.OWN}/sid/request"
    return [
        {
            "what": {"identifier": {"system": system, "value": str(request_id)}},
            "type": coding(_REQUEST_ENTITY),
        }
    ]


def _touched(event: AuditEvent) -> str:
    return f"{event.subject_type}/{event.subject_id}"


def _pseudonym(value: str) -> Resource:
    return {"system": codes.SYSTEM_PSEUDONYM, "value": value}


def _kind(event: AuditEvent) -> str:
    return ActorKind(event.actor_kind).value
