"""A backup restores to the same record; a damaged one is refused; no name is readable anywhere."""

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import MetaData, select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.clinical.titration import Titrator
from services.settings import Settings
from services.store import (
    Role,
    Store,
    backup,
    blobs,
    cluster,
    messages,
    patients,
    resources,
    sealing,
)
from services.store.loop_records import LoopRecords
from services.store.tables import everything
from tests.services.store.people import NAME, NOW, Person, acting_as, enrol_treated
from tests.stack import StoreFactory, server_home, settings_for

CANARIES = (b"Quillfeather", b"QF-77123", b"marmalade-secret", b"1966-05-04")
BUNDLE = b'{"resourceType":"Patient","name":[{"family":"Quillfeather"}],"birthDate":"1966-05-04"}'


async def full_record(store_factory: StoreFactory) -> tuple[Store, Person]:
    """A patient with everything: bundle, message, readings, an assessment, a blob, leaves."""
    store = await store_factory(Role.CLINICIAN)
    person = await enrol_treated(store)
    records = LoopRecords(await store_factory(Role.WORKER))
    await records.assess(person.patient_id, key="a", predictor=Titrator(), now=NOW)
    async with acting_as(store, person) as tx:
        await resources.put(tx, "Patient", "imported", BUNDLE, person.patient_id, now=NOW)
        await messages.send(tx, person.patient_id, "marmalade-secret", now=NOW)
        await blobs.write(tx, person.patient_id, b"marmalade-secret" * 50)
    await sealing.integrate(await store_factory(Role.SEALER), now=NOW)
    async with acting_as(store, person) as tx:
        await messages.send(tx, person.patient_id, "sent after the last leaf", now=NOW)
    return store, person


async def contents(settings: Settings, metadata: MetaData, name: str) -> dict[str, list[str]]:
    """Every row of every table, as text, in an order of its own."""
    dsn = settings.database_dsn(Role.BACKUP.value, name)
    engine = create_async_engine(dsn, poolclass=NullPool)
    found = {}
    async with engine.connect() as connection:
        for table in metadata.sorted_tables:
            columns = [c for c in table.c if c.name != "transaction_number"]
            rows = (await connection.execute(select(*columns))).all()
            found[table.name] = sorted(repr(tuple(row)) for row in rows)
    await engine.dispose()
    return found


async def test_a_restored_backup_holds_the_same_record_and_goes_on(
    settings: Settings, store_factory: StoreFactory, tmp_path: Path
) -> None:
    _, person = await full_record(store_factory)
    await asyncio.to_thread(backup.write, settings, tmp_path / "backup", now=NOW)
    with server_home() as home:
        await _restore_and_compare(settings, person, home, tmp_path / "backup")


async def _restore_and_compare(
    settings: Settings, person: Person, home: Path, folder: Path
) -> None:
    target = replace(settings_for(home), database_name=settings.database_name)
    shutil.copytree(settings.home / "secrets", home / "secrets")
    await asyncio.to_thread(backup.restore, target, folder)
    with cluster.running(target):
        for metadata, suffix in ((everything.RECORD, ""), (everything.KEYS, "_keys")):
            name = f"{settings.database_name}{suffix}"
            before = await contents(settings, metadata, name)
            assert await contents(target, metadata, name) == before
            assert any(before.values())
        store, sealer = [await Store.open(target, r) for r in (Role.CLINICIAN, Role.SEALER)]
        async with acting_as(store, person) as tx:
            assert (await patients.identity(tx, person.patient_id)).name == NAME
            assert (await resources.get(tx, "Patient", "imported")).body == BUNDLE
        waited = await sealing.integrate(sealer, now=NOW)
        assert waited.added >= 1
        async with sealer.engine.connect() as connection:
            left = await connection.execute(text("SELECT count(*) FROM unsealed_events"))
            assert left.scalar_one() == 0
        await store.close()
        await sealer.close()
    blob_names = [p.name for p in (settings.home / "blobs").rglob("*") if p.is_file()]
    assert [p.name for p in (home / "blobs").rglob("*") if p.is_file()] == blob_names
    with pytest.raises(backup.BackupRefused, match="in use"):
        backup.restore(target, folder)


async def test_no_name_can_be_found_in_the_files_of_the_database_its_log_or_a_backup(
    settings: Settings, store_factory: StoreFactory, tmp_path: Path, postgres_folder: Path
) -> None:
    await full_record(store_factory)
    await asyncio.to_thread(backup.write, settings, tmp_path / "backup", now=NOW)
    plain = tmp_path / "plain.sql"
    # pg_dump compresses: look at the plain text as well.
    for dump in (backup.RECORD_DUMP, backup.KEYS_DUMP):
        process = await asyncio.create_subprocess_exec(
            str(cluster.BINARIES / "pg_restore"), "-f", str(plain), str(tmp_path / "backup" / dump)
        )
        assert await process.wait() == 0
        _assert_no_canary(plain.read_bytes(), dump)
    folders = (postgres_folder, settings.home / "blobs", tmp_path / "backup")
    looked_at = 0
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                _assert_no_canary(path.read_bytes(), str(path))
                looked_at += 1
    assert looked_at > 100
    assert any("pg_wal" in str(path) for path in postgres_folder.rglob("0000*"))


def _assert_no_canary(content: bytes, where: str) -> None:
    for canary in CANARIES:
        assert canary not in content, f"{canary!r} in {where}"


async def test_a_damaged_backup_is_refused_by_name(
    settings: Settings, store_factory: StoreFactory, tmp_path: Path
) -> None:
    await full_record(store_factory)
    good = tmp_path / "backup"
    await asyncio.to_thread(backup.write, settings, good, now=NOW)
    backup.check(good)
    dump = good / backup.KEYS_DUMP
    whole = dump.read_bytes()
    for damage in ("changed", "missing", "extra"):
        extra = good / "keys" / "extra"
        if damage == "changed":
            dump.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        elif damage == "missing":
            dump.unlink()
        else:
            extra.write_bytes(b"x")
        with pytest.raises(backup.BackupRefused, match="keys"):
            backup.check(good)
        extra.unlink(missing_ok=True)
        dump.write_bytes(whole)
    (good / backup.MANIFEST).write_text("{}")
    with pytest.raises(backup.BackupRefused, match="manifest"):
        backup.check(good)


async def test_a_backup_without_its_key_encryption_key_is_refused_before_anything_is_made(
    settings: Settings, store_factory: StoreFactory, tmp_path: Path
) -> None:
    await full_record(store_factory)
    await asyncio.to_thread(backup.write, settings, tmp_path / "backup", now=NOW)
    target = settings_for(tmp_path / "other")
    (target.home / "secrets").mkdir()
    other = {"newest": "z", "keys": {"z": "00" * 32}}
    (target.home / "secrets" / "kek.json").write_text(json.dumps(other))
    with pytest.raises(backup.BackupRefused, match="key-encryption"):
        backup.restore(target, tmp_path / "backup")
    assert not cluster.data_folder(target).exists()


async def test_a_folder_that_is_not_empty_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(backup.BackupRefused, match="not empty"):
        backup.write(settings, tmp_path, now=NOW)
    assert (tmp_path / "kept").read_text() == "mine"
