"""Sessions: by password, fifteen minutes without use, locked after failures, ended by sign-out."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from clinician_app.accounts import FREE_FAILURES, LONGEST_WAIT, wait_after
from services import clock
from services.access.limits import ADDRESS_RATE
from services.store import Acting, credentials
from tests.clinician_app import clinic
from tests.clinician_app.conftest import Api


async def test_a_good_password_opens_a_session_of_fifteen_minutes(api: Api) -> None:
    await clinic.clinician(api.store, "anna", role="lead")
    before = clock.now()
    body = {"username": "anna", "password": clinic.PASSWORD}
    answer = (await api.http.post("/v1/session", json=body)).json()
    assert answer["role"] == "lead" and answer["display_name"] == "Dr Anna"
    ends = datetime.fromisoformat(answer["expires_at"])
    assert timedelta(minutes=14, seconds=58) <= ends - before <= timedelta(minutes=15, seconds=2)


@pytest.mark.parametrize(
    "body",
    [
        {"username": "anna", "password": "wrong password!"},
        {"username": "nobody", "password": clinic.PASSWORD},
    ],
)
async def test_a_wrong_name_and_a_wrong_password_are_answered_alike(
    api: Api, body: dict[str, str]
) -> None:
    await clinic.clinician(api.store, "anna")
    answer = await api.http.post("/v1/session", json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_refused")
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_failures_in_a_row_lock_the_name_even_for_the_right_password(api: Api) -> None:
    await clinic.clinician(api.store, "anna")
    wrong = {"username": "anna", "password": "wrong password!"}
    for _ in range(FREE_FAILURES):
        assert (await api.http.post("/v1/session", json=wrong)).status_code == 401
    right = {"username": "anna", "password": clinic.PASSWORD}
    answer = await api.http.post("/v1/session", json=right)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_the_wait_doubles_and_has_an_end() -> None:
    waits = [wait_after(failures) for failures in range(40)]
    assert waits[FREE_FAILURES - 1] == timedelta(0)
    assert waits[FREE_FAILURES : FREE_FAILURES + 3] == [timedelta(minutes=m) for m in (1, 2, 4)]
    assert waits == sorted(waits) and waits[-1] == LONGEST_WAIT


async def test_a_good_sign_in_ends_the_row_of_failures(api: Api) -> None:
    await clinic.clinician(api.store, "anna")
    wrong = {"username": "anna", "password": "wrong password!"}
    for _ in range(FREE_FAILURES - 1):
        await api.http.post("/v1/session", json=wrong)
    await api.sign_in("anna")
    assert (await api.http.post("/v1/session", json=wrong)).status_code == 401
    await api.sign_in("anna")


async def test_a_session_is_refused_after_fifteen_minutes_and_renewed_before(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await clinic.clinician(api.store, "anna")
    headers = await api.sign_in("anna")
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(minutes=14))
    renewed = await api.http.post("/v1/session/refresh", headers=headers)
    assert renewed.status_code == 200
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(minutes=16))
    assert (await api.http.get("/v1/worklist", headers=headers)).status_code == 401
    assert (await api.http.post("/v1/session/refresh", headers=headers)).status_code == 401
    later = {"Authorization": f"Bearer {renewed.json()['access_token']}"}
    assert (await api.http.get("/v1/worklist", headers=later)).status_code == 200


async def test_no_session_outlasts_a_working_day(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await clinic.clinician(api.store, "anna")
    headers = await api.sign_in("anna")
    real, status, hours = clock.now, 200, 0.0
    while status == 200 and hours < 13:
        hours += 0.24
        monkeypatch.setattr(clock, "now", lambda shift=hours: real() + timedelta(hours=shift))
        answer = await api.http.post("/v1/session/refresh", headers=headers)
        status = answer.status_code
        headers = {"Authorization": f"Bearer {answer.json().get('access_token')}"}
    assert status == 401 and 11.9 < hours < 12.3


async def test_sign_out_ends_every_token_of_the_session(api: Api) -> None:
    await clinic.clinician(api.store, "anna")
    headers = await api.sign_in("anna")
    other = await api.sign_in("anna")
    renewed = (await api.http.post("/v1/session/refresh", headers=headers)).json()
    assert (await api.http.delete("/v1/session", headers=headers)).status_code == 204
    later = {"Authorization": f"Bearer {renewed['access_token']}"}
    assert (await api.http.get("/v1/worklist", headers=headers)).status_code == 401
    assert (await api.http.get("/v1/worklist", headers=later)).status_code == 401
    assert (await api.http.get("/v1/worklist", headers=other)).status_code == 200


async def test_what_is_no_token_of_ours_is_refused_and_noted(api: Api) -> None:
    for header in ("", "Bearer", "Bearer a.b.c", "Basic YTpi", "Bearer " + "x" * 9000):
        answer = await api.http.get("/v1/worklist", headers={"Authorization": header})
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in"), header
        noted = await api.actions_on(answer.headers["X-Request-Id"])
        assert noted == ["access.denied"], header


async def test_a_stranger_cannot_fill_the_log(api: Api) -> None:
    for _ in range(ADDRESS_RATE.burst):
        status = (await api.http.get("/v1/worklist")).status_code
        assert status == 401
    answer = await api.http.get("/v1/worklist")
    while answer.status_code == 401:  # tokens came back while the burst was spent
        answer = await api.http.get("/v1/worklist")
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) >= 1
    assert await api.actions_on(answer.headers["X-Request-Id"]) == []


async def test_a_closed_account_is_out_at_once(api: Api) -> None:
    anna = await clinic.clinician(api.store, "anna")
    headers = await api.sign_in("anna")
    assert (await api.http.get("/v1/worklist", headers=headers)).status_code == 200
    async with api.store.transaction(Acting("system", "test", None)) as tx:
        account = await credentials.clinician(tx, anna)
        closed = replace(account, active=False)
        await credentials.change_clinician(tx, closed, now=clock.now())
    for path in ("/v1/worklist", "/v1/alarms"):
        assert (await api.http.get(path, headers=headers)).status_code == 401
    assert (await api.http.post("/v1/session/refresh", headers=headers)).status_code == 401
    assert (await api.actions_on(anna))[-3:] == ["access.denied"] * 3


async def test_signing_in_failing_and_leaving_are_each_one_event(api: Api) -> None:
    anna = await clinic.clinician(api.store, "anna")
    await api.http.post("/v1/session", json={"username": "anna", "password": "wrong password!"})
    headers = await api.sign_in("anna")
    await api.http.delete("/v1/session", headers=headers)
    assert await api.actions_on(anna) == [
        "credential.changed",
        "sign_in.failed",
        "signed_in",
        "signed_out",
    ]


async def test_a_token_of_an_ended_session_is_refused_and_noted(api: Api) -> None:
    anna = await clinic.clinician(api.store, "anna")
    headers = await api.sign_in("anna")
    await api.http.delete("/v1/session", headers=headers)
    before = len(await api.actions_on(anna))
    assert (await api.http.get("/v1/worklist", headers=headers)).status_code == 401
    assert (await api.actions_on(anna))[before:] == ["access.denied"]
