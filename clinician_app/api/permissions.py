"""What each route needs. A route that is in neither table is answered with 403."""

from dataclasses import dataclass

from services.access.policy import Action, Purpose, ResourceKind


@dataclass(frozen=True, slots=True)
class Permission:
    """What the policy is asked for a route."""

    action: Action
    resource: ResourceKind
    purpose: Purpose = Purpose.CARE


def _row(action: Action, resource: ResourceKind) -> Permission:
    return Permission(action, resource)


_A, _R = Action, ResourceKind

PERMISSIONS: dict[tuple[str, str], Permission] = {
    ("GET", "/v1/worklist"): _row(_A.SEARCH, _R.WORKLIST),
    ("GET", "/v1/patients/{patient_id}"): _row(_A.READ, _R.RECORD),
    ("GET", "/v1/patients/{patient_id}/trend"): _row(_A.READ, _R.TREND),
    ("GET", "/v1/patients/{patient_id}/wearable"): _row(_A.READ, _R.TREND),
    ("GET", "/v1/patients/{patient_id}/timeline"): _row(_A.READ, _R.TIMELINE),
    ("GET", "/v1/reviews"): _row(_A.SEARCH, _R.REVIEW),
    ("GET", "/v1/reviews/{review_id}"): _row(_A.READ, _R.REVIEW),
    ("POST", "/v1/reviews/{review_id}/claim"): _row(_A.CLAIM, _R.REVIEW),
    ("POST", "/v1/reviews/{review_id}/decision"): _row(_A.DECIDE, _R.REVIEW),
    ("GET", "/v1/patients/{patient_id}/envelope"): _row(_A.READ, _R.ENVELOPE),
    ("PUT", "/v1/patients/{patient_id}/envelope"): _row(_A.SIGN, _R.ENVELOPE),
    ("GET", "/v1/patients/{patient_id}/envelope/history"): _row(_A.READ, _R.ENVELOPE),
    ("POST", "/v1/patients/{patient_id}/envelope/revoke"): _row(_A.REVOKE, _R.ENVELOPE),
    ("GET", "/v1/alarms"): _row(_A.SEARCH, _R.ALARM),
    ("POST", "/v1/alarms/{alarm_id}/acknowledge"): _row(_A.ACKNOWLEDGE, _R.ALARM),
    ("POST", "/v1/alarms/{alarm_id}/close"): _row(_A.CLOSE, _R.ALARM),
    ("POST", "/v1/patients/{patient_id}/halt"): _row(_A.HALT, _R.LOOP),
    ("POST", "/v1/patients/{patient_id}/resume"): _row(_A.RESUME, _R.LOOP),
    ("POST", "/v1/halt"): _row(_A.HALT, _R.CLINIC),
    ("POST", "/v1/resume"): _row(_A.RESUME, _R.CLINIC),
    ("POST", "/v1/patients/{patient_id}/reconcile"): _row(_A.UPDATE, _R.RECORD),
    ("GET", "/v1/patients/{patient_id}/goals"): _row(_A.READ, _R.GOAL),
    ("POST", "/v1/patients/{patient_id}/goals"): _row(_A.CREATE, _R.GOAL),
    ("POST", "/v1/goals/{goal_id}/answer"): _row(_A.ANSWER, _R.GOAL),
    ("GET", "/v1/patients/{patient_id}/messages"): _row(_A.READ, _R.MESSAGE),
    ("POST", "/v1/patients/{patient_id}/messages"): _row(_A.CREATE, _R.MESSAGE),
    ("GET", "/v1/patients/{patient_id}/tasks"): _row(_A.SEARCH, _R.TASK),
    ("GET", "/v1/tasks"): _row(_A.SEARCH, _R.TASK),
    ("POST", "/v1/tasks/{task_id}/done"): _row(_A.CLOSE, _R.TASK),
    ("POST", "/v1/patients/{patient_id}/symptoms/{symptom_id}/close"): _row(_A.CLOSE, _R.SYMPTOM),
    ("POST", "/v1/patients/{patient_id}/visit"): _row(_A.CREATE, _R.VISIT),
}

SIGNED_IN: frozenset[tuple[str, str]] = frozenset(
    {("POST", "/v1/session/refresh"), ("DELETE", "/v1/session")}
)
"""A genuine token is enough: these touch its own session and nothing else."""

PUBLIC: frozenset[tuple[str, str]] = frozenset(
    {
        ("POST", "/v1/session"),
        ("GET", "/healthz"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
    }
)
"""Signing in brings its own proof; the others hold nothing of anyone."""
