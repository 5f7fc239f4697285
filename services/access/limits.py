"""How often one device or address may ask: token buckets in this process's memory."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

# Far more devices than one process serves; the least recent make room.
_MAX_BUCKETS = 50_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` requests at once, then `per_s` a second."""

    burst: int
    per_s: float


DEVICE_RATE = Rate(burst=200, per_s=20.0)
"""A phone that comes back after days uploads in a few large batches."""
ADDRESS_RATE = Rate(burst=120, per_s=2.0)
"""For requests without a token: enrolling, refreshing, and being refused at either door."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: datetime


class RateLimiter:
    """One bucket for each key. `take` answers how long to wait; 0 means go on."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, *, now: datetime) -> int:
        """Take one token; return 0, or the whole seconds until there is one."""
        bucket = self._refilled(key, now)
        if bucket.tokens < 1:
            return max(1, math.ceil((1 - bucket.tokens) / self._rate.per_s))
        bucket.tokens -= 1
        return 0

    def _refilled(self, key: str, now: datetime) -> _Bucket:
        bucket = self._buckets.setdefault(key, _Bucket(self._rate.burst, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > _MAX_BUCKETS:
            self._buckets.popitem(last=False)
        # A clock set back must not drain a bucket.
        elapsed_s = max(0.0, (now - bucket.at).total_seconds())
        bucket.tokens = min(self._rate.burst, bucket.tokens + elapsed_s * self._rate.per_s)
        bucket.at = now
        return bucket
