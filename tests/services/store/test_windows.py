"""Windows are stored once with their samples sealed, and completed exactly once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select

from services.settings import Settings
from services.signals.features import FEATURE_VERSION
from services.store import Acting, Role, windows
from services.store.entries import NewWindow
from services.store.snapshots import build
from services.store.tables.measurements import WINDOW_FEATURES, WINDOW_JOBS, WINDOWS
from tests.services.store.people import NOW, acting_as, enrol
from tests.stack import StoreFactory

SAMPLES = b"[0.1,0.2,null,0.4]" * 100
WORKER = Acting("worker", "ingest", None)


def window(client_id: str, samples: bytes = SAMPLES) -> NewWindow:
    return NewWindow(client_id, "ppg", 64.0, "1", NOW, "clock", 400, samples)


async def test_a_window_uploaded_twice_is_one_and_with_other_samples_a_conflict(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.GATEWAY)
    person = await enrol(await store_factory(Role.CLINICIAN))
    statuses = []
    for item in (window("a"), window("a"), window("a", b"[0.9]"), replace(window("b"), rate_hz=32)):
        async with acting_as(store, person) as tx:
            (result,) = await windows.accept(tx, person.patient_id, [item], now=NOW)
            statuses.append(result.status)
    assert statuses == ["stored", "duplicate", "conflict", "stored"]


async def test_the_samples_are_unreadable_on_the_disk_and_come_back_as_they_were(
    store_factory: StoreFactory, settings: Settings
) -> None:
    store, worker = await store_factory(Role.GATEWAY), await store_factory(Role.WORKER)
    person = await enrol(await store_factory(Role.CLINICIAN))
    async with acting_as(store, person) as tx:
        await windows.accept(tx, person.patient_id, [window("a")], now=NOW)
    files = [path for path in (settings.home / "blobs").rglob("*") if path.is_file()]
    assert len(files) == 1
    assert b"0.1,0.2" not in files[0].read_bytes()
    async with worker.transaction(WORKER) as tx:
        (pending,) = await windows.claim(tx, limit=5, lease_s=60, now=NOW)
        assert await windows.claim(tx, limit=5, lease_s=60, now=NOW) == ()
    assert pending.samples == SAMPLES
    assert (pending.patient_id, pending.rate_hz) == (person.patient_id, 64.0)


async def test_a_window_is_completed_once_and_nothing_ties_it_to_the_patient_then(
    store_factory: StoreFactory,
) -> None:
    store, worker = await store_factory(Role.GATEWAY), await store_factory(Role.WORKER)
    person = await enrol(await store_factory(Role.CLINICIAN))
    async with acting_as(store, person) as tx:
        await windows.accept(tx, person.patient_id, [window("a")], now=NOW)
    async with worker.transaction(WORKER) as tx:
        (pending,) = await windows.claim(tx, limit=5, lease_s=60, now=NOW)

    async def complete() -> bool:
        async with worker.transaction(WORKER) as tx:
            return await windows.complete(
                tx,
                pending,
                features={"heart_rate": 71.5, "irregular_rhythm": 1.0, "skewness": None},
                grade="rate+variability+rhythm",
                feature_version=FEATURE_VERSION,
                now=NOW,
            )

    done = await asyncio.gather(*(complete() for _ in range(4)))
    assert sorted(done) == [False, False, False, True]
    async with acting_as(store, person) as tx:
        (entry,) = await windows.features_since(tx, person.patient_id, NOW - timedelta(days=1))
        snapshot, _ = await build(tx, person.patient_id, now=NOW + timedelta(hours=1))
    assert entry.features == (("heart_rate", 71.5), ("irregular_rhythm", 1.0), ("skewness", None))
    assert snapshot.wearable_features == (("heart_rate", 71.5), ("irregular_rhythm", 1.0))
    assert snapshot.irregular_rhythm_flag_at == NOW
    async with worker.transaction(WORKER) as tx:
        assert await windows.pending_count(tx) == 0
        jobs = await tx.session.execute(select(func.count()).select_from(WINDOW_JOBS))
        assert jobs.scalar_one() == 0
    assert "patient_id" not in {*WINDOWS.c.keys(), *WINDOW_FEATURES.c.keys()}


async def test_a_lease_that_ran_out_offers_the_window_again(store_factory: StoreFactory) -> None:
    store, worker = await store_factory(Role.GATEWAY), await store_factory(Role.WORKER)
    person = await enrol(await store_factory(Role.CLINICIAN))
    async with acting_as(store, person) as tx:
        await windows.accept(tx, person.patient_id, [window("a"), window("b")], now=NOW)
    found = []
    for seconds in (0, 30, 61):
        async with worker.transaction(WORKER) as tx:
            moment = NOW + timedelta(seconds=seconds)
            found.append(len(await windows.claim(tx, limit=5, lease_s=60, now=moment)))
    assert found == [2, 0, 2]
