"""Backup and restore: both databases apart, the blobs, and a manifest that every file must match.

The wrapped keys lie in a folder of their own, so that they can be kept for a shorter time: once
they are gone, what was erased is gone from the backup too. Secrets are never part of a backup.
"""

import asyncio
import hashlib
import json
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.settings import Settings
from services.store import cluster, migrate
from services.store.roles import Role
from services.store.sealed import parse_key_set

MANIFEST = "manifest.json"
RECORD_DUMP = "record/record.dump"
KEYS_DUMP = "keys/keys.dump"
_BLOBS = "record/blobs"
_VERSION = 1


class BackupRefused(RuntimeError):
    """The backup cannot be written or used. The message says what is wrong; nothing was changed."""


def write(settings: Settings, folder: Path, *, now: datetime) -> None:
    """Write a backup of the running database into a new folder.

    Raises:
        BackupRefused: the folder is not empty, or a dump failed.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BackupRefused(f"{folder} is not empty")
    (folder / "record").mkdir(parents=True)
    (folder / "keys").mkdir()
    # The record first: a patient enrolled in between has a key too many, never one too few; and
    # blobs are on the disk before the row that names them.
    _dump(settings, "record", folder / RECORD_DUMP)
    _dump(settings, "keys", folder / KEYS_DUMP)
    blobs = settings.home / "blobs"
    if blobs.exists():
        shutil.copytree(blobs, folder / _BLOBS, ignore=shutil.ignore_patterns("*.new"))
    manifest = {
        "version": _VERSION,
        "made_at": now.isoformat(),
        "database": settings.database_name,
        "kek_ids": sorted(parse_key_set(settings.secret("kek.json")).keys),
        "files": _files(folder),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))


def check(folder: Path) -> dict[str, Any]:
    """Return the manifest of a backup whose files all match it.

    Raises:
        BackupRefused: a file is missing, changed or too many, or there is no manifest.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        expected = manifest["files"]
    except (OSError, ValueError, KeyError) as err:
        raise BackupRefused(f"{folder} has no readable manifest") from err
    if manifest.get("version") != _VERSION:
        raise BackupRefused(f"{folder} is of another version")
    found = _files(folder)
    wrong = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
    if wrong:
        raise BackupRefused(f"changed, missing or unknown in the backup: {', '.join(wrong[:5])}")
    return manifest


def restore(settings: Settings, folder: Path) -> None:
    """Restore a backup into a home without a database; its secrets must be there already.

    Raises:
        BackupRefused: the backup is damaged, the home is in use, or a key-encryption key that the
            backup needs is not in the secrets.
    """
    manifest = check(folder)
    keks = parse_key_set(settings.secret("kek.json")).keys
    lost = [kek_id for kek_id in manifest["kek_ids"] if kek_id not in keks]
    if lost:
        raise BackupRefused(f"the secrets lack the key-encryption keys {', '.join(lost)}")
    if (settings.home / "blobs").exists() or cluster.is_embedded(settings):
        raise BackupRefused(f"{settings.home} is in use: restore into an empty home")
    cluster.initialise(settings)
    with cluster.running(settings):
        _load(settings, "record", folder / RECORD_DUMP)
        _load(settings, "keys", folder / KEYS_DUMP)
        asyncio.run(_finish(settings))
    if (folder / _BLOBS).exists():
        shutil.copytree(folder / _BLOBS, settings.home / "blobs")


def _dump(settings: Settings, part: migrate.Part, path: Path) -> None:
    _run(settings, Role.BACKUP, "pg_dump", ["-Fc", "-f", str(path)], part)


def _load(settings: Settings, part: migrate.Part, path: Path) -> None:
    arguments = ["--exit-on-error", "--single-transaction", str(path)]
    # The schema and its owner are there already; the owner may not create or drop schemas.
    _run(settings, Role.OWNER, "pg_restore", ["--no-owner", *arguments], part)


def _run(
    settings: Settings, role: Role, program: str, arguments: list[str], part: migrate.Part
) -> None:
    host = settings.database_host
    password = settings.secret(f"db_{role.value}.password").decode()
    command = [
        str(cluster.BINARIES / program),
        *("-h", host, "-p", str(settings.postgres_port), "-U", role.database_user),
        *("-d", migrate.database_name(settings, part), "--no-password"),
        *arguments,
    ]
    environment = {**settings.inherited_environment(), "PGPASSWORD": password}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode != 0:
        raise BackupRefused(f"{program} of the {part} failed: {done.stderr.decode()[-400:]}")


async def _finish(settings: Settings) -> None:
    """Set privileges anew; number what waited for its leaf by this cluster's transactions."""
    await migrate.migrate(settings)
    dsn = settings.database_dsn(Role.OWNER.value, settings.database_name)
    engine = create_async_engine(dsn, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(
                text("UPDATE unsealed_events SET transaction_number = pg_current_xact_id()")
            )
    finally:
        await engine.dispose()


def _files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file but the manifest, by relative path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[path.relative_to(folder).as_posix()] = digest
    return found
