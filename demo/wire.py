"""JSON over HTTP as a careful client speaks it: one key an effect, patience with an outage."""

import asyncio
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from services.ids import new_id

Json = dict[str, Any]

TIMEOUT: Final = httpx.Timeout(60.0, connect=5.0)
# What a restart of a process takes, with room.
PATIENCE_S: Final = 60.0
_GZIP_ABOVE_BYTES: Final = 20_000
_LATER: Final = frozenset({429, 502, 503, 504})


@dataclass(eq=False)
class Refused(Exception):
    """The server refused, with its problem document. Nothing was stored."""

    status: int
    code: str
    detail: str

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.detail}"


class NotThere(ConnectionError):
    """No answer in a minute. Is the stack up? `make status`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON body and the version that it had."""

    body: Json
    etag: str | None


class Wire:
    """One base address with one bearer token, which may be replaced."""

    def __init__(self, http: httpx.AsyncClient, base_url: str) -> None:
        self._http = http
        self._base = base_url
        self.token: str | None = None

    async def get(self, path: str, **query: str | int) -> Json:
        """Return the body of a GET."""
        return (await self.read(path, **query)).body

    async def read(self, path: str, **query: str | int) -> Answer:
        """Return body and ETag of a GET."""
        return await self._send("GET", path, None, {}, query)

    async def post(self, path: str, body: object, *, if_match: str | None = None) -> Json:
        """Return the body of a POST. It is sent again under the same key until answered."""
        return await self._write("POST", path, body, if_match)

    async def put(self, path: str, body: object) -> Json:
        """Return the body of a PUT, sent as `post` sends."""
        return await self._write("PUT", path, body, None)

    async def post_bytes(self, path: str, raw: bytes, **query: str | int) -> Json:
        """POST FHIR bytes exactly as they are, packed for the way."""
        headers = {"Content-Type": "application/fhir+json", "Idempotency-Key": new_id()}
        return (await self._send("POST", path, raw, headers, query)).body

    async def _write(self, method: str, path: str, body: object, if_match: str | None) -> Json:
        headers = {"Content-Type": "application/json", "Idempotency-Key": new_id()}
        if if_match is not None:
            headers["If-Match"] = if_match
        raw = json.dumps(body, allow_nan=False).encode("utf-8")
        return (await self._send(method, path, raw, headers, {})).body

    async def _send(
        self,
        method: str,
        path: str,
        raw: bytes | None,
        headers: dict[str, str],
        query: Mapping[str, str | int],
    ) -> Answer:
        if self.token is not None:
            headers = headers | {"Authorization": f"Bearer {self.token}"}
        if raw is not None and len(raw) > _GZIP_ABOVE_BYTES:
            raw, headers = gzip.compress(raw, 1), headers | {"Content-Encoding": "gzip"}
        url = self._base + path
        clock = asyncio.get_running_loop()
        give_up_at = clock.time() + PATIENCE_S
        while True:
            response = await self._once(method, url, raw, headers, query)
            if response is not None and response.status_code not in _LATER:
                return _answer(response)
            if clock.time() > give_up_at:
                raise NotThere(f"{method} {path}: no answer in {PATIENCE_S:.0f} s")
            await asyncio.sleep(_wait_s(response))

    async def _once(
        self,
        method: str,
        url: str,
        raw: bytes | None,
        headers: dict[str, str],
        query: Mapping[str, str | int],
    ) -> httpx.Response | None:
        try:
            return await self._http.request(
                method, url, content=raw, headers=headers, params=dict(query) or None
            )
        except httpx.TransportError:
            return None


def _wait_s(response: httpx.Response | None) -> float:
    told = response.headers.get("Retry-After", "1") if response is not None else "1"
    return min(float(told) if told.isdecimal() else 1.0, 5.0)


def _answer(response: httpx.Response) -> Answer:
    if response.is_success:
        body: Json = response.json() if response.content else {}
        return Answer(body, response.headers.get("ETag"))
    try:
        problem: Json = response.json()
    except ValueError:
        problem = {}
    detail = problem.get("detail") or problem.get("title") or response.reason_phrase
    errors = "; ".join(
        f"{row.get('pointer', '')} {row.get('expected', row.get('detail', ''))}".strip()
        for row in problem.get("errors", ())
    )
    raise Refused(
        response.status_code,
        str(problem.get("code", "unexpected_answer")),
        f"{detail} {errors}".strip(),
    )
