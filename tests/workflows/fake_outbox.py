"""An in-memory outbox, for tests of the relay's own logic; the store's has tests of its own."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.outbox_messages import ClaimedMessage, OutboxMessage
from tests.workflows.clinic import wall_clock


@dataclass
class FakeOutbox:
    """Claims by priority, then age; leases; what happened is in the lists."""

    rows: dict[int, OutboxMessage] = field(default_factory=dict)
    leased_until: dict[int, datetime] = field(default_factory=dict)
    delivered: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    waits: int = 0
    written: asyncio.Event = field(default_factory=asyncio.Event)

    def write(self, *messages: OutboxMessage) -> None:
        """Commit messages and notify."""
        for message in messages:
            self.rows[len(self.rows) + 1] = message
        self.written.set()

    async def claim(
        self, *, limit: int, lease_s: float, now: datetime
    ) -> tuple[ClaimedMessage, ...]:
        free = [
            number
            for number in self.rows
            if number not in self.delivered
            and number not in self.failed
            and self.leased_until.get(number, now) <= now
        ]
        free.sort(key=lambda number: (self.rows[number].priority, number))
        for number in free[:limit]:
            self.leased_until[number] = now + timedelta(seconds=lease_s)
        return tuple(
            ClaimedMessage(number, self.rows[number], wall_clock(), 1) for number in free[:limit]
        )

    async def mark_delivered(self, sequences: Sequence[int], *, now: datetime) -> None:
        self.delivered.extend(sequences)

    async def mark_failed(self, sequence: int, *, error_code: str, now: datetime) -> None:
        self.failed[sequence] = error_code

    async def release(self, sequences: Sequence[int], *, now: datetime) -> None:
        for number in sequences:
            self.leased_until.pop(number, None)

    async def wait(self, *, timeout_s: float) -> None:
        self.waits += 1
        self.written.clear()
        try:
            await asyncio.wait_for(self.written.wait(), timeout_s)
        except TimeoutError:
            return
