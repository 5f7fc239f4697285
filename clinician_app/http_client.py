"""The dashboard's only way to the record: the clinician API, with the clinician's own token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

TIMEOUT_S = httpx.Timeout(20.0, connect=3.0)


class ApiDown(ConnectionError):
    """The clinician API cannot be reached. Nothing was shown or changed; try again."""


class SignedOut(PermissionError):
    """The session ended, by idleness or sign-out. Sign in again."""


@dataclass(eq=False)
class Refused(Exception):
    """The API refused, with its problem document."""

    status: int
    code: str
    detail: str
    errors: tuple[Mapping[str, str], ...] = field(default=())

    def __str__(self) -> str:
        """Say what is wrong and, where the API names fields, what to correct in each."""
        fields = [_correction(error) for error in self.errors if error.get("detail")]
        return f"{self.detail.rstrip('.')}. {'; '.join(fields)}." if fields else self.detail


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON body with the version that it had when it was read."""

    body: dict[str, Any]
    etag: str | None


def _correction(error: Mapping[str, str]) -> str:
    named = error.get("pointer", "").rsplit("/", 1)[-1].replace("_", " ")
    return f"{named}: {error['detail']}".removeprefix(": ")


class ClinicianClient:
    """Calls of one clinician. Build one a script run; the connections are shared.

    Raises (every call):
        ApiDown: no answer. SignedOut: the token is no longer good. Refused: a problem document.
    """

    def __init__(self, connections: httpx.Client, token: str | None) -> None:
        self._connections = connections
        self._token = token

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """Return the JSON body of a GET."""
        return self.read(path, **query).body

    def read(self, path: str, **query: str | int) -> Answer:
        """Return body and ETag of a GET."""
        return self._send("GET", path, query=query)

    def post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        if_match: str | None = None,
    ) -> dict[str, Any]:
        """Return the JSON body of a POST. `key`: the same key again repeats no effect."""
        return self._send("POST", path, body=body or {}, key=key, if_match=if_match).body

    def put(self, path: str, body: Mapping[str, Any], *, key: str) -> dict[str, Any]:
        """Return the JSON body of a PUT."""
        return self._send("PUT", path, body=body, key=key).body

    def delete(self, path: str) -> None:
        """Send a DELETE."""
        self._send("DELETE", path)

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
        if_match: str | None = None,
    ) -> Answer:
        named = {
            "Authorization": f"Bearer {self._token}" if self._token else None,
            "Idempotency-Key": key,
            "If-Match": if_match,
        }
        headers = {name: value for name, value in named.items() if value is not None}
        try:
            response = self._connections.request(
                method, path, params=query or None, json=body, headers=headers
            )
        except httpx.TransportError as err:
            raise ApiDown("The clinician service does not answer.") from err
        return _answer(response, had_token=self._token is not None)


def connections(base_url: str) -> httpx.Client:
    """Return the shared connections to the API at `base_url`; close them with the process."""
    return httpx.Client(base_url=base_url, timeout=TIMEOUT_S, trust_env=False)


def _answer(response: httpx.Response, *, had_token: bool) -> Answer:
    if response.is_success:
        body = response.json() if response.content else {}
        return Answer(body=body, etag=response.headers.get("ETag"))
    if response.status_code in (502, 503, 504) and not _is_problem(response):
        raise ApiDown("The clinician service does not answer.")
    problem = response.json() if _is_problem(response) else {}
    code = problem.get("code", "unexpected_answer")
    if response.status_code == 401 and had_token and code == "not_signed_in":
        raise SignedOut("Your session has ended. Sign in again.")
    raise Refused(
        status=response.status_code,
        code=code,
        detail=problem.get("detail") or problem.get("title") or f"Answer {response.status_code}.",
        errors=tuple(problem.get("errors", ())),
    )


def _is_problem(response: httpx.Response) -> bool:
    media_type: str = response.headers.get("Content-Type", "")
    return media_type.startswith("application/problem+json")
