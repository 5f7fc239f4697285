"""Nobody sees or changes more than the table of rules says: walls, privileges, append-only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from services import clock
from services.clinical.titration import Titrator
from services.settings import Settings
from services.store import (
    Acting,
    NotInRecord,
    Role,
    Store,
    credentials,
    patients,
    readings,
    regimen,
    reviews,
)
from services.store.loop_records import LoopRecords
from services.store.security import KEY_RULES, RULES, statements
from services.store.tables import everything
from services.store.tables.base import Wall
from tests.services.store.people import NOW, Person, acting_as, enrol, enrol_treated
from tests.stack import StoreFactory

WALLED = sorted(name for name, rule in RULES.items() if rule.wall is not Wall.NONE)
APPEND_ONLY = sorted(name for name, rule in RULES.items() if rule.append_only)
DOORS = (Role.GATEWAY, Role.CLINICIAN, Role.WORKER)


@asynccontextmanager
async def connected(
    settings: Settings, role: Role, keys: bool = False
) -> AsyncIterator[AsyncConnection]:
    name = f"{settings.database_name}_keys" if keys else settings.database_name
    engine = create_async_engine(settings.database_dsn(role.value, name), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def is_refused(connection: AsyncConnection, statement: str) -> bool:
    """Whether the database refuses the statement for want of a privilege."""
    try:
        async with connection.begin():
            await connection.execute(text(statement))
    except DBAPIError as err:
        return "permission denied" in str(err.orig) or "append-only" in str(err.orig)
    return False


def test_every_table_has_a_rule_and_every_rule_a_table() -> None:
    assert set(RULES) == set(everything.RECORD.tables)
    assert set(KEY_RULES) == set(everything.KEYS.tables)


def test_the_sql_of_privileges_is_the_same_each_time() -> None:
    assert list(statements("record")) == list(statements("record"))


@pytest.mark.parametrize("role", [Role.SEALER, Role.BACKUP])
async def test_only_log_tables_are_open_to_the_sealer_and_none_to_writing_by_backup(
    settings: Settings, role: Role
) -> None:
    log = {"unsealed_events", "leaves", "tree_nodes", "checkpoints", "cosignatures"}
    async with connected(settings, role) as connection:
        for table in RULES:
            refused = await is_refused(connection, f"SELECT * FROM {table} LIMIT 1")
            assert refused is (role is Role.SEALER and table not in log), table
            assert await is_refused(connection, f"DELETE FROM {table}") is (
                (role, table) != (Role.SEALER, "unsealed_events")
            ), table


async def test_the_sealer_reads_leaves_but_no_payload(settings: Settings) -> None:
    async with connected(settings, Role.SEALER) as connection:
        assert not await is_refused(connection, "SELECT leaf FROM events")
        assert await is_refused(connection, "SELECT payload_sealed FROM events")
    async with connected(settings, Role.AUDITOR) as connection:
        assert not await is_refused(connection, "SELECT payload_sealed FROM events")


async def test_the_sealer_has_no_data_keys(settings: Settings) -> None:
    async with connected(settings, Role.SEALER, keys=True) as connection:
        assert await is_refused(connection, "SELECT * FROM wrapped_keys")


async def test_the_auditor_reads_everything_of_the_record_and_writes_nothing(
    settings: Settings,
) -> None:
    secret = {"enrolment_codes", "refresh_tokens", "revoked_tokens", "sign_in_failures"}
    machinery = {"window_jobs", "idempotent_requests"}
    async with connected(settings, Role.AUDITOR) as connection:
        for table in RULES:
            refused = await is_refused(connection, f"SELECT * FROM {table} LIMIT 1")
            assert refused is (table in secret | machinery), table
            assert await is_refused(connection, f"DELETE FROM {table}"), table
            inserts = f"INSERT INTO {table} DEFAULT VALUES"
            # An export is itself an event: the one thing that an auditor adds.
            assert await is_refused(connection, inserts) is (table != "events"), table


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_what_is_written_once_cannot_be_changed_by_any_role(
    settings: Settings, table: str
) -> None:
    column = next(iter(everything.RECORD.tables[table].columns)).name
    for role in (*DOORS, Role.SEALER, Role.AUDITOR, Role.BACKUP):
        async with connected(settings, role) as connection:
            assert await is_refused(connection, f"UPDATE {table} SET {column} = {column}"), role
            assert await is_refused(connection, f"DELETE FROM {table}"), role
            assert await is_refused(connection, f"TRUNCATE {table} CASCADE"), role


async def test_even_the_owner_cannot_rewrite_the_log(
    settings: Settings, store_factory: StoreFactory
) -> None:
    await enrol(await store_factory(Role.CLINICIAN))
    async with connected(settings, Role.OWNER) as connection:
        async with connection.begin():
            await connection.execute(text("ALTER TABLE events NO FORCE ROW LEVEL SECURITY"))
        count = (await connection.execute(text("SELECT count(*) FROM events"))).scalar_one()
        await connection.rollback()
        assert count > 0
        assert await is_refused(connection, "UPDATE events SET action = 'x'")
        assert await is_refused(connection, "DELETE FROM events")
        assert await is_refused(connection, "TRUNCATE events CASCADE")


@pytest.mark.parametrize("table", WALLED)
async def test_an_unbound_session_sees_no_row_of_anybody(
    settings: Settings, store_factory: StoreFactory, table: str
) -> None:
    await enrol_treated(await store_factory(Role.CLINICIAN))
    whose = " WHERE patient_id IS NOT NULL" if RULES[table].or_all else ""
    for role in (Role.GATEWAY, Role.CLINICIAN):
        async with connected(settings, role) as connection:
            if not await is_refused(connection, f"SELECT 1 FROM {table}"):
                statement = text(f"SELECT count(*) FROM {table}{whose}")
                assert (await connection.execute(statement)).scalar_one() == 0, role
                await connection.rollback()


async def test_the_gateway_sees_the_bound_patient_only(store_factory: StoreFactory) -> None:
    clinician = await store_factory(Role.CLINICIAN)
    ada, bea = await enrol_treated(clinician), await enrol_treated(clinician)
    gateway = await store_factory(Role.GATEWAY)
    async with gateway.transaction(Acting("device", "d", ada.patient_id)) as tx:
        assert (await patients.get(tx, ada.patient_id)).patient_id == ada.patient_id
        with pytest.raises(NotInRecord):
            await patients.get(tx, bea.patient_id)
        assert await regimen.current(tx, bea.patient_id) == ()
        for table in ("readings", "doses", "labs"):
            statement = text(f"SELECT count(DISTINCT subject_id) FROM {table}")
            assert (await tx.session.execute(statement)).scalar_one() == 1


async def test_the_gateway_cannot_write_for_another_patient(store_factory: StoreFactory) -> None:
    clinician = await store_factory(Role.CLINICIAN)
    ada, bea = await enrol(clinician), await enrol(clinician)
    gateway = await store_factory(Role.GATEWAY)
    with pytest.raises(DBAPIError, match="row-level security"):
        async with gateway.transaction(Acting("device", "d", ada.patient_id)) as tx:
            statement = (
                "INSERT INTO consents (consent_id, patient_id, purpose, granted, at)"
                " VALUES ('x', :patient, 'monitoring', true, now())"
            )
            await tx.session.execute(text(statement), {"patient": bea.patient_id})


async def change(store: Store, clinician_id: str, **values: object) -> None:
    async with store.transaction(Acting("system", "test", None)) as tx:
        account = await credentials.clinician(tx, clinician_id)
        changed = replace(account, **values)  # type: ignore[arg-type]
        await credentials.change_clinician(tx, changed, now=NOW)


async def test_a_clinician_sees_the_care_team_and_whom_they_cover_while_that_one_is_away(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    covered = await enrol(store, cover="cover-1")
    stranger = await enrol(store)
    own = Person(covered.patient_id, "cover-1")
    with pytest.raises(NotInRecord):
        async with acting_as(store, own):
            pass
    await change(store, covered.clinician_id, away_until=clock.now() - timedelta(minutes=1))
    with pytest.raises(NotInRecord):
        async with acting_as(store, own):
            pass
    await change(store, covered.clinician_id, away_until=clock.now() + timedelta(days=1))
    async with acting_as(store, own) as tx:
        seen = [row.patient_id for row in await patients.list_for_clinician(tx)]
    assert seen == [covered.patient_id]
    with pytest.raises(NotInRecord):
        async with acting_as(store, Person(stranger.patient_id, "cover-1")):
            pass


async def test_who_covers_for_a_closed_account_sees_its_patients(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    covered = await enrol(store, cover="cover-2")
    await change(store, covered.clinician_id, active=False)
    async with acting_as(store, Person(covered.patient_id, "cover-2")) as tx:
        seen = [row.patient_id for row in await patients.list_for_clinician(tx)]
    assert seen == [covered.patient_id]


async def test_a_process_that_saw_a_patient_once_does_not_show_them_to_another_clinician(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol_treated(store)
    async with acting_as(store, person) as tx:
        assert await readings.stored_between(tx, person.patient_id, NOW.replace(year=2025), NOW)
    with pytest.raises(NotInRecord):
        async with store.transaction(Acting("clinician", "stranger", None)) as tx:
            await tx.bind([person.patient_id])


async def test_a_review_of_another_team_is_not_there(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    records = LoopRecords(await store_factory(Role.WORKER))
    person, other = await enrol_treated(store, stage=None), await enrol(store)
    outcome = await records.assess(person.patient_id, key="a", predictor=Titrator(), now=NOW)
    assert outcome.review_id is not None
    async with acting_as(store, other) as tx:
        assert await reviews.list_open(tx) == ()
        with pytest.raises(NotInRecord):
            await reviews.get(tx, outcome.review_id)


async def test_what_is_closed_never_opens_again(
    store_factory: StoreFactory, settings: Settings
) -> None:
    store = await store_factory(Role.CLINICIAN)
    records = LoopRecords(await store_factory(Role.WORKER))
    person = await enrol_treated(store)
    outcome = await records.assess(person.patient_id, key="a", predictor=Titrator(), now=NOW)
    assert outcome.advice_id is not None
    worker = await store_factory(Role.WORKER)
    change = text("UPDATE advice SET status = :status, closed_at = now() WHERE advice_id = :id")
    async with worker.transaction(Acting("worker", "w", person.patient_id)) as tx:
        await tx.session.execute(change, {"status": "closed", "id": outcome.advice_id})
    with pytest.raises(DBAPIError, match="is closed"):
        async with worker.transaction(Acting("worker", "w", person.patient_id)) as tx:
            await tx.session.execute(change, {"status": "open", "id": outcome.advice_id})
