"""The table behind the policy: one row for each thing that anyone may do."""

from dataclasses import dataclass
from enum import StrEnum

from services.clinical.patient import ConsentPurpose


class Role(StrEnum):
    """Who someone is here. A lead is a clinician who may also stop the whole clinic's loops."""

    PATIENT = "patient"
    DEVICE = "device"
    """A cuff or watch that uploads for its patient and can do nothing else."""
    CLINICIAN = "clinician"
    LEAD = "lead"
    REGISTRAR = "registrar"
    """Brings patients in; sees no clinical record."""
    AUDITOR = "auditor"


class Action(StrEnum):
    """What is done to a resource."""

    READ = "read"
    SEARCH = "search"
    CREATE = "create"
    UPDATE = "update"
    ANSWER = "answer"
    CLAIM = "claim"
    DECIDE = "decide"
    SIGN = "sign"
    REVOKE = "revoke"
    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"
    HALT = "halt"
    RESUME = "resume"
    EXPORT = "export"


class ResourceKind(StrEnum):
    """What a rule can name."""

    PATIENT = "patient"
    RECORD = "record"
    """The imported record: results, medicines, history."""
    CONSENT = "consent"
    READING = "reading"
    DOSE = "dose"
    SYMPTOM = "symptom"
    WEIGHT = "weight"
    WINDOW = "window"
    PLAN = "plan"
    ADVICE = "advice"
    GOAL = "goal"
    MESSAGE = "message"
    LOOP = "loop"
    """One patient's running loop."""
    CLINIC = "clinic"
    """Every loop at once."""
    WORKLIST = "worklist"
    TREND = "trend"
    TIMELINE = "timeline"
    REVIEW = "review"
    ENVELOPE = "envelope"
    ALARM = "alarm"
    TASK = "task"
    VISIT = "visit"
    AUDIT_LOG = "audit_log"


class Purpose(StrEnum):
    """Why it is done, as the audit record keeps it."""

    CARE = "care"
    SELF = "self"
    """Patients about their own record."""
    ADMINISTRATION = "administration"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Rule:
    """A row: any one of `roles`, holding `scope`, for one of `purposes`, given `consent`."""

    roles: frozenset[Role]
    scope: str
    purposes: frozenset[Purpose]
    consent: ConsentPurpose | None = None


_SELF = frozenset({Purpose.SELF})
_CARE = frozenset({Purpose.CARE})
_CARE_OR_SELF = _SELF | _CARE
_PATIENT = frozenset({Role.PATIENT})
_UPLOADERS = frozenset({Role.PATIENT, Role.DEVICE})
_CLINICAL = frozenset({Role.CLINICIAN, Role.LEAD})
_BOTH = _PATIENT | _CLINICAL

_UPLOAD = Rule(_UPLOADERS, "upload", _SELF, ConsentPurpose.MONITORING)
_REPORT = Rule(_PATIENT, "upload", _SELF, ConsentPurpose.MONITORING)
_TALK = Rule(_BOTH, "talk", _CARE_OR_SELF)
_LOOK = Rule(_CLINICAL, "patient.read", _CARE)
_WRITE = Rule(_CLINICAL, "patient.write", _CARE)
_REVIEW = Rule(_CLINICAL, "review.decide", _CARE)
_ENVELOPE = Rule(_CLINICAL, "envelope.sign", _CARE)
_ALARM = Rule(_CLINICAL, "alarm.acknowledge", _CARE)
_CLINIC = Rule(frozenset({Role.LEAD}), "clinic.halt", _CARE)
# A halt is the brake: neither consent nor anything else stands before it.
_BRAKE = Rule(_BOTH, "loop.halt", _CARE_OR_SELF)
_IMPORT = Rule(
    _CLINICAL | {Role.REGISTRAR},
    "patient.import",
    frozenset({Purpose.CARE, Purpose.ADMINISTRATION}),
)

