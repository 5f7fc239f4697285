"""What a caller may try again, and what is a defect."""

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.store import Acting, Role
from services.store.errors import is_outage
from tests.stack import EmbeddedPostgres, StoreFactory


@pytest.mark.parametrize(
    "cause",
    [
        asyncpg.exceptions.ConnectionDoesNotExistError,
        asyncpg.exceptions.AdminShutdownError,
        asyncpg.exceptions.CrashShutdownError,
        asyncpg.exceptions.CannotConnectNowError,
        asyncpg.exceptions.TooManyConnectionsError,
    ],
)
def test_a_database_that_goes_away_is_an_outage(cause: type[Exception]) -> None:
    assert is_outage(DBAPIError("SELECT 1", {}, cause("gone")))


def test_an_address_where_nobody_listens_is_an_outage() -> None:
    assert is_outage(ConnectionRefusedError())
    assert is_outage(TimeoutError())


def test_a_broken_rule_is_a_defect() -> None:
    cause = asyncpg.exceptions.UniqueViolationError("twice")
    assert not is_outage(IntegrityError("INSERT", {}, cause))
    assert not is_outage(ValueError("x"))


async def test_sessions_ended_by_the_server_cost_the_next_transaction_nothing(
    store_factory: StoreFactory, postgres: EmbeddedPostgres
) -> None:
    store = await store_factory(Role.WORKER)
    acting = Acting("worker", "w", None)
    async with store.transaction(acting) as tx:
        await tx.session.execute(text("SELECT 1"))
    ended = postgres.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE usename = 'clinaiops_worker'"
    )
    assert int(ended) >= 1
    async with store.transaction(acting) as tx:
        assert (await tx.session.execute(text("SELECT 1"))).scalar() == 1
