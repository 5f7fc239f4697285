"""What needs no token: health, metrics, the web app's files under a strict policy."""

import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from patient_gateway.app import create_app
from services.store import Role, Store
from tests.patient_gateway.conftest import Gateway
from tests.stack import free_port

PWA = Path(__file__).parents[2] / "patient_gateway" / "pwa"


async def test_the_app_is_served_under_a_strict_policy(gateway: Gateway) -> None:
    page = await gateway.http.get("/app/")
    policy = page.headers["content-security-policy"]
    assert page.status_code == 200
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "style=" not in page.text and not re.search(r"\son[a-z]+=", page.text)
    redirect = await gateway.http.get("/app")
    assert (redirect.status_code, redirect.headers["location"]) == (308, "/app/")


async def test_every_file_of_the_app_is_served_and_nothing_else(gateway: Gateway) -> None:
    for path in PWA.iterdir():
        answer = await gateway.http.get(f"/app/{path.name}")
        assert answer.status_code == 200 and answer.content == path.read_bytes()
        etag = answer.headers["etag"]
        again = await gateway.http.get(f"/app/{path.name}", headers={"If-None-Match": etag})
        assert again.status_code == 304 and not again.content
    for name in ("app.py", "..%2Fapp.py", "%2e%2e/app.py", "x"):
        assert (await gateway.http.get(f"/app/{name}")).status_code == 404


async def test_the_shell_that_works_offline_names_every_file(gateway: Gateway) -> None:
    worker = (PWA / "sw.js").read_text()
    named = set(re.findall(r'"/app/([\w.]*)"', worker))
    assert named == ({path.name for path in PWA.iterdir()} - {"sw.js", "index.html"}) | {""}
    assert "/v1" not in worker


def test_both_languages_say_everything() -> None:
    english, chinese = (PWA / "texts.js").read_text().split('"zh-CN": {', 1)
    names = [set(re.findall(r"(\w+): \"", part)) for part in (english, chinese)]
    assert names[0] == names[1] and len(names[0]) > 60


async def test_health_says_when_the_record_is_away(gateway: Gateway) -> None:
    assert (await gateway.http.get("/healthz")).json() == {"status": "ok"}
    gone = replace(gateway.settings, postgres_port=free_port())
    store = await Store.open(gone, Role.GATEWAY)
    app = create_app(gone, store, gateway.loops, now=gateway.clock)
    phone = await gateway.phone("monitoring")
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        health = await http.get("/healthz")
        phone.http = http
        upload = await phone.post("/v1/readings", {"items": [phone.reading()]})
    await store.close()
    for answer in (health, upload):
        assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
        assert "Retry-After" in answer.headers


async def test_unknown_paths_and_methods_are_problems(gateway: Gateway) -> None:
    missing = await gateway.http.get("/v2/readings")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    method = await gateway.http.delete("/v1/plan")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert missing.headers["content-type"] == "application/problem+json"


async def test_the_openapi_document_describes_every_write(gateway: Gateway) -> None:
    document = (await gateway.http.get("/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["operationId"] and operation["tags"], path
            if method in ("post", "put"):
                assert operation["requestBody"]["content"]["application/json"]["schema"], path


async def test_a_request_id_is_followed_when_it_is_one_and_made_when_it_is_not(
    gateway: Gateway,
) -> None:
    mine = await gateway.http.get("/healthz", headers={"X-Request-Id": "abcdef-123456"})
    assert mine.headers["x-request-id"] == "abcdef-123456"
    odd = await gateway.http.get("/healthz", headers={"X-Request-Id": "<script>"})
    assert re.fullmatch(r"[0-9a-f-]{36}", odd.headers["x-request-id"])


async def test_a_defect_is_answered_and_logged_without_its_message(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> None:
        raise RuntimeError("canary-value")

    gateway.app.add_api_route("/broken", broken, methods=["GET"])
    answer = await gateway.http.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "canary-value" not in answer.text
    (logged,) = [item for item in caplog.records if item.getMessage() == "unexpected_error"]
    assert logged.__dict__["error_type"] == "RuntimeError"
    assert "canary-value" not in str(logged.__dict__)
