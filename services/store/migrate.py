"""Bring both databases to the newest revision, then set privileges and row-level security."""

from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.settings import Settings
from services.store import security
from services.store.roles import Role

Part = Literal["record", "keys"]
PARTS: tuple[Part, ...] = ("record", "keys")
_FOLDER = Path(__file__).parent / "migrations"


def alembic_config(part: Part, connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for one database."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER / part))
    config.attributes["connection"] = connection
    return config


def database_name(settings: Settings, part: Part) -> str:
    """Return the name of one of the two databases."""
    return settings.database_name if part == "record" else f"{settings.database_name}_keys"


async def migrate(settings: Settings) -> None:
    """Upgrade both databases as their owner; safe to run again and by two at once."""
    for part in PARTS:
        dsn = settings.database_dsn(Role.OWNER.value, database_name(settings, part))
        engine = create_async_engine(dsn, poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7206001)")
                await connection.run_sync(_upgrade, part)
                for statement in security.statements(part):
                    await connection.exec_driver_sql(statement)
        finally:
            await engine.dispose()


def _upgrade(connection: Connection, part: Part) -> None:
    command.upgrade(alembic_config(part, connection), "head")
