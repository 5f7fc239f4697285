"""What each route needs: a route that is in neither table is answered with 403."""

from dataclasses import dataclass

from services.access.policy import Action, Purpose, ResourceKind
from services.audit.actions import Action as Act


@dataclass(frozen=True, slots=True)
class Permission:
    """What the policy is asked for a route, and the act that the log notes when it is done."""

    action: Action
    resource: ResourceKind
    act: Act
    purpose: Purpose = Purpose.SELF


def _create(resource: ResourceKind, act: Act) -> Permission:
    return Permission(Action.CREATE, resource, act)


def _read(resource: ResourceKind) -> Permission:
    return Permission(Action.READ, resource, Act.RECORD_READ)


_IMPORT = Permission(
    Action.CREATE, ResourceKind.PATIENT, Act.RECORD_IMPORTED, Purpose.ADMINISTRATION
)

PERMISSIONS: dict[tuple[str, str], Permission] = {
    ("POST", "/v1/imports"): _IMPORT,
    ("POST", "/v1/imports/{patient_id}"): Permission(
        Action.CREATE, ResourceKind.RECORD, Act.RECORD_IMPORTED, Purpose.ADMINISTRATION
    ),
    ("GET", "/v1/me"): _read(ResourceKind.PATIENT),
    ("GET", "/v1/consent"): _read(ResourceKind.CONSENT),
    ("PUT", "/v1/consent"): Permission(Action.UPDATE, ResourceKind.CONSENT, Act.CONSENT_GRANTED),
    ("POST", "/v1/readings"): _create(ResourceKind.READING, Act.READING_RECORDED),
    ("POST", "/v1/doses"): _create(ResourceKind.DOSE, Act.DOSE_RECORDED),
    ("POST", "/v1/symptoms"): _create(ResourceKind.SYMPTOM, Act.SYMPTOM_RECORDED),
    ("POST", "/v1/weights"): _create(ResourceKind.WEIGHT, Act.RECORD_CREATED),
    ("POST", "/v1/windows"): _create(ResourceKind.WINDOW, Act.WINDOW_RECORDED),
    ("GET", "/v1/plan"): _read(ResourceKind.PLAN),
    ("GET", "/v1/advice"): _read(ResourceKind.ADVICE),
    ("POST", "/v1/advice/{advice_id}/answer"): Permission(
        Action.ANSWER, ResourceKind.ADVICE, Act.ADVICE_ACCEPTED
    ),
    ("GET", "/v1/goals"): _read(ResourceKind.GOAL),
    ("POST", "/v1/goals"): _create(ResourceKind.GOAL, Act.GOAL_PROPOSED),
    ("POST", "/v1/goals/{goal_id}/answer"): Permission(
        Action.ANSWER, ResourceKind.GOAL, Act.GOAL_AGREED
    ),
    ("GET", "/v1/messages"): _read(ResourceKind.MESSAGE),
    ("POST", "/v1/messages"): _create(ResourceKind.MESSAGE, Act.MESSAGE_SENT),
    ("POST", "/v1/halt"): Permission(Action.HALT, ResourceKind.LOOP, Act.HALT_SET),
    ("POST", "/v1/resume"): Permission(Action.RESUME, ResourceKind.LOOP, Act.HALT_LIFTED),
}

# Enrolling and refreshing bring their own proof: a single-use code, a single-use token.
PUBLIC: frozenset[tuple[str, str]] = frozenset(
    {
        ("POST", "/v1/enrolments"),
        ("POST", "/v1/tokens"),
        ("GET", "/healthz"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/app"),
        ("GET", "/app/"),
        ("GET", "/app/{name}"),
    }
)
