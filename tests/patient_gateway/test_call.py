"""Who may, once or again: idempotency, consent, and exactly one event for how each call ended."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import text

from services.access.policy import Role as AccessRole
from services.access.tokens import issue
from services.ids import new_id
from services.store import Role, credentials
from services.store.roles import Acting
from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Phone, bundle
from tests.stack import StoreFactory


async def test_a_write_without_a_key_is_refused(phone: Phone) -> None:
    body = {"items": [phone.reading()]}
    for key in ("", "short", "x" * 129, "tab\tkey-1"):
        answer = await phone.send("POST", "/v1/readings", body, **{"Idempotency-Key": key})
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


async def test_the_same_key_and_body_get_the_same_answer_and_store_once(phone: Phone) -> None:
    body = {"items": [phone.reading()]}
    first = await phone.post("/v1/readings", body, key="the-same-key")
    again = await phone.post("/v1/readings", body, key="the-same-key")
    assert again.content == first.content and again.status_code == first.status_code
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json()["items"][0]["status"] == "stored"


async def test_the_same_key_with_another_body_or_path_is_refused(phone: Phone) -> None:
    await phone.post("/v1/readings", {"items": [phone.reading()]}, key="the-same-key")
    other = await phone.post("/v1/readings", {"items": [phone.reading()]}, key="the-same-key")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    elsewhere = await phone.post("/v1/halt", {}, key="the-same-key")
    assert elsewhere.json()["code"] == "idempotency_key_reused"


async def test_two_phones_may_choose_the_same_key(gateway: Gateway, phone: Phone) -> None:
    other = await gateway.phone("monitoring", family="Second")
    for one in (phone, other):
        answer = await one.post("/v1/readings", {"items": [one.reading()]}, key="common-key")
        assert answer.json()["items"][0]["status"] == "stored"


async def test_twins_in_flight_store_once_and_the_second_waits_or_is_told_so(
    phone: Phone,
) -> None:
    body = {"items": [phone.reading()]}
    answers = await asyncio.gather(
        *[phone.post("/v1/readings", body, key="twins-key") for _ in range(4)]
    )
    codes = [answer.status_code for answer in answers]
    assert set(codes) <= {200, 409} and 200 in codes
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency_key_in_flight"
            assert "Retry-After" in answer.headers


async def test_a_refused_write_leaves_its_key_free(phone: Phone) -> None:
    refused = await phone.post("/v1/readings", {"items": []}, key="same-key-1")
    assert refused.status_code == 422
    stored = await phone.post("/v1/readings", {"items": [phone.reading()]}, key="same-key-1")
    assert stored.status_code == 200


@pytest.mark.parametrize("path", ["readings", "doses", "symptoms", "weights", "windows"])
async def test_without_consent_to_monitoring_nothing_is_collected(
    gateway: Gateway, path: str
) -> None:
    phone = await gateway.phone()
    answer = await phone.post(f"/v1/{path}", {"items": [phone.reading()]})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (403, "no_consent")
    assert problem["title"] == "Consent is needed first"


async def test_withdrawn_consent_ends_collection_at_once(phone: Phone) -> None:
    await phone.upload(phone.reading())
    await phone.consent()
    answer = await phone.post("/v1/readings", {"items": [phone.reading()]})
    assert answer.json()["code"] == "no_consent"
    await phone.consent("monitoring")
    await phone.upload(phone.reading())


async def test_monitoring_alone_is_observe_only(gateway: Gateway) -> None:
    phone = await gateway.phone("monitoring")
    assert (await phone.get("/v1/plan")).json()["observe_only"] is True
    answer = await phone.post(f"/v1/advice/{new_id()}/answer", {"answer": "accept"})
    assert (answer.status_code, answer.json()["code"]) == (403, "no_consent")


BODIES: list[tuple[str, bytes, int, str]] = [
    ("nothing", b"", 400, "malformed_json"),
    ("cut short", b'{"items": [', 400, "malformed_json"),
    ("two values", b"{} {}", 400, "malformed_json"),
    ("not UTF-8", b'{"items": "\xff"}', 400, "malformed_json"),
    ("deep", b"[" * 5000 + b"]" * 5000, 400, "malformed_json"),
    ("deep with NaN", b"[" * 5000 + b"NaN" + b"]" * 5000, 400, "malformed_json"),
    ("a list", b"[]", 422, "invalid_input"),
    ("a number", b"7", 422, "invalid_input"),
    ("null", b"null", 422, "invalid_input"),
    ("no items", b"{}", 422, "invalid_input"),
    ("empty items", b'{"items": []}', 422, "invalid_input"),
    ("items is an object", b'{"items": {}}', 422, "invalid_input"),
    ("another field", b'{"items": [1], "extra": 1}', 422, "invalid_input"),
    ("too many", json.dumps({"items": [1] * 1001}).encode(), 422, "invalid_input"),
    ("too large", b" " * (4 * 2**20 + 1), 413, "too_large"),
]


@pytest.mark.parametrize("path", ["readings", "windows"])
async def test_a_body_that_is_no_batch_is_refused_whole(phone: Phone, path: str) -> None:
    for name, body, status, code in BODIES:
        answer = await phone.post(f"/v1/{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), name
        assert answer.headers["content-type"] == "application/problem+json"


async def test_another_media_type_is_refused(phone: Phone) -> None:
    answer = await phone.post("/v1/readings", b"{}", **{"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_items_that_are_not_objects_are_refused_each(phone: Phone) -> None:
    answer = await phone.post("/v1/readings", {"items": [None, 1, "x", [], {}]})
    assert {item["problem"]["code"] for item in answer.json()["items"]} == {"invalid_input"}


async def outcomes(gateway: Gateway, factory: StoreFactory, since: int) -> list[tuple[str, str]]:
    """Every event of the log after the first `since`, as (action, outcome), oldest first."""
    auditor = await factory(Role.AUDITOR)
    async with auditor.transaction(Acting("auditor", "test", None)) as tx:
        statement = text("SELECT action, outcome FROM events ORDER BY occurred_at, ctid")
        rows = (await tx.session.execute(statement)).all()
    return [(row.action, row.outcome) for row in rows][since:]


async def test_each_ending_is_exactly_one_event(
    gateway: Gateway, phone: Phone, store_factory: StoreFactory
) -> None:
    silent = await gateway.phone(family="Silent")
    stranger = Phone(gateway.http, gateway.clock)
    item = phone.reading()
    cases: list[tuple[Callable[[], Awaitable[httpx.Response]], tuple[str, str]]] = [
        (lambda: phone.get("/v1/plan"), ("record.read", "success")),
        (lambda: phone.get("/v1/me"), ("record.read", "success")),
        (lambda: phone.post("/v1/readings", {"items": [item]}), ("reading.recorded", "success")),
        (lambda: phone.post("/v1/readings", {"items": [item]}), ("reading.recorded", "success")),
        (lambda: phone.post("/v1/readings", {"items": [{}]}), ("reading.recorded", "success")),
        (lambda: phone.post("/v1/readings", b"{"), ("reading.recorded", "refused")),
        (lambda: phone.post("/v1/goals", {"text": "Walk"}), ("goal.proposed", "success")),
        (
            lambda: phone.post(f"/v1/goals/{new_id()}/answer", {"answer": "agree"}),
            ("goal.agreed", "refused"),
        ),
        (lambda: phone.post("/v1/halt", {}), ("halt.set", "success")),
        (lambda: phone.post("/v1/halt", {}), ("halt.set", "success")),
        (lambda: silent.post("/v1/readings", {"items": [item]}), ("access.denied", "refused")),
        (
            lambda: phone.post("/v1/imports?simulated=true&timezone=UTC", {}),
            ("access.denied", "refused"),
        ),
        (lambda: stranger.get("/v1/plan"), ("access.denied", "refused")),
        (
            lambda: stranger.post(
                "/v1/enrolments", {"enrolment_code": "AAAA-BBBB-CCCC", "device": {"model": "x"}}
            ),
            ("sign_in.failed", "refused"),
        ),
    ]
    seen = len(await outcomes(gateway, store_factory, 0))
    for ask, expected in cases:
        gateway.clock.forward(seconds=1)
        await ask()
        found = await outcomes(gateway, store_factory, seen)
        assert found == [expected]
        seen += len(found)


async def test_a_revoked_device_is_turned_away(gateway: Gateway, phone: Phone) -> None:
    async with gateway.store.transaction(Acting("system", "t", phone.patient_id)) as tx:
        await credentials.revoke_device(tx, phone.tokens["device_id"], now=gateway.clock())
    assert (await phone.get("/v1/plan")).status_code == 401
    refreshed = await phone.post("/v1/tokens", {"refresh_token": phone.tokens["refresh_token"]})
    assert refreshed.status_code == 401


async def test_a_revoked_token_is_turned_away(gateway: Gateway, phone: Phone) -> None:
    token = phone.tokens["access_token"]
    claims = gateway.app.state.door.verifier.verify(token, now=gateway.clock())
    async with gateway.store.transaction(Acting("system", "t", None)) as tx:
        await credentials.revoke_token(
            tx, claims.token_id, expires_at=claims.expires_at, now=gateway.clock()
        )
    assert (await phone.get("/v1/plan")).status_code == 401


async def test_a_session_that_a_clinician_ended_opens_nothing_here_either(
    gateway: Gateway,
) -> None:
    clinician = gateway.clinician()
    door = gateway.app.state.door
    claims = door.verifier.verify(
        clinician.headers["Authorization"].removeprefix("Bearer "), now=gateway.clock()
    )
    session_id = f"{new_id()}.1"
    token = issue(
        replace(claims, session_id=session_id), gateway.settings.secret("token_clinician.pem")
    )
    clinician.headers["Authorization"] = f"Bearer {token}"
    path = "/v1/imports?simulated=true&timezone=Asia/Shanghai"
    assert (await clinician.post(path, bundle("Canaryson"))).status_code == 201
    async with gateway.store.transaction(Acting("system", "t", None)) as tx:
        await credentials.revoke_token(
            tx, session_id, expires_at=claims.expires_at, now=gateway.clock()
        )
    assert (await clinician.post(path, bundle("Canaryson"))).status_code == 401


async def test_a_closed_clinicians_account_opens_nothing_here_either(
    gateway: Gateway, store_factory: StoreFactory
) -> None:
    path = "/v1/imports?simulated=true&timezone=Asia/Shanghai"
    assert (await gateway.clinician().post(path, bundle("Canaryson"))).status_code == 201
    accounts = await store_factory(Role.CLINICIAN)
    async with accounts.transaction(Acting("system", "test", None)) as tx:
        open_ = await credentials.clinician(tx, gateway.clinician_id)
        await credentials.change_clinician(tx, replace(open_, active=False), now=gateway.clock())
    assert (await gateway.clinician().post(path, bundle("Canaryson"))).status_code == 401


async def test_a_token_of_an_erased_or_invented_patient_opens_nothing(
    gateway: Gateway, phone: Phone
) -> None:
    door = gateway.app.state.door
    claims = door.verifier.verify(phone.tokens["access_token"], now=gateway.clock())
    forged = replace(claims, patient_id="00000000-0000-4000-8000-000000000000")
    token = issue(forged, gateway.settings.secret("token_gateway.pem"))
    answer = await phone.get("/v1/plan", Authorization=f"Bearer {token}")
    assert answer.status_code == 404


async def test_an_upload_only_device_uploads_readings_and_nothing_else(gateway: Gateway) -> None:
    imported = await gateway.import_patient()
    device = Phone(gateway.http, gateway.clock)
    answer = await device.post(
        "/v1/enrolments",
        {
            "enrolment_code": imported["enrolment_code"],
            "device": {"model": "Cuff hub"},
            "upload_only": True,
        },
    )
    device.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    assert (await device.get("/v1/plan")).status_code == 403
    assert (await device.send("PUT", "/v1/consent", {"purposes": []})).status_code == 403
    refused = await device.post("/v1/readings", {"items": [device.reading()]})
    assert refused.json()["code"] == "no_consent"
    assert AccessRole.DEVICE.value not in answer.json()["scope"]


@pytest.mark.parametrize("name", ["%00", "x", "..%2Fplan", "%F0%9F%92%8A", "A" * 400])
async def test_what_is_no_id_is_not_found(gateway: Gateway, phone: Phone, name: str) -> None:
    for path in (f"/v1/goals/{name}/answer", f"/v1/advice/{name}/answer"):
        assert (await phone.post(path, {"answer": "decline"})).status_code == 404
    added = await gateway.clinician().post(f"/v1/imports/{name}", {})
    assert added.status_code == 404
    odd = await gateway.clinician().post(
        f"/v1/imports?simulated=true&timezone={name}&clinician_id={name}", {}
    )
    assert odd.status_code == 422
