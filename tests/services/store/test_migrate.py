"""The migrations make exactly the tables that the code declares, and may run again."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.settings import Settings
from services.store import Role, migrate
from services.store.tables import everything

METADATA = {"record": everything.RECORD, "keys": everything.KEYS}


@pytest.mark.parametrize("part", migrate.PARTS)
async def test_a_migrated_database_differs_in_nothing_from_the_declared_tables(
    settings: Settings, part: migrate.Part
) -> None:
    dsn = settings.database_dsn(Role.OWNER.value, migrate.database_name(settings, part))
    engine = create_async_engine(dsn, poolclass=NullPool)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection)
        return list(compare_metadata(context, METADATA[part]))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_migrating_again_and_by_two_at_once_changes_nothing(settings: Settings) -> None:
    await asyncio.gather(migrate.migrate(settings), migrate.migrate(settings))
    await test_a_migrated_database_differs_in_nothing_from_the_declared_tables(settings, "record")
