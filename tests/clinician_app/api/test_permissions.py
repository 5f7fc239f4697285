"""The policy: every route has a row, and every role gets what its row says and nothing else."""

from typing import Any

import pytest

from clinician_app.api.permissions import PERMISSIONS, PUBLIC, SIGNED_IN
from services.access.rules import RULES, Role
from services.ids import new_id
from tests.clinician_app import clinic
from tests.clinician_app.conftest import Api

ROLES = ("clinician", "lead", "registrar", "auditor")


def routes(api: Api) -> set[tuple[str, str]]:
    """Every method and path template that the application answers."""
    app: Any = api.http._transport.app  # type: ignore[attr-defined]
    found = set()
    for route in app.routes:
        for inner in getattr(getattr(route, "original_router", None), "routes", None) or [route]:
            found |= {(method, inner.path) for method in getattr(inner, "methods", ()) or ()}
    return {(method, path) for method, path in found if method not in ("HEAD", "OPTIONS")}


async def test_every_route_has_a_row_and_every_row_a_route(api: Api) -> None:
    assert routes(api) == set(PERMISSIONS) | SIGNED_IN | PUBLIC


def test_every_row_asks_the_policy_something_that_it_knows() -> None:
    for permission in PERMISSIONS.values():
        rule = RULES[(permission.action, permission.resource)]
        assert permission.purpose in rule.purposes


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_is_let_through_where_its_row_says_and_nowhere_else(
    api: Api, role: str
) -> None:
    await clinic.clinician(api.store, "someone", role=role)
    headers = await api.sign_in("someone")
    for (method, path), permission in PERMISSIONS.items():
        filled = path.format(
            patient_id=new_id(),
            review_id=new_id(),
            alarm_id=new_id(),
            goal_id=new_id(),
            task_id=new_id(),
            symptom_id=new_id(),
        )
        answer = await api.http.request(method, filled, headers=headers, json={})
        allowed = Role(role) in RULES[(permission.action, permission.resource)].roles
        assert (answer.status_code != 403) == allowed, (method, path, answer.text)
        assert answer.status_code < 500, (method, path, answer.text)


async def test_without_a_token_nothing_but_the_public_routes_answers(api: Api) -> None:
    for method, path in routes(api) - PUBLIC:
        answer = await api.http.request(method, path.format_map(_AnyId()), json={})
        assert answer.status_code == 401, (method, path)


async def test_a_denial_is_one_event(api: Api) -> None:
    await clinic.clinician(api.store, "desk", role="registrar")
    patient_id = new_id()
    headers = await api.sign_in("desk")
    answer = await api.http.get(f"/v1/patients/{patient_id}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert await api.actions_on(patient_id) == ["access.denied"]


class _AnyId(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return new_id()


async def test_a_colleagues_review_alarm_task_or_goal_is_not_there_and_asking_is_one_event(
    api: Api,
) -> None:
    anna = await clinic.clinician(api.store, "anna")
    await clinic.clinician(api.store, "bert")
    patient_id = await clinic.patient(api.store, anna, clinic.Sick("Ada, A"))
    review_id = (await clinic.assess(api.worker, patient_id)).review_id
    assert review_id is not None
    headers = await api.sign_in("bert")
    decision = {"kind": "accept", "password": clinic.PASSWORD, "dwell_s": 30}
    asked: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("GET", "/v1/reviews/{}", review_id, {}),
        ("POST", "/v1/reviews/{}/claim", review_id, {}),
        ("POST", "/v1/reviews/{}/decision", review_id, decision),
        ("POST", "/v1/alarms/{}/acknowledge", new_id(), {"note": "x"}),
        ("POST", "/v1/tasks/{}/done", new_id(), {}),
        ("POST", "/v1/goals/{}/answer", new_id(), {"agree": True}),
        ("GET", "/v1/patients/{}", patient_id, {}),
    )
    for method, path, subject_id, body in asked:
        before = len(await api.actions_on(subject_id))
        answer = await api.http.request(
            method,
            path.format(subject_id),
            headers={**headers, "If-Match": '"1"', "Idempotency-Key": new_id()},
            json=body,
        )
        assert answer.status_code == 404, (path, answer.text)
        assert (await api.actions_on(subject_id))[before:] == ["access.denied"], path
