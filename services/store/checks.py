"""Checks of a running database: nobody may more than the table of rules says."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.settings import Settings
from services.store.roles import Role
from services.store.security import KEY_RULES, RULES
from services.store.tables.base import Wall

_POWERS = text(
    "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
    " FROM pg_roles WHERE rolname LIKE 'clinaiops\\_%'"
)
_OWNERS = text(
    "SELECT c.relname, pg_get_userbyid(c.relowner), c.relrowsecurity, c.relforcerowsecurity"
    " FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
)
_SESSIONS = text(
    "SELECT DISTINCT usename FROM pg_stat_activity"
    " WHERE datid IS NOT NULL AND usename IS NOT NULL AND pid <> pg_backend_pid()"
)


async def role_problems(settings: Settings) -> list[str]:
    """Return what is wrong with roles, owners and walls, one line each; empty when all is well.

    Sessions as superuser or owner count as problems: no running process may be either.
    """
    problems: list[str] = []
    for database, rules in (
        (settings.database_name, RULES),
        (f"{settings.database_name}_keys", KEY_RULES),
    ):
        dsn = settings.database_dsn(Role.AUDITOR.value, database)
        engine = create_async_engine(dsn, poolclass=NullPool)
        try:
            async with engine.connect() as connection:
                powers = (await connection.execute(_POWERS)).all()
                tables = (await connection.execute(_OWNERS)).all()
                users = (await connection.execute(_SESSIONS)).scalars().all()
        finally:
            await engine.dispose()
        problems += [problem for row in powers for problem in _role(row)]
        problems += [f"a session runs as {user}" for user in users if user in _FORBIDDEN]
        walls = {name: rule.wall for name, rule in rules.items()}
        problems += [problem for row in tables for problem in _table(row, walls)]
    return sorted(set(problems))


_FORBIDDEN = ("postgres", Role.OWNER.database_user)


def _role(row: Sequence[Any]) -> list[str]:
    name, *powers = row
    words = ("is superuser", "may create roles", "may create databases", "may replicate")
    found = [f"{name} {word}" for word, has in zip(words, powers[:4], strict=True) if has]
    if powers[4] and name != Role.BACKUP.database_user:
        found.append(f"{name} bypasses row-level security")
    return found


def _table(row: Sequence[Any], walls: Mapping[str, Wall]) -> list[str]:
    name, owner, enabled, forced = row
    found = []
    if owner != Role.OWNER.database_user:
        found.append(f"table {name} belongs to {owner}")
    if walls.get(name, Wall.NONE) is not Wall.NONE and not (enabled and forced):
        found.append(f"table {name} has no forced row-level security")
    return found
