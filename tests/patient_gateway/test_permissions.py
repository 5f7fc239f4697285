"""Every route has a permission or is public by name; the matrix route × role is enumerated."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Route

from patient_gateway.permissions import PERMISSIONS, PUBLIC
from services.access.policy import Role
from services.ids import new_id
from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Phone

# P patient, D upload-only device, C clinician, L lead, R registrar, A auditor: who gets past the
# policy, on their own patient, with every consent given. Kept by hand.
EXPECTED = {
    "POST /v1/imports": "CLR",
    "POST /v1/imports/{patient_id}": "CLR",
    "GET /v1/me": "P",
    "GET /v1/consent": "P",
    "PUT /v1/consent": "P",
    "POST /v1/readings": "PD",
    "POST /v1/doses": "P",
    "POST /v1/symptoms": "P",
    "POST /v1/weights": "PD",
    "POST /v1/windows": "PD",
    "GET /v1/plan": "P",
    "GET /v1/advice": "P",
    "POST /v1/advice/{advice_id}/answer": "P",
    "GET /v1/goals": "P",
    "POST /v1/goals": "P",
    "POST /v1/goals/{goal_id}/answer": "P",
    "GET /v1/messages": "P",
    "POST /v1/messages": "P",
    "POST /v1/halt": "P",
    "POST /v1/resume": "P",
}
LETTER = {role: role.value[0].upper() for role in Role}


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    def flat(items: list[BaseRoute]) -> Iterator[Route]:
        for item in items:
            if isinstance(item, Route):
                yield item
            inner = getattr(item, "original_router", None) or getattr(item, "router", None)
            if inner is not None:
                yield from flat(inner.routes)

    for route in flat(list(app.routes)):
        for method in sorted((route.methods or set()) - {"HEAD"}):
            yield method, route.path


def test_every_route_has_a_permission_or_is_public_and_none_is_both(gateway: Gateway) -> None:
    found = set(routes(gateway.app))
    assert len(found) > 20
    assert found == set(PERMISSIONS) | PUBLIC
    assert not set(PERMISSIONS) & PUBLIC


def test_the_matrix_names_every_protected_route() -> None:
    assert set(EXPECTED) == {f"{method} {path}" for method, path in PERMISSIONS}


async def test_a_route_without_a_permission_is_closed(gateway: Gateway, phone: Phone) -> None:
    from patient_gateway.authenticate import Authenticated

    async def forgotten(call: Authenticated) -> dict[str, str]:
        return {"secret": "open"}

    gateway.app.add_api_route("/v1/forgotten", forgotten, methods=["GET"])
    answer = await phone.get("/v1/forgotten")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize("role", Role)
async def test_the_matrix(gateway: Gateway, role: Role) -> None:
    person = await somebody(gateway, role)
    for method, template in sorted(PERMISSIONS):
        path = template.replace("{patient_id}", person.patient_id or new_id())
        path = path.replace("{advice_id}", new_id()).replace("{goal_id}", new_id())
        answer = await person.send(method, f"{path}?simulated=true&timezone=UTC", {})
        passed = answer.status_code not in (401, 403)
        expected = LETTER[role] in EXPECTED[f"{method} {template}"]
        assert passed is expected, (method, template, answer.text)
        assert answer.status_code < 500


async def test_without_a_token_everything_is_401(gateway: Gateway) -> None:
    nobody = Phone(gateway.http, gateway.clock)
    headers = ["", "Basic YTpi", "Bearer", "Bearer x.y.z", "Bearer " + "a" * 9000]
    for method, template in sorted(PERMISSIONS):
        path = template.replace("{patient_id}", new_id()).replace("{advice_id}", new_id())
        for value in headers[:2] if method == "POST" else headers:
            answer = await nobody.send(method, path, {}, Authorization=value)
            assert answer.status_code == 401, (method, template, value)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        gateway.clock.forward(minutes=2)


async def somebody(gateway: Gateway, role: Role) -> Phone:
    if role is Role.PATIENT:
        return await gateway.phone("monitoring", "titration", "research")
    if role is Role.DEVICE:
        owner = await gateway.phone("monitoring", "titration", "research")
        return await gateway.watch_of(owner)
    return gateway.clinician(role)
