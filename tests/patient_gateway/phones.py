"""Phones and clinicians for the gateway's tests: real tokens, real requests, a clock in hand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from services.access.policy import Role, scopes_of
from services.access.tokens import (
    AUDIENCE_CLINICIAN,
    AUDIENCE_GATEWAY,
    ISSUER_CLINICIAN,
    TokenClaims,
    issue,
)
from services.ids import new_id
from services.settings import Settings

CANARY_NAME = "Canaryson"


@dataclass(slots=True)
class Clock:
    """A clock that tests move."""

    moment: datetime = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass(slots=True)
class Phone:
    """One client of the gateway; `headers` go with every request."""

    http: httpx.AsyncClient
    clock: Clock
    headers: dict[str, str] = field(default_factory=dict)
    patient_id: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers={**self.headers, **headers})

    async def post(
        self, path: str, body: object, *, key: str | None = None, **headers: str
    ) -> httpx.Response:
        return await self.send("POST", path, body, key=key, **headers)

    async def send(
        self, method: str, path: str, body: object, *, key: str | None = None, **headers: str
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.request(
            method,
            path,
            content=content,
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": key or new_id(),
                **self.headers,
                **headers,
            },
        )

    async def renew(self) -> None:
        """Change the refresh token for a new pair."""
        answer = await self.post("/v1/tokens", {"refresh_token": self.tokens["refresh_token"]})
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()
        self.headers["Authorization"] = f"Bearer {self.tokens['access_token']}"

    async def consent(self, *purposes: str) -> None:
        answer = await self.send("PUT", "/v1/consent", {"purposes": list(purposes)})
        assert answer.status_code == 200, answer.text

    def reading(
        self, systolic: int = 128, diastolic: int = 82, **changes: object
    ) -> Mapping[str, Any]:
        item: dict[str, Any] = {
            "client_id": new_id(),
            "systolic": systolic,
            "diastolic": diastolic,
            "unit": "mm[Hg]",
            "pulse": 70,
            "taken_at": self.clock().isoformat(),
        }
        return {key: value for key, value in (item | changes).items() if value is not ...}

    async def upload(self, *items: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self.post("/v1/readings", {"items": list(items)})
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content


def clinician_token(
    settings: Settings, clock: Clock, clinician_id: str, role: Role = Role.CLINICIAN
) -> str:
    roles = frozenset({role})
    claims = TokenClaims(
        issuer=ISSUER_CLINICIAN,
        audience=(AUDIENCE_CLINICIAN, AUDIENCE_GATEWAY),
        actor_id=clinician_id,
        roles=roles,
        scopes=scopes_of(roles),
        token_id=new_id(),
        issued_at=clock(),
        expires_at=clock() + timedelta(minutes=15),
    )
    return issue(claims, settings.secret("token_clinician.pem"))


def bundle(family: str = CANARY_NAME, *more: dict[str, Any], **patient: Any) -> dict[str, Any]:
    """A living patient with one dated lab, and whatever else is given."""
    who = {
        "resourceType": "Patient",
        "id": new_id(),
        "name": [{"use": "official", "family": family, "given": ["Ada"]}],
        "gender": "female",
        "birthDate": "1961-05-04",
        **patient,
    }
    about = {"subject": {"reference": f"Patient/{who['id']}"}}
    entries = [{"resource": who}] + [{"resource": {**item, **about}} for item in more]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def potassium(value: float = 4.2, at: str = "2026-02-20T08:00:00Z") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": new_id(),
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
        "effectiveDateTime": at,
        "valueQuantity": {
            "value": value,
            "unit": "mmol/L",
            "system": "http://unitsofmeasure.org",
            "code": "mmol/L",
        },
    }
