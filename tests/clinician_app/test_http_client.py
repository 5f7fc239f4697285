"""The pages' client: what it sends, and what each kind of answer becomes."""

import json
from collections.abc import Callable

import httpx
import pytest

from clinician_app.http_client import ApiDown, ClinicianClient, Refused, SignedOut


def client(answer: Callable[[httpx.Request], httpx.Response]) -> ClinicianClient:
    connections = httpx.Client(base_url="http://api", transport=httpx.MockTransport(answer))
    return ClinicianClient(connections, "token")


def problem(status: int, code: str, **more: object) -> httpx.Response:
    body = {"code": code, "title": "Title", "status": status, **more}
    headers = {"Content-Type": "application/problem+json"}
    return httpx.Response(status, content=json.dumps(body), headers=headers)


def test_a_post_carries_token_key_and_version() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"ok": True}, headers={"ETag": '"3"'})

    assert client(answer).post("/x", {"a": 1}, key="k" * 8, if_match='"2"') == {"ok": True}
    headers = seen[0].headers
    assert headers["Authorization"] == "Bearer token"
    assert (headers["Idempotency-Key"], headers["If-Match"]) == ("k" * 8, '"2"')
    assert client(answer).read("/x").etag == '"3"'
    assert "Idempotency-Key" not in seen[-1].headers


def test_no_connection_and_a_proxys_error_are_both_a_service_that_is_away() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(ApiDown):
        client(refuse).get("/x")
    with pytest.raises(ApiDown):
        client(lambda _: httpx.Response(502, text="bad gateway")).get("/x")


def test_a_token_that_is_no_longer_good_is_signed_out() -> None:
    with pytest.raises(SignedOut):
        client(lambda _: problem(401, "not_signed_in")).get("/x")


def test_a_problem_keeps_code_and_detail_and_falls_back_to_its_title() -> None:
    with pytest.raises(Refused) as caught:
        client(lambda _: problem(412, "version_changed", errors=[{"pointer": "/x"}])).get("/x")
    assert (caught.value.status, caught.value.code) == (412, "version_changed")
    assert str(caught.value) == "Title" and caught.value.errors == ({"pointer": "/x"},)
    with pytest.raises(Refused, match="wait"):
        client(lambda _: problem(503, "temporarily_unavailable", detail="wait")).get("/x")
    with pytest.raises(Refused, match="500"):
        client(lambda _: httpx.Response(500, text="oops")).get("/x")


def test_a_refusal_says_which_field_to_correct_and_how() -> None:
    errors = [
        {"pointer": "/terms/expires_at", "detail": "within the next six months"},
        {"pointer": "", "detail": "both"},
    ]
    with pytest.raises(Refused) as caught:
        client(lambda _: problem(422, "invalid_input", errors=errors)).get("/x")
    assert str(caught.value) == "Title. expires at: within the next six months; both."
