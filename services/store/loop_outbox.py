"""The loops' port `Outbox` on this store, for the relay."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics import OUTBOX_SET_APART, OUTBOX_WAITING
from services.outbox_messages import ClaimedMessage
from services.store import outbox
from services.store.roles import Acting
from services.store.store import Store

_ACTING = Acting("system", "relay", None)


class LoopOutbox:
    """Opened on a store of role worker; `close` ends its listening connection."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._woken = asyncio.Event()
        self._listening: AsyncConnection | None = None
        self._driver: Any = None

    async def claim(
        self, *, limit: int, lease_s: float, now: datetime
    ) -> tuple[ClaimedMessage, ...]:
        """Take undelivered messages for `lease_s`: priority 1 first, then oldest first."""
        async with self._store.transaction(_ACTING) as tx:
            OUTBOX_WAITING.set(await outbox.waiting_count(tx))
            return await outbox.claim_batch(tx, limit=limit, lease_s=lease_s, now=now)

    async def mark_delivered(self, sequences: Sequence[int], *, now: datetime) -> None:
        """These arrived; they are never offered again."""
        async with self._store.transaction(_ACTING) as tx:
            await outbox.mark_delivered(tx, sequences, now=now)

    async def mark_failed(self, sequence: int, *, error_code: str, now: datetime) -> None:
        """This one cannot be delivered as it is written; it is kept apart."""
        async with self._store.transaction(_ACTING) as tx:
            await outbox.mark_failed(tx, sequence, error_code=error_code, now=now)
        OUTBOX_SET_APART.inc()

    async def release(self, sequences: Sequence[int], *, now: datetime) -> None:
        """Offer these again at once."""
        async with self._store.transaction(_ACTING) as tx:
            await outbox.release(tx, sequences)

    async def wait(self, *, timeout_s: float) -> None:
        """Return when a message may have been committed, or after `timeout_s`."""
        await self._listen()
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            await self._listening.close()
            self._listening = self._driver = None

    async def _listen(self) -> None:
        """Listen on a connection of its own; a new one after the server went away."""
        if self._driver is not None and not self._driver.is_closed():
            return
        if self._listening is not None:
            await self._listening.invalidate()
        self._listening = await self._store.engine.connect()
        self._driver = (await self._listening.get_raw_connection()).driver_connection
        await self._driver.add_listener(outbox.CHANNEL, self._wake)
        # What was committed before this moment woke nobody: look once without waiting.
        self._woken.set()

    def _wake(self, *_: object) -> None:
        self._woken.set()
