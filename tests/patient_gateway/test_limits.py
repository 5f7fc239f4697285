"""Token buckets: a burst, then a rate, for each key by itself."""

from datetime import UTC, datetime, timedelta

import httpx

from patient_gateway.app import create_app
from patient_gateway.door import Limits
from patient_gateway.limits import Rate, RateLimiter
from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Phone

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_burst_passes_and_the_next_waits_as_long_as_it_is_told() -> None:
    limiter = RateLimiter(Rate(burst=3, per_s=0.5))
    assert [limiter.take("a", now=NOW) for _ in range(4)] == [0, 0, 0, 2]
    assert limiter.take("b", now=NOW) == 0
    assert limiter.take("a", now=NOW + timedelta(seconds=2)) == 0
    assert limiter.take("a", now=NOW + timedelta(seconds=2)) > 0


def test_a_clock_set_back_neither_drains_nor_fills() -> None:
    limiter = RateLimiter(Rate(burst=2, per_s=1))
    limiter.take("a", now=NOW)
    assert limiter.take("a", now=NOW - timedelta(hours=1)) == 0
    assert limiter.take("a", now=NOW - timedelta(hours=1)) > 0


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
