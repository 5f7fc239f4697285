"""A gateway over a real database, in this process; and a patient who enrolled a phone there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from patient_gateway.app import create_app
from services.access.codes import enrolment_code_digest, new_enrolment_code
from services.access.policy import Role as AccessRole
from services.ids import new_id
from services.settings import Settings
from services.store import Role, Store, credentials
from services.store.roles import Acting
from services.store.rows import ClinicianRow
from tests.browser import page
from tests.patient_gateway.loops import RecordLoops
from tests.patient_gateway.phones import Clock, Phone, bundle, clinician_token, potassium
from tests.stack import StoreFactory

__all__ = ["clock", "gateway", "page", "phone"]


@dataclass(slots=True)
class Gateway:
    """The app under test with what stands around it."""

    app: FastAPI
    http: httpx.AsyncClient
    store: Store
    clock: Clock
    settings: Settings
    clinician_id: str
    loops: RecordLoops

    def clinician(self, role: AccessRole = AccessRole.CLINICIAN, who: str | None = None) -> Phone:
        token = clinician_token(self.settings, self.clock, who or self.clinician_id, role)
        return Phone(self.http, self.clock, {"Authorization": f"Bearer {token}"})

    async def import_patient(self, family: str = "Canaryson") -> dict[str, object]:
        answer = await self.clinician().post(
            "/v1/imports?simulated=true&timezone=Asia/Shanghai", bundle(family, potassium())
        )
        assert answer.status_code == 201, answer.text
        content: dict[str, object] = answer.json()
        return content

    async def phone(self, *consent: str, family: str = "Canaryson", **device: object) -> Phone:
        """Import a patient and enrol a phone of theirs, agreeing to these purposes."""
        imported = await self.import_patient(family)
        described = {"model": "Omron M7", "validated": True, "cuff_fits": True, **device}
        phone = Phone(self.http, self.clock)
        answer = await phone.post(
            "/v1/enrolments",
            {"enrolment_code": imported["enrolment_code"], "device": described},
        )
        assert answer.status_code == 201, answer.text
        phone.tokens = answer.json()
        phone.patient_id = phone.tokens["patient_id"]
        phone.headers["Authorization"] = f"Bearer {phone.tokens['access_token']}"
        if consent:
            await phone.consent(*consent)
        return phone

    async def watch_of(self, owner: Phone) -> Phone:
        """Enrol an upload-only device for the same patient, with a code of its own."""
        code = new_enrolment_code()
        async with self.store.transaction(Acting("system", "test", owner.patient_id)) as tx:
            await credentials.issue_code(
                tx,
                owner.patient_id,
                enrolment_code_digest(code),
                expires_at=self.clock() + timedelta(days=1),
                now=self.clock(),
            )
        watch = Phone(self.http, self.clock, patient_id=owner.patient_id)
        body = {"enrolment_code": code, "device": {"model": "watch"}, "upload_only": True}
        watch.tokens = (await watch.post("/v1/enrolments", body)).json()
        watch.headers["Authorization"] = f"Bearer {watch.tokens['access_token']}"
        return watch


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(
    settings: Settings, store_factory: StoreFactory, clock: Clock
) -> AsyncIterator[Gateway]:
    store = await store_factory(Role.GATEWAY)
    clinician_id = new_id()
    accounts = await store_factory(Role.CLINICIAN)
    async with accounts.transaction(Acting("system", "test", None)) as tx:
        row = ClinicianRow(
            clinician_id, "ann", "-", "Dr Ann", frozenset({"clinician"}), None, True, None
        )
        await credentials.add_clinician(tx, row, now=clock())
    loops = RecordLoops(await store_factory(Role.WORKER), clock)
    app = create_app(settings, store, loops, now=clock)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield Gateway(app, http, store, clock, settings, clinician_id, loops)


@pytest.fixture
async def phone(gateway: Gateway) -> Phone:
    """A phone whose patient agreed to monitoring and to titration."""
    return await gateway.phone("monitoring", "titration")
