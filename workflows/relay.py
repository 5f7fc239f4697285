"""Relay: from the outbox to Temporal, at least once, alarms first.

The outbox row was committed together with what it tells of, so nothing that was acknowledged can
fail to reach a loop; Temporal may be away for as long as it likes.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from services.ids import new_id
from services.outbox_messages import ClaimedMessage, OutboxMessage
from workflows.policy import temporal_priority
from workflows.ports import Outbox
from workflows.starts import Undeliverable, signal_of, start_of

logger = logging.getLogger(__name__)

BATCH = 64
LEASE_S = 30.0
AT_ONCE = 16
RPC_TIMEOUT = timedelta(seconds=5)
# NOTIFY wakes the relay at once; this finds rows whose lease ran out with a killed relay.
WAIT_S = 2.0
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)

# Temporal says that the request itself is wrong. Everything else is an outage.
_WRONG_REQUEST = {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.NOT_FOUND}


class Fate(Enum):
    """What became of one delivery. SET_APART: it cannot be right, a person has to look."""

    ARRIVED = "arrived"
    SET_APART = "set_apart"
    TEMPORAL_AWAY = "temporal_away"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One signal to send, and the outbox rows that it settles."""

    message: OutboxMessage
    sequences: tuple[int, ...]
    written_at: datetime


def coalesce(claimed: Sequence[ClaimedMessage]) -> tuple[Delivery, ...]:
    """Return one delivery for all messages of one coalesce key, in order of priority, then age."""
    groups: dict[str, list[ClaimedMessage]] = {}
    for item in claimed:
        key = item.message.coalesce_key or f"alone/{item.sequence}"
        groups.setdefault(key, []).append(item)
    deliveries = [
        Delivery(items[-1].message, tuple(item.sequence for item in items), items[0].written_at)
        for items in groups.values()
    ]
    return tuple(sorted(deliveries, key=lambda d: (d.message.priority, d.sequences[0])))


class Relay:
    """Moves messages. Several relays may run: a claimed message is hidden from the others."""

    def __init__(self, outbox: Outbox, client: Client, clock: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._client = client
        self._now = clock
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._failures = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop; what was claimed then is delivered or released first."""
        while not stop.is_set():
            if not await self.deliver_once():
                await _first_of(stop.wait(), self._outbox.wait(timeout_s=WAIT_S))

    async def deliver_once(self) -> int:
        """Claim and deliver one batch; return how many rows arrived."""
        claimed = await self._outbox.claim(limit=BATCH, lease_s=LEASE_S, now=self._now())
        arrived = 0
        waiting = list(coalesce(claimed))
        while waiting:
            priority = waiting[0].message.priority
            first = [d for d in waiting if d.message.priority == priority]
            waiting = waiting[len(first) :]
            settled = await self._deliver_all(first)
            arrived += settled
            if self._failures:
                await self._release(waiting)
                await asyncio.sleep(BACK_OFF_S[min(self._failures, len(BACK_OFF_S)) - 1])
                break
        return arrived

    async def _deliver_all(self, deliveries: Sequence[Delivery]) -> int:
        fates = await asyncio.gather(*(self._deliver(item) for item in deliveries))
        by_fate: dict[Fate, list[Delivery]] = {fate: [] for fate in Fate}
        for fate, delivery in zip(fates, deliveries, strict=True):
            by_fate[fate].append(delivery)
        arrived = _sequences(by_fate[Fate.ARRIVED])
        if arrived:
            await self._outbox.mark_delivered(arrived, now=self._now())
        self._failures = self._failures + 1 if by_fate[Fate.TEMPORAL_AWAY] else 0
        await self._release(by_fate[Fate.TEMPORAL_AWAY])
        return len(arrived)

    async def _release(self, deliveries: Sequence[Delivery]) -> None:
        sequences = _sequences(deliveries)
        if sequences:
            await self._outbox.release(sequences, now=self._now())

    async def _deliver(self, delivery: Delivery) -> Fate:
        async with self._slots:
            try:
                await self._send(delivery)
            except Undeliverable:
                return await self._set_apart(delivery, "undeliverable")
            except RPCError as err:
                if err.status in _WRONG_REQUEST:
                    return await self._set_apart(delivery, err.status.name.lower())
                logger.warning("temporal_away", extra={"status": err.status.name})
                return Fate.TEMPORAL_AWAY
        return Fate.ARRIVED

    async def _send(self, delivery: Delivery) -> None:
        message = delivery.message
        payload = signal_of(message, delivery.written_at)
        if not message.start:
            handle = self._client.get_workflow_handle(message.workflow_id)
            await handle.signal(message.signal.value, payload, rpc_timeout=RPC_TIMEOUT)
            return
        await self._client.start_workflow(
            message.workflow.value,
            start_of(message, new_id()),
            id=message.workflow_id,
            task_queue=message.queue.value,
            start_signal=message.signal.value,
            start_signal_args=[payload],
            priority=temporal_priority(message.priority),
            rpc_timeout=RPC_TIMEOUT,
        )

    async def _set_apart(self, delivery: Delivery, error_code: str) -> Fate:
        logger.error(
            "outbox_message_failed",
            extra={"sequence": delivery.sequences[-1], "error_code": error_code},
        )
        for sequence in delivery.sequences:
            await self._outbox.mark_failed(sequence, error_code=error_code, now=self._now())
        return Fate.SET_APART


def _sequences(deliveries: Sequence[Delivery]) -> list[int]:
    return [number for item in deliveries for number in item.sequences]


async def _first_of(*waits: Coroutine[object, object, object]) -> None:
    """Return when the first of these is done; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
