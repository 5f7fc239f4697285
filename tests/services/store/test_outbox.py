"""Messages are offered by priority, to one relay at a time, until they are delivered."""

import asyncio
from datetime import timedelta

from services.outbox_messages import alarm_raised, recorded, windows_waiting
from services.store import Acting, Role, Store, outbox
from services.store.loop_outbox import LoopOutbox
from tests.services.store.people import NOW
from tests.stack import StoreFactory

ACTING = Acting("system", "test", None)


async def send_three(store: Store) -> None:
    async with store.transaction(ACTING) as tx:
        await tx.send(windows_waiting(), now=NOW)
        await tx.send(recorded("p", "readings"), now=NOW)
        await tx.send(alarm_raised("a", "p"), now=NOW)


async def test_alarms_go_first_and_a_lease_hides_what_was_taken(
    store_factory: StoreFactory,
) -> None:
    await send_three(await store_factory(Role.GATEWAY))
    relay = LoopOutbox(await store_factory(Role.WORKER))
    taken = await relay.claim(limit=2, lease_s=10, now=NOW)
    rest = await relay.claim(limit=10, lease_s=10, now=NOW)
    again = await relay.claim(limit=10, lease_s=10, now=NOW + timedelta(seconds=11))
    assert [item.message for item in taken] == [alarm_raised("a", "p"), recorded("p", "readings")]
    assert [item.message for item in rest] == [windows_waiting()]
    assert [item.attempts for item in again] == [2, 2, 2]
    assert taken[0].written_at == NOW


async def test_delivered_and_failed_messages_are_never_offered_again(
    store_factory: StoreFactory,
) -> None:
    await send_three(await store_factory(Role.GATEWAY))
    relay = LoopOutbox(await store_factory(Role.WORKER))
    first, second, third = await relay.claim(limit=3, lease_s=10, now=NOW)
    await relay.mark_delivered([first.sequence], now=NOW)
    await relay.mark_failed(second.sequence, error_code="no_such_workflow", now=NOW)
    await relay.release([third.sequence], now=NOW)
    offered = await relay.claim(limit=3, lease_s=10, now=NOW)
    assert [item.sequence for item in offered] == [third.sequence]
    later = await relay.claim(limit=3, lease_s=10, now=NOW + timedelta(days=1))
    assert [item.sequence for item in later] == [third.sequence]


async def test_two_relays_never_hold_the_same_message(store_factory: StoreFactory) -> None:
    gateway = await store_factory(Role.GATEWAY)
    for _ in range(10):
        await send_three(gateway)
    relays = [LoopOutbox(await store_factory(Role.WORKER)) for _ in range(3)]
    batches = await asyncio.gather(
        *(relay.claim(limit=9, lease_s=60, now=NOW) for relay in relays for _ in range(2))
    )
    taken = [item.sequence for batch in batches for item in batch]
    assert len(taken) == len(set(taken)) == 30


async def test_a_waiting_relay_is_woken_by_a_commit(store_factory: StoreFactory) -> None:
    gateway = await store_factory(Role.GATEWAY)
    relay = LoopOutbox(await store_factory(Role.WORKER))
    await relay.wait(timeout_s=0.01)  # begins to listen; what was before is looked at once
    loop = asyncio.get_running_loop()
    began = loop.time()
    waiting = asyncio.create_task(relay.wait(timeout_s=30))
    await send_three(gateway)
    await waiting
    assert loop.time() - began < 10
    await relay.wait(timeout_s=0.01)
    await relay.close()


async def test_the_number_waiting_is_a_metric(store_factory: StoreFactory) -> None:
    worker = await store_factory(Role.WORKER)
    await send_three(await store_factory(Role.GATEWAY))
    async with worker.transaction(ACTING) as tx:
        assert await outbox.waiting_count(tx) == 3
