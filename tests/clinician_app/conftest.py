"""The API in process, on the real database; the loops are away unless a test starts them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import select

from clinician_app.api.app import create_app
from services.settings import Settings
from services.store import Acting, Role, Store, events
from services.store.tables.log import EVENTS
from tests.browser import page
from tests.clinician_app import clinic
from tests.stack import StoreFactory
from workflows import client

__all__ = ["page"]


@dataclass(frozen=True, slots=True)
class Api:
    """The API with a client, and stores to arrange and to look with."""

    http: httpx.AsyncClient
    store: Store
    worker: Store

    async def sign_in(self, username: str) -> dict[str, str]:
        """Return the headers of a signed-in clinician."""
        body = {"username": username, "password": clinic.PASSWORD}
        answer = await self.http.post("/v1/session", json=body)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def actions_on(self, subject_id: str) -> list[str]:
        """Return the actions in the log about one record, oldest first."""
        async with self.store.transaction(Acting("system", "test", None)) as tx:
            statement = (
                select(EVENTS.c.action)
                .where(EVENTS.c.subject_id == subject_id)
                .order_by(EVENTS.c.occurred_at)
            )
            return list((await tx.session.execute(statement)).scalars())

    async def actions_for(self, clinician_id: str, patient_id: str) -> list[str]:
        """Return the actions in a patient's log that this clinician did, oldest first."""
        async with self.store.transaction(Acting("clinician", clinician_id, patient_id)) as tx:
            timeline = await events.timeline(tx, patient_id)
        return [e.action for e in reversed(timeline) if e.actor_id == clinician_id]


@pytest.fixture
async def api(settings: Settings, store_factory: StoreFactory) -> AsyncIterator[Api]:
    """The API on this test's databases. Nothing listens at its Temporal address."""
    store = await store_factory(Role.CLINICIAN)
    app = create_app(settings, store, await client.connect(settings))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        yield Api(http, store, await store_factory(Role.WORKER))
