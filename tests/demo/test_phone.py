"""A phone counts what the gateway answered, item by item, and passes on what must be done now."""

import gzip
import json

import httpx

from demo.phone import Phone


async def test_a_phone_counts_what_the_gateway_answered_item_by_item() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        items = json.loads(_plain(request))["items"]
        status = ["stored", "duplicate", "refused"]
        answers = [
            {"client_id": item["client_id"], "status": status[n % 3]}
            for n, item in enumerate(items)
        ]
        return httpx.Response(200, json={"items": answers, "alarm": {"title": "Repeat"}})

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    phone = Phone(http, "http://door")
    alarm = await phone.send("readings", [{"client_id": str(n)} for n in range(501)])
    assert alarm == {"title": "Repeat"}
    assert phone.uploaded.of("readings") == 168
    assert phone.uploaded.of("readings", "duplicate") == 167
    assert len(phone.uploaded.alarms) == 2


def _plain(request: httpx.Request) -> bytes:
    packed = request.headers.get("Content-Encoding") == "gzip"
    return gzip.decompress(request.content) if packed else request.content


async def test_enrolling_gives_the_token_that_later_calls_carry() -> None:
    seen: list[str | None] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Authorization"))
        if request.url.path == "/v1/enrolments":
            return httpx.Response(201, json={"access_token": "word"})
        return httpx.Response(200, json={"advice": [{"advice_id": "1"}], "status": "enacted"})

    phone = Phone(httpx.AsyncClient(transport=httpx.MockTransport(handle)), "http://door")
    await phone.enrol("CODE-CODE")
    assert await phone.open_advice() == {"advice_id": "1"}
    assert (await phone.answer("1", "accept"))["status"] == "enacted"
    assert seen == [None, "Bearer word", "Bearer word"]
