"""The check of roles finds nothing on a proper database, and finds each wrong thing."""

from services.settings import Settings
from services.store import Role
from services.store.checks import role_problems
from tests.services.store.people import enrol
from tests.stack import EmbeddedPostgres, StoreFactory


async def test_no_running_process_is_superuser_or_owner(
    settings: Settings, store_factory: StoreFactory
) -> None:
    for role in Role:
        if role is not Role.OWNER:
            await store_factory(role)
    await enrol(await store_factory(Role.CLINICIAN))
    assert await role_problems(settings) == []


async def test_a_session_as_owner_and_a_missing_wall_are_found(
    settings: Settings, store_factory: StoreFactory, postgres: EmbeddedPostgres
) -> None:
    owner = await store_factory(Role.OWNER)
    async with owner.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE readings NO FORCE ROW LEVEL SECURITY")
        problems = await role_problems(settings)
    assert "a session runs as clinaiops_owner" in problems
    assert "table readings has no forced row-level security" not in problems  # not committed yet
    assert "table readings has no forced row-level security" in await role_problems(settings)
    assert postgres.sql("SHOW server_version").startswith("18")
