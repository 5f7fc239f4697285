"""Every committed event becomes one leaf, in commit order, without a gap, whoever commits when."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError

from services.audit.actions import Action
from services.audit.event import parse_leaf
from services.audit.merkle import EMPTY_ROOT, leaf_hash, root_of
from services.store import Acting, Role, Store, events, sealing
from tests.services.store.people import NOW
from tests.stack import StoreFactory

ACTING = Acting("system", "test", None)


async def note(store: Store, name: str) -> None:
    async with store.transaction(ACTING) as tx:
        await tx.event(Action.SYSTEM_STARTED, now=NOW, subject_type="Process", subject_id=name)


async def sealed_names(store: Store) -> list[str]:
    async with store.transaction(ACTING) as tx:
        size = await events.tree_size(tx)
        leaves = await events.leaves(tx, 0, size)
    assert len(leaves) == size
    return [parse_leaf(leaf).subject_id for leaf in leaves]


async def test_an_empty_log_has_the_empty_root(store_factory: StoreFactory) -> None:
    sealer = await store_factory(Role.SEALER)
    done = await sealing.integrate(sealer, now=NOW)
    assert (done.added, done.size, done.root) == (0, 0, EMPTY_ROOT)


async def test_leaves_are_contiguous_and_the_root_is_that_of_their_bytes(
    store_factory: StoreFactory,
) -> None:
    store, sealer = await store_factory(Role.GATEWAY), await store_factory(Role.SEALER)
    sizes = []
    for batch in (3, 1, 9):
        for number in range(batch):
            await note(store, f"b{batch}-{number}")
        sizes.append((await sealing.integrate(sealer, now=NOW)).size)
    done = await sealing.integrate(sealer, now=NOW)
    async with store.transaction(ACTING) as tx:
        leaves = await events.leaves(tx, 0, done.size)
    assert sizes == [3, 4, 13]
    assert done.root == root_of(leaf_hash(leaf) for leaf in leaves)
    assert await sealed_names(store) == [
        *(f"b3-{n}" for n in range(3)),
        "b1-0",
        *(f"b9-{n}" for n in range(9)),
    ]


async def test_a_limit_takes_the_oldest_first(store_factory: StoreFactory) -> None:
    store, sealer = await store_factory(Role.GATEWAY), await store_factory(Role.SEALER)
    for number in range(5):
        await note(store, str(number))
    added = [(await sealing.integrate(sealer, now=NOW, limit=2)).added for _ in range(4)]
    assert added == [2, 2, 1, 0]
    assert await sealed_names(store) == ["0", "1", "2", "3", "4"]


async def test_an_event_waits_for_every_transaction_that_began_to_write_before_it(
    store_factory: StoreFactory,
) -> None:
    store, sealer = await store_factory(Role.GATEWAY), await store_factory(Role.SEALER)
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with store.transaction(ACTING) as tx:
            await tx.event(
                Action.SYSTEM_STARTED, now=NOW, subject_type="Process", subject_id="slow"
            )
            await tx.flush()
            began.set()
            await may_end.wait()

    running = asyncio.create_task(slow())
    await began.wait()
    await note(store, "fast")
    early = await sealing.integrate(sealer, now=NOW)
    may_end.set()
    await running
    late = await sealing.integrate(sealer, now=NOW)
    assert (early.added, late.added) == (0, 2)
    assert await sealed_names(store) == ["slow", "fast"]


async def test_many_writers_and_two_sealers_lose_and_double_nothing(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.GATEWAY)
    sealers = [await store_factory(Role.SEALER) for _ in range(2)]
    writing = asyncio.Event()

    async def write(writer: int) -> None:
        for number in range(15):
            await note(store, f"{writer}-{number}")

    async def seal(sealer: Store) -> int:
        added = 0
        while not writing.is_set():
            added += (await sealing.integrate(sealer, now=NOW, limit=7)).added
        return added

    sealing_now = [asyncio.create_task(seal(sealer)) for sealer in sealers]
    await asyncio.gather(*(write(writer) for writer in range(6)))
    writing.set()
    added = sum(await asyncio.gather(*sealing_now))
    while (more := (await sealing.integrate(sealers[0], now=NOW)).added) > 0:
        added += more
    names = await sealed_names(store)
    assert added == len(names) == len(set(names)) == 90
    for writer in range(6):
        own = [name for name in names if name.startswith(f"{writer}-")]
        assert own == [f"{writer}-{number}" for number in range(15)]


async def test_a_rolled_back_transaction_leaves_no_event_to_seal(
    store_factory: StoreFactory,
) -> None:
    store, sealer = await store_factory(Role.GATEWAY), await store_factory(Role.SEALER)
    with pytest.raises(RuntimeError, match="crash"):
        async with store.transaction(ACTING) as tx:
            await tx.event(Action.SYSTEM_STARTED, now=NOW, subject_type="Process", subject_id="x")
            await tx.flush()
            raise RuntimeError("crash")
    assert (await sealing.integrate(sealer, now=NOW)).added == 0


async def test_a_sealer_that_dies_before_its_commit_leaves_the_log_as_it_was(
    store_factory: StoreFactory,
) -> None:
    store, sealer = await store_factory(Role.GATEWAY), await store_factory(Role.SEALER)
    await note(store, "a")

    async def killed() -> None:
        async with sealer.engine.connect() as connection:
            pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            await connection.execute(text("DELETE FROM unsealed_events"))
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            assert pid > 0
            driver.terminate()

    with pytest.raises(InterfaceError):
        await killed()
    assert (await sealing.integrate(sealer, now=NOW)).added == 1
    assert await sealed_names(store) == ["a"]


async def test_one_checkpoint_is_signed_for_each_size(store_factory: StoreFactory) -> None:
    store, sealer = await store_factory(Role.GATEWAY), await store_factory(Role.SEALER)
    await note(store, "a")
    await sealing.integrate(sealer, now=NOW)

    def sign(size: int, root: bytes) -> bytes:
        return f"{size} {root.hex()}".encode()

    first = await sealing.checkpoint(sealer, sign, now=NOW)
    assert first == f"1 {leaf_hash_of(await raw_leaves(store)).hex()}".encode()
    assert await sealing.checkpoint(sealer, sign, now=NOW) is None
    async with store.transaction(ACTING) as tx:
        assert await events.newest_checkpoint(tx) == first
        assert await events.checkpoints(tx) == ((1, first),)


async def test_the_oldest_waiting_event_is_a_metric(store_factory: StoreFactory) -> None:
    store, sealer = await store_factory(Role.GATEWAY), await store_factory(Role.SEALER)
    await note(store, "a")
    await note(store, "b")
    count, age_s = await sealing.waiting(sealer, now=NOW + timedelta(seconds=5))
    assert (count, age_s) == (2, 5.0)
    await sealing.integrate(sealer, now=NOW)
    assert await sealing.waiting(sealer, now=NOW) == (0, 0.0)


async def raw_leaves(store: Store) -> tuple[bytes, ...]:
    async with store.transaction(ACTING) as tx:
        return await events.leaves(tx, 0, 1)


def leaf_hash_of(leaves: tuple[bytes, ...]) -> bytes:
    return leaf_hash(leaves[0])
