"""Roles and databases on a PostgreSQL server of one's own; the embedded one makes them itself.

Runs as the server's superuser, once before `migrate` and again after a password was changed. It
never drops anything.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from services.settings import Settings
from services.store import cluster
from services.store.roles import Role


async def provision(settings: Settings) -> tuple[str, ...]:
    """Make the roles and databases that are missing, set every password; return what was made."""
    dsn = settings.database_dsn("postgres", "postgres")
    # CREATE DATABASE runs in no transaction.
    engine = create_async_engine(dsn, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            return (
                *[role.value for role in Role if await _role(connection, settings, role)],
                *[name for name in _databases(settings) if await _database(connection, name)],
            )
    finally:
        await engine.dispose()


def _databases(settings: Settings) -> tuple[str, str]:
    return settings.database_name, f"{settings.database_name}_keys"


async def _role(connection: AsyncConnection, settings: Settings, role: Role) -> bool:
    is_new = not await _is_there(connection, "pg_roles", "rolname", role.database_user)
    await connection.execute(text(cluster.role_sql(settings, role, is_new=is_new)))
    if role is Role.BACKUP:
        await connection.execute(text(f"GRANT pg_read_all_data TO {role.database_user}"))
    return is_new


async def _database(connection: AsyncConnection, name: str) -> bool:
    if await _is_there(connection, "pg_database", "datname", name):
        return False
    for statement in cluster.database_sql(name):
        await connection.execute(text(statement))
    return True


async def _is_there(connection: AsyncConnection, table: str, column: str, name: str) -> bool:
    statement = text(f"SELECT 1 FROM {table} WHERE {column} = :name")
    return (await connection.execute(statement, {"name": name})).first() is not None
