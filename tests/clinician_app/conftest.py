"""The API in process, on the real database; the loops are away unless a test starts them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from clinician_app.api.app import create_app
from services.settings import Settings
from services.store import Role, Store
from tests.browser import browser, page
from tests.clinician_app import clinic
from tests.stack import StoreFactory
from workflows import client

__all__ = ["browser", "page"]


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


@pytest.fixture
async def api(settings: Settings, store_factory: StoreFactory) -> AsyncIterator[Api]:
    """The API on this test's databases. Nothing listens at its Temporal address."""
    store = await store_factory(Role.CLINICIAN)
    app = create_app(settings, store, await client.connect(settings))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        yield Api(http, store, await store_factory(Role.WORKER))