RULES: dict[tuple[Action, ResourceKind], Rule] = {
    # The patient's door
    (Action.CREATE, ResourceKind.PATIENT): _IMPORT,
    (Action.CREATE, ResourceKind.RECORD): _IMPORT,
    (Action.READ, ResourceKind.PATIENT): Rule(_PATIENT, "plan.read", _SELF),
    (Action.READ, ResourceKind.CONSENT): Rule(_BOTH, "consent", _CARE_OR_SELF),
    (Action.UPDATE, ResourceKind.CONSENT): Rule(_PATIENT, "consent", _SELF),
    (Action.CREATE, ResourceKind.READING): _UPLOAD,
    (Action.CREATE, ResourceKind.WEIGHT): _UPLOAD,
    (Action.CREATE, ResourceKind.WINDOW): _UPLOAD,
    (Action.CREATE, ResourceKind.DOSE): _REPORT,
    (Action.CREATE, ResourceKind.SYMPTOM): _REPORT,
    (Action.READ, ResourceKind.PLAN): Rule(_PATIENT, "plan.read", _SELF),
    (Action.READ, ResourceKind.ADVICE): Rule(_PATIENT, "plan.read", _SELF),
    (Action.ANSWER, ResourceKind.ADVICE): Rule(
        _PATIENT, "advice.answer", _SELF, ConsentPurpose.TITRATION
    ),
    # Both doors
    (Action.READ, ResourceKind.GOAL): _TALK,
    (Action.CREATE, ResourceKind.GOAL): _TALK,
    (Action.ANSWER, ResourceKind.GOAL): _TALK,
    (Action.READ, ResourceKind.MESSAGE): _TALK,
    (Action.CREATE, ResourceKind.MESSAGE): _TALK,
    (Action.HALT, ResourceKind.LOOP): _BRAKE,
    (Action.RESUME, ResourceKind.LOOP): _BRAKE,
    # The clinician's door
    (Action.SEARCH, ResourceKind.WORKLIST): _LOOK,
    (Action.READ, ResourceKind.RECORD): _LOOK,
    (Action.READ, ResourceKind.TREND): _LOOK,
    (Action.READ, ResourceKind.TIMELINE): Rule(
        _CLINICAL | {Role.AUDITOR}, "timeline.read", _CARE | {Purpose.AUDIT}
    ),
    (Action.SEARCH, ResourceKind.REVIEW): _LOOK,
    (Action.READ, ResourceKind.REVIEW): _LOOK,
    (Action.CLAIM, ResourceKind.REVIEW): _REVIEW,
    (Action.DECIDE, ResourceKind.REVIEW): _REVIEW,
    (Action.READ, ResourceKind.ENVELOPE): _LOOK,
    (Action.SIGN, ResourceKind.ENVELOPE): _ENVELOPE,
    (Action.REVOKE, ResourceKind.ENVELOPE): _ENVELOPE,
    (Action.SEARCH, ResourceKind.ALARM): _LOOK,
    (Action.ACKNOWLEDGE, ResourceKind.ALARM): _ALARM,
    (Action.CLOSE, ResourceKind.ALARM): _ALARM,
    (Action.UPDATE, ResourceKind.RECORD): _WRITE,
    (Action.CLOSE, ResourceKind.SYMPTOM): _WRITE,
    (Action.SEARCH, ResourceKind.TASK): _LOOK,
    (Action.CLOSE, ResourceKind.TASK): _WRITE,
    (Action.CREATE, ResourceKind.VISIT): _WRITE,
    (Action.HALT, ResourceKind.CLINIC): _CLINIC,
    (Action.RESUME, ResourceKind.CLINIC): _CLINIC,
    # The compliance door
    (Action.READ, ResourceKind.AUDIT_LOG): Rule(
        frozenset({Role.AUDITOR}), "audit.read", frozenset({Purpose.AUDIT})
    ),
    (Action.EXPORT, ResourceKind.AUDIT_LOG): Rule(
        frozenset({Role.AUDITOR}), "audit.read", frozenset({Purpose.AUDIT})
    ),
}
