"""Token buckets: a burst, then a rate, for each key by itself."""

from datetime import UTC, datetime, timedelta

from services.access.limits import Rate, RateLimiter

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
