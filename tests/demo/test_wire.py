"""The client sends a write again under the same key until it is answered, and no other way."""

import gzip
import json
from collections.abc import Callable

import httpx
import pytest

from demo import wire
from demo.wire import NotThere, Refused, Wire


def _wire(handle: Callable[[httpx.Request], httpx.Response]) -> Wire:
    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    return Wire(http, "http://door")


async def test_a_write_is_repeated_with_its_key_after_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "_wait_s", lambda _: 0.0)
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if len(seen) == 1:
            raise httpx.ConnectError("down")
        if len(seen) == 2:
            return httpx.Response(503)
        return httpx.Response(200, json={"done": True})

    assert await _wire(handle).post("/v1/x", {"a": 1}) == {"done": True}
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 1
    assert len({request.content for request in seen}) == 1 and len(seen) == 3


async def test_two_writes_have_two_keys() -> None:
    keys: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        return httpx.Response(200, json={})

    door = _wire(handle)
    await door.post("/v1/x", {})
    await door.put("/v1/x", {})
    assert len(set(keys)) == 2


async def test_a_refusal_is_not_repeated_and_keeps_its_code() -> None:
    calls = 0

    def handle(_: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        return httpx.Response(403, json={"code": "no_consent", "detail": "Consent is needed."})

    with pytest.raises(Refused, match="no_consent") as caught:
        await _wire(handle).post("/v1/x", {})
    assert (calls, caught.value.status) == (1, 403)


async def test_an_endless_outage_ends_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PATIENCE_S", 0.0)
    monkeypatch.setattr(wire, "_wait_s", lambda _: 0.01)
    with pytest.raises(NotThere, match="no answer"):
        await _wire(lambda _: httpx.Response(503)).get("/v1/x")


async def test_a_large_body_is_packed() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.headers["Content-Encoding"] == "gzip"
        return httpx.Response(
            200, json={"length": len(json.loads(gzip.decompress(request.content)))}
        )

    assert await _wire(handle).post("/v1/x", [1] * 30_000) == {"length": 30_000}
