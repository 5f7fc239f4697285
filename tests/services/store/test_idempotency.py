"""A request with a key is carried out once and answered the same for 72 hours."""

from datetime import timedelta

import pytest

from services.store import Acting, Role, Store, idempotency
from services.store.entries import Begun, InFlight, OtherBody, Replayed
from services.store.tables.log import IDEMPOTENT_REQUESTS
from tests.services.store.people import NOW, enrol
from tests.stack import StoreFactory


async def ask(store: Store, patient_id: str | None, sha: str = "s", hours: float = 0) -> object:
    now = NOW + timedelta(hours=hours)
    async with store.transaction(Acting("device", "d", patient_id)) as tx:
        begun = await idempotency.begin(tx, "d/readings", "k", request_sha256=sha, now=now)
        if isinstance(begun, Begun):
            await idempotency.finish(tx, "d/readings", "k", status_code=201, body=b"answer")
        return begun


@pytest.mark.parametrize("bound", [True, False])
async def test_the_second_request_gets_the_first_ones_answer(
    store_factory: StoreFactory, bound: bool
) -> None:
    patient_id = (await enrol(await store_factory(Role.CLINICIAN))).patient_id if bound else None
    store = await store_factory(Role.GATEWAY)
    assert await ask(store, patient_id) == Begun()
    assert await ask(store, patient_id, hours=71) == Replayed(201, b"answer")
    assert await ask(store, patient_id, sha="other") == OtherBody()
    assert await ask(store, patient_id, hours=73) == Begun()


async def test_the_same_key_in_flight_is_said_so(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.GATEWAY)
    async with store.transaction(Acting("device", "d", None)) as tx:
        first = await idempotency.begin(tx, "d/readings", "k", request_sha256="s", now=NOW)
        assert first == Begun()
        assert await ask(store, None) == InFlight()
        await idempotency.finish(tx, "d/readings", "k", status_code=200, body=b"x")
    assert await ask(store, None) == Replayed(200, b"x")


async def test_a_request_that_failed_never_was(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.GATEWAY)
    with pytest.raises(RuntimeError):
        async with store.transaction(Acting("device", "d", None)) as tx:
            await idempotency.begin(tx, "d/readings", "k", request_sha256="s", now=NOW)
            raise RuntimeError("refused")
    assert await ask(store, None) == Begun()


async def test_an_answer_is_not_readable_in_the_table(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.GATEWAY)
    await ask(store, None)
    async with store.transaction(Acting("device", "d", None)) as tx:
        (row,) = (await tx.session.execute(IDEMPOTENT_REQUESTS.select())).all()
    assert b"answer" not in row.response_sealed
