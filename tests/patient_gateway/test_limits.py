"""A device or an address that asks too often waits."""

import httpx

from patient_gateway.app import create_app
from patient_gateway.door import Limits
from services.access.limits import Rate
from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Phone


async def test_a_device_that_asks_too_often_is_told_when_to_come_back(
    gateway: Gateway, phone: Phone
) -> None:
    limits = Limits(device=Rate(3, 0.1), address=Rate(3, 0.1))
    app = create_app(
        gateway.settings, gateway.store, gateway.loops, limits=limits, now=gateway.clock
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        limited = Phone(http, gateway.clock, dict(phone.headers))
        codes = [(await limited.get("/v1/plan")).status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]
        answer = await limited.get("/v1/plan")
        assert answer.json()["code"] == "too_many_requests"
        assert int(answer.headers["Retry-After"]) == 10
        stranger = Phone(http, gateway.clock)
        codes = [(await stranger.get("/v1/plan")).status_code for _ in range(4)]
        assert codes == [401, 401, 401, 429]
