"""Codes work once; refresh tokens rotate; a copied one ends its family."""

from typing import Any

import pytest

from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Phone


async def refresh(phone: Phone, token: str) -> tuple[int, dict[str, Any]]:
    answer = await phone.post("/v1/tokens", {"refresh_token": token})
    return answer.status_code, answer.json()


async def test_a_code_works_once_and_typed_in_any_of_its_ways(gateway: Gateway) -> None:
    code = str((await gateway.import_patient())["enrolment_code"])
    phone = Phone(gateway.http, gateway.clock)
    body = {"enrolment_code": code.lower().replace("-", " "), "device": {"model": "M7"}}
    first = await phone.post("/v1/enrolments", body)
    assert first.status_code == 201 and first.json()["token_type"] == "Bearer"
    again = await phone.post("/v1/enrolments", body)
    assert (again.status_code, again.json()["code"]) == (403, "code_refused")


async def test_a_code_expires_after_a_week(gateway: Gateway) -> None:
    code = str((await gateway.import_patient())["enrolment_code"])
    gateway.clock.forward(days=7)
    phone = Phone(gateway.http, gateway.clock)
    answer = await phone.post("/v1/enrolments", {"enrolment_code": code, "device": {"model": "M7"}})
    assert answer.json()["code"] == "code_refused"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"enrolment_code": "7K3M-Q0ZD-94T1"},
        {"enrolment_code": 7, "device": {"model": "x"}},
        {"enrolment_code": "7K3M-Q0ZD-94T1", "device": {"model": ""}},
        {"enrolment_code": "7K3M-Q0ZD-94T1", "device": {"model": "x", "serial": "y"}},
        {"enrolment_code": "7K3M-Q0ZD-94T1", "device": {"model": "x\x00y"}},
        {"enrolment_code": "7K3M-Q0ZD-94T1\x00", "device": {"model": ""}},
        {"enrolment_code": "7K3M-Q0ZD-94T1", "device": {"model": "x", "validated": "yes"}},
    ],
)
async def test_a_bad_enrolment_says_which_field(gateway: Gateway, body: object) -> None:
    answer = await Phone(gateway.http, gateway.clock).post("/v1/enrolments", body)
    assert answer.status_code == 422 and answer.json()["errors"]


async def test_access_ends_after_fifteen_minutes_and_a_refresh_renews_it(
    gateway: Gateway, phone: Phone
) -> None:
    gateway.clock.forward(minutes=15)
    assert (await phone.get("/v1/plan")).status_code == 401
    status, pair = await refresh(phone, phone.tokens["refresh_token"])
    assert status == 200
    phone.headers["Authorization"] = f"Bearer {pair['access_token']}"
    assert (await phone.get("/v1/plan")).status_code == 200


async def test_parallel_refreshes_within_a_minute_all_succeed(
    gateway: Gateway, phone: Phone
) -> None:
    token = phone.tokens["refresh_token"]
    first, _ = await refresh(phone, token)
    gateway.clock.forward(seconds=60)
    second, _ = await refresh(phone, token)
    assert (first, second) == (200, 200)


async def test_a_token_used_again_later_ends_its_whole_family(
    gateway: Gateway, phone: Phone
) -> None:
    token = phone.tokens["refresh_token"]
    _, pair = await refresh(phone, token)
    gateway.clock.forward(seconds=61)
    status, problem = await refresh(phone, token)
    assert (status, problem["code"]) == (401, "refresh_refused")
    # The thief's and the owner's newer token are both gone.
    assert (await refresh(phone, pair["refresh_token"]))[0] == 401


async def test_a_refresh_token_expires(gateway: Gateway, phone: Phone) -> None:
    gateway.clock.forward(days=60)
    assert (await refresh(phone, phone.tokens["refresh_token"]))[0] == 401


async def test_an_invented_refresh_token_is_refused(phone: Phone) -> None:
    assert (await refresh(phone, "x" * 43))[0] == 401


async def test_an_upload_only_family_never_gains_rights(gateway: Gateway) -> None:
    code = (await gateway.import_patient())["enrolment_code"]
    device = Phone(gateway.http, gateway.clock)
    body = {"enrolment_code": code, "device": {"model": "hub"}, "upload_only": True}
    first = (await device.post("/v1/enrolments", body)).json()
    _, pair = await refresh(device, first["refresh_token"])
    assert first["scope"] == pair["scope"] == "upload"
