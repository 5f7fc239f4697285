"""A real PostgreSQL for tests: one embedded server a session, one pair of databases a test.

Fixtures (registered by `tests/conftest.py`): `postgres` is the server, `settings` a home with
secrets and a fresh, migrated pair of databases, `store_factory` opens stores on it.
"""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from services.ids import new_id
from services.keyring import make_missing_secrets
from services.settings import Settings, load
from services.store import Role, Store, cluster, migrate

StoreFactory = Callable[[Role], Awaitable[Store]]

# The server of a test session is thrown away with its files: it need not survive a power cut.
_THROWAWAY = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off"

# Copying a template's files takes a fifth of the time that writing it through the log does.
_COPIED = "STRATEGY FILE_COPY"
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4 * 2**30


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def settings_for(home: Path) -> Settings:
    """Return settings of a stack of its own under `home`, every port free."""
    home.mkdir(parents=True, exist_ok=True)
    ports = {name: free_port() for name in Settings.__slots__ if name.endswith("_port")}
    return replace(
        load(),
        home=home,
        database_host="127.0.0.1",
        metrics_port_base=free_port(),
        clinic_timezone=ZoneInfo("UTC"),
        smtp_url=None,
        webhook_url=None,
        **cast(Any, ports),
    )


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server whose databases of `settings` are migrated and used as templates only."""

    settings: Settings

    def sql(self, *statements: str) -> str:
        """Run statements as the superuser, each in a transaction of its own."""
        return self.sql_in("postgres", *statements)

    def sql_in(self, database: str, *statements: str) -> str:
        """Run statements as the superuser in one database: what somebody with the disk could do."""
        command = [
            str(cluster.BINARIES / "psql"),
            *("-h", "127.0.0.1", "-p", str(self.settings.postgres_port)),
            *("-U", "postgres", "-d", database, "-qAt", "-v", "ON_ERROR_STOP=1"),
        ]
        for statement in statements:
            command += ["-c", statement]
        password = self.settings.secret("db_postgres.password").decode()
        done = subprocess.run(
            command,
            env={**os.environ, "PGPASSWORD": password},
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def clone(self, home: Path) -> Settings:
        """Return settings whose home and databases are fresh copies of the migrated ones."""
        shutil.copytree(self.settings.home / "secrets", home / "secrets")
        name = f"test_{new_id().replace('-', '')}"
        made: list[str] = []
        for suffix in ("", "_keys"):
            create, *grants = cluster.database_sql(
                f"{name}{suffix}", f"{self.settings.database_name}{suffix}"
            )
            made += [f"{create.rstrip(';')} {_COPIED}", *grants]
        self.sql(*made)
        return replace(self.settings, home=home, database_name=name)

    def drop(self, settings: Settings) -> None:
        """Remove the databases that `clone` made, whoever is still connected."""
        names = (f"{settings.database_name}{suffix}" for suffix in ("", "_keys"))
        self.sql(*(f'DROP DATABASE "{name}" WITH (FORCE)' for name in names))


@contextmanager
def server_home() -> Iterator[Path]:
    """A folder for a server's home, removed at the end.

    Not under pytest's own temporary folder: every session that starts closes that one to other
    users, and under root the server runs as another user.
    """
    with TemporaryDirectory(prefix="clinaiops-test-", dir=_in_memory()) as folder:
        yield Path(folder) / "home"


def _in_memory() -> Path | None:
    """Where files cost no disk: a pair of databases is made for each test. None: no such room."""
    if not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _ROOM_BYTES:
        return None
    return _MEMORY


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The session's server."""
    with server_home() as home:
        yield from _serve(settings_for(home))


def _serve(settings: Settings) -> Iterator[EmbeddedPostgres]:
    make_missing_secrets(settings.home)
    cluster.initialise(settings, extra_configuration=_THROWAWAY)
    with cluster.running(settings):
        asyncio.run(migrate.migrate(settings))
        yield EmbeddedPostgres(settings)


@pytest.fixture
def settings(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Settings]:
    """A home and a pair of databases for one test."""
    cloned = postgres.clone(tmp_path / "home")
    yield cloned
    postgres.drop(cloned)


@pytest.fixture
async def store_factory(settings: Settings) -> AsyncIterator[StoreFactory]:
    """Open stores on this test's databases; they are closed at its end."""
    opened: list[Store] = []

    async def open_as(role: Role) -> Store:
        store = await Store.open(settings, role)
        opened.append(store)
        return store

    yield open_as
    for store in opened:
        await store.close()
