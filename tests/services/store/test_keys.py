"""Data keys: rotation goes on where it stopped; a destroyed key is gone from every file."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from services.ids import new_secret
from services.settings import Settings
from services.store import Acting, Role, Store, patients, rotation
from services.store.errors import KeyDestroyed, KeyUnknown, Tampered
from services.store.tables.keys import WRAPPED_KEYS
from services.store.tables.people import PATIENTS
from tests.services.store.people import NAME, NOW, acting_as, enrol
from tests.stack import StoreFactory


def add_kek(settings: Settings, name: str) -> None:
    path = settings.home / "secrets" / "kek.json"
    document = json.loads(path.read_bytes())
    document["keys"][name] = new_secret().hex()
    document["newest"] = name
    path.write_text(json.dumps(document))


def drop_old_keks(settings: Settings) -> None:
    path = settings.home / "secrets" / "kek.json"
    document = json.loads(path.read_bytes())
    newest = document["newest"]
    path.write_text(json.dumps({"newest": newest, "keys": {newest: document["keys"][newest]}}))


async def wrapped_bytes(store: Store, patient_id: str) -> bytes:
    statement = select(WRAPPED_KEYS.c.wrapped).where(WRAPPED_KEYS.c.patient_id == patient_id)
    async with store.keys._engine.connect() as connection:
        return bytes((await connection.execute(statement)).scalar_one())


async def test_rotation_rewraps_in_batches_and_the_old_kek_can_go(
    settings: Settings, store_factory: StoreFactory
) -> None:
    store = await store_factory(Role.CLINICIAN)
    people = [await enrol(store, f"Person {number}") for number in range(5)]
    add_kek(settings, "second")
    worker = await store_factory(Role.WORKER)
    assert await worker.keys.rewrap(limit=2) == 2  # and here the rotation is interrupted
    half_way = await store_factory(Role.CLINICIAN)
    async with acting_as(half_way, people[4]) as tx:
        assert (await patients.identity(tx, people[4].patient_id)).name == "Person 4"
    assert await rotation.rewrap_all(settings) == 3
    assert await rotation.rewrap_all(settings) == 0
    drop_old_keks(settings)
    after = await store_factory(Role.CLINICIAN)
    for number, person in enumerate(people):
        async with acting_as(after, person) as tx:
            assert (await patients.identity(tx, person.patient_id)).name == f"Person {number}"


async def test_a_kek_that_is_gone_too_early_is_named_and_nothing_is_guessed(
    settings: Settings, store_factory: StoreFactory
) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    add_kek(settings, "second")
    drop_old_keks(settings)
    store = await store_factory(Role.CLINICIAN)
    with pytest.raises(KeyUnknown, match="no key-encryption key"):
        async with acting_as(store, person):
            pass


async def test_a_destroyed_key_makes_the_identity_unreadable_and_leaves_no_trace_of_itself(
    settings: Settings, store_factory: StoreFactory, postgres_folder: Path
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    worker = await store_factory(Role.WORKER)
    old = await wrapped_bytes(worker, person.patient_id)
    async with worker.transaction(Acting("system", "erasure", person.patient_id)) as tx:
        assert await patients.destroy_key(tx, person.patient_id, now=NOW)
    fresh = await store_factory(Role.CLINICIAN)
    with pytest.raises(KeyDestroyed):
        async with acting_as(fresh, person) as tx:
            await patients.identity(tx, person.patient_id)
    async with worker.keys._engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        path = (
            await autocommit.execute(text("SELECT pg_relation_filepath('wrapped_keys')"))
        ).scalar_one()
    assert old not in (postgres_folder / path).read_bytes()
    async with worker.keys._engine.connect() as connection:
        kept = (await connection.execute(select(WRAPPED_KEYS.c.destroyed_at))).scalars().all()
    assert NOW in kept


async def test_swapped_ciphertexts_and_swapped_keys_do_not_open(
    store_factory: StoreFactory,
) -> None:
    store, owner = await store_factory(Role.CLINICIAN), await store_factory(Role.OWNER)
    ada, bea = await enrol(store, NAME), await enrol(store, "Bea")
    async with owner.engine.begin() as connection:
        for statement in (
            "ALTER TABLE patients DISABLE TRIGGER append_only",
            "ALTER TABLE patients NO FORCE ROW LEVEL SECURITY",
        ):
            await connection.execute(text(statement))
        column = PATIENTS.c.identity_sealed
        taken = (
            await connection.execute(select(column).where(PATIENTS.c.patient_id == bea.patient_id))
        ).scalar_one()
        await connection.execute(
            update(PATIENTS)
            .where(PATIENTS.c.patient_id == ada.patient_id)
            .values(identity_sealed=taken)
        )
    async with acting_as(store, ada) as tx:
        with pytest.raises(Tampered):
            await patients.identity(tx, ada.patient_id)
    worker = await store_factory(Role.WORKER)
    theirs = await wrapped_bytes(worker, bea.patient_id)
    async with worker.keys._engine.begin() as connection:
        await connection.execute(
            update(WRAPPED_KEYS)
            .where(WRAPPED_KEYS.c.patient_id == ada.patient_id)
            .values(wrapped=theirs)
        )
    fresh = await store_factory(Role.CLINICIAN)
    with pytest.raises(Tampered):
        async with acting_as(fresh, ada):
            pass
