"""Random requests at every route: answered with a problem or a result, never with a defect."""

import json
import random
from typing import Any

from patient_gateway.permissions import PERMISSIONS
from services.ids import new_id
from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Phone, bundle, potassium
from tests.patient_gateway.test_uploads import DOSE, SYMPTOM, WEIGHT, WINDOW

SEEDS: list[dict[str, Any]] = [
    {"items": [DOSE]},
    {"items": [SYMPTOM]},
    {"items": [WEIGHT]},
    {"items": [WINDOW]},
    {"purposes": ["monitoring", "titration"]},
    {"answer": "accept", "reason": "x"},
    {"answer": "agree"},
    {"text": "hello"},
    {"reason": "dizzy"},
    bundle("Canaryson", potassium()),
]
ODD: list[Any] = [
    None, True, 0, -1, 2**63, 2**70, 1e308, "", "\x00", "\ud83d", "é" * 300, [], {}, [[]],
    {"": ""}, "2026-03-02T07:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z",
]  # fmt: skip


def mutate(value: Any, chance: random.Random) -> Any:
    """Return the value with a part of it replaced, removed or repeated."""
    if chance.random() < 0.15:
        return chance.choice(ODD)
    if isinstance(value, dict):
        changed = {name: mutate(part, chance) for name, part in value.items()}
        if changed and chance.random() < 0.1:
            changed.pop(chance.choice(sorted(changed)))
        return changed
    if isinstance(value, list):
        return [mutate(part, chance) for part in value * chance.choice((1, 1, 2))]
    return value


def damage(body: bytes, chance: random.Random) -> bytes:
    """Return the bytes, at times with one of them changed or the rest cut."""
    if chance.random() < 0.8 or not body:
        return body
    place = chance.randrange(len(body))
    return body[:place] + bytes([chance.randrange(256)]) + body[place + chance.choice((1, 99)) :]


async def test_random_requests_never_meet_a_defect(gateway: Gateway, phone: Phone) -> None:
    chance = random.Random(20260302)
    staff = gateway.clinician()
    statuses: dict[int, int] = {}
    for _ in range(600):
        method, template = chance.choice(sorted(PERMISSIONS))
        caller = staff if template.startswith("/v1/imports") else phone
        path = template.replace("{patient_id}", phone.patient_id)
        path = path.replace("{advice_id}", new_id()).replace("{goal_id}", new_id())
        text = json.dumps(mutate(chance.choice(SEEDS), chance)).encode()
        answer = await caller.send(
            method, f"{path}?simulated=true&timezone=UTC", damage(text, chance)
        )
        gateway.clock.forward(seconds=0.2)
        assert answer.status_code < 500, (method, path, text, answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
    assert {200, 201, 400, 404, 422} <= set(statuses), statuses
