"""A server of one's own: the test's server, asked for databases that it does not have yet."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from services.settings import Settings
from services.store import Acting, Role, Store, checks, migrate, patients
from services.store.provision import provision
from tests.stack import EmbeddedPostgres

NAME = "provisioned"


@pytest.fixture
def elsewhere(postgres: EmbeddedPostgres, settings: Settings) -> Iterator[Settings]:
    fresh = replace(settings, database_name=NAME)
    yield fresh
    postgres.drop(fresh)


async def test_missing_databases_are_made_and_can_be_migrated_and_used(
    elsewhere: Settings,
) -> None:
    assert await provision(elsewhere) == (NAME, f"{NAME}_keys")
    await migrate.migrate(elsewhere)
    assert await checks.role_problems(elsewhere) == []
    store = await Store.open(elsewhere, Role.CLINICIAN)
    try:
        async with store.transaction(Acting("clinician", "c", None)) as tx:
            assert await patients.list_for_clinician(tx) == ()
    finally:
        await store.close()


async def test_a_second_run_makes_nothing(elsewhere: Settings) -> None:
    await provision(elsewhere)
    assert await provision(elsewhere) == ()


async def test_a_role_that_may_too_much_is_put_right(
    elsewhere: Settings, postgres: EmbeddedPostgres
) -> None:
    await provision(elsewhere)
    postgres.sql("ALTER ROLE clinaiops_sealer SUPERUSER")
    await provision(elsewhere)
    answer = postgres.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'clinaiops_sealer'")
    assert answer.strip() == "f"
