"""A patient whose plan is edited and signed over HTTP, with two clinicians at hand."""

from typing import Any

import pytest

from services.ids import new_id
from tests.clinician_app import clinic
from tests.clinician_app.conftest import Api


class Case:
    def __init__(self, api: Api, anna: str, patient_id: str, token: dict[str, str]):
        self.api, self.anna, self.token = api, anna, token
        self.path = f"/v1/patients/{patient_id}/envelope"

    async def shown(self) -> dict[str, Any]:
        answer = await self.api.http.get(self.path, headers=self.token)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def sign(
        self, terms: dict[str, Any], version: int, key: str | None = None, **more: Any
    ) -> Any:
        body = {"terms": terms, "signed_version": version, "password": clinic.PASSWORD, **more}
        headers = {**self.token, "Idempotency-Key": key or new_id()}
        return await self.api.http.put(self.path, json=body, headers=headers)


BEN = {"username": "ben", "password": clinic.PASSWORD}
BOUNDS = [{"drug": "amlodipine", "rungs_ug": [5_000, 10_000]}]


@pytest.fixture
async def case(api: Api) -> Case:
    anna = await clinic.clinician(api.store, "anna")
    await clinic.clinician(api.store, "ben")
    patient_id = await clinic.patient(api.store, anna, clinic.Sick("Ada, A"))
    return Case(api, anna, patient_id, await api.sign_in("anna"))
