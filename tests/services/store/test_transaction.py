"""A transaction is all or nothing: rows, log events and messages live or die together."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.audit.actions import Action
from services.audit.event import InvalidEvent, commitment, parse_leaf
from services.store import Acting, NotInRecord, Role, Store, events, readings
from services.store.tables.log import EVENTS, OUTBOX, UNSEALED_EVENTS
from services.store.tables.measurements import READINGS
from tests.services.store.people import NOW, Person, acting_as, enrol, week_of_readings
from tests.stack import StoreFactory

COUNTED = (READINGS, EVENTS, OUTBOX)


async def counts(store: Store, person: Person) -> list[int]:
    found = []
    async with acting_as(store, person) as tx:
        for table in COUNTED:
            statement = select(func.count()).select_from(table)
            found.append(int((await tx.session.execute(statement)).scalar_one()))
    return found


class Crashed(Exception):
    """A process that dies at one statement."""


@pytest.mark.parametrize("statement_number", range(12))
async def test_a_crash_at_any_statement_leaves_neither_row_nor_event_nor_message(
    store_factory: StoreFactory, statement_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    before = await counts(store, person)
    executed = 0
    real = AsyncSession.execute

    async def execute(self: object, *args: object, **kwargs: object) -> object:
        nonlocal executed
        executed += 1
        if executed > statement_number:
            raise Crashed
        return await real(self, *args, **kwargs)  # type: ignore[call-overload]

    with monkeypatch.context() as patched:
        patched.setattr(AsyncSession, "execute", execute)
        try:
            async with acting_as(store, person) as tx:
                await readings.record(tx, person.patient_id, week_of_readings(140, NOW), now=NOW)
            crashed = False
        except Crashed:
            crashed = True
    after = await counts(store, person)
    if crashed:
        assert after == before
    else:
        assert after == [before[0] + 28, before[1] + 1, before[2] + 1]
        assert statement_number > 4, "the crash points do not reach the transaction"


async def test_one_upload_is_one_event_one_message_and_one_unsealed_row(
    store_factory: StoreFactory,
) -> None:
    store, sealer = await store_factory(Role.CLINICIAN), await store_factory(Role.SEALER)
    person = await enrol(store)
    before = await counts(store, person)
    async with acting_as(store, person) as tx:
        await readings.record(tx, person.patient_id, week_of_readings(140, NOW), now=NOW)
    assert await counts(store, person) == [before[0] + 28, before[1] + 1, before[2] + 1]
    async with sealer.engine.connect() as connection:
        waiting = await connection.execute(select(func.count()).select_from(UNSEALED_EVENTS))
    async with acting_as(store, person) as tx:
        written = await tx.session.execute(select(func.count()).select_from(EVENTS))
        assert waiting.scalar_one() == written.scalar_one()


async def test_a_leaf_holds_no_id_of_the_patient_and_commits_to_the_sealed_payload(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    async with acting_as(store, person) as tx:
        event_id = await tx.event(
            Action.MESSAGE_SENT,
            now=NOW,
            subject_type="Communication",
            subject_id="m-1",
            payload={"text": "hello"},
            details=(("sender", "clinician"),),
        )
    async with acting_as(store, person) as tx:
        row = (await tx.session.execute(select(EVENTS).where(EVENTS.c.event_id == event_id))).one()
        opened = await events.opened_payload(tx, event_id)
        timeline = await events.timeline(tx, person.patient_id, payloads=True)
    leaf = bytes(row.leaf)
    assert person.patient_id.encode() not in leaf
    assert person.clinician_id.encode() not in leaf
    assert b"hello" not in leaf + bytes(row.payload_sealed)
    assert opened is not None
    event, salt, payload = opened
    assert event.payload_commitment == commitment(salt, payload)
    assert parse_leaf(leaf) == event
    (entry,) = [item for item in timeline if item.event_id == event_id]
    assert entry.payload == {"text": "hello"}
    assert entry.details == (("sender", "clinician"),)
    assert entry.leaf_index is None


async def test_a_detail_that_could_hold_free_text_fails_the_whole_transaction(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    before = await counts(store, person)
    with pytest.raises(InvalidEvent):
        async with acting_as(store, person) as tx:
            await readings.record(tx, person.patient_id, week_of_readings(140, NOW), now=NOW)
            await tx.event(
                Action.RECORD_READ,
                now=NOW,
                subject_type="Patient",
                subject_id="x",
                details=(("why", "Mrs Example called"),),
            )
    assert await counts(store, person) == before


async def test_an_event_of_nobody_is_sealed_under_the_systems_key(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.GATEWAY)
    async with store.transaction(Acting("system", "door", None)) as tx:
        event_id = await tx.event(
            Action.SIGN_IN_FAILED,
            now=NOW,
            subject_type="Session",
            subject_id="s",
            payload={"name": "someone"},
            outcome="refused",
        )
    async with store.transaction(Acting("system", "door", None)) as tx:
        await tx.bind_system(now=NOW)
        opened = await events.opened_payload(tx, event_id)
    assert opened is not None
    assert opened[2] == b'{"name": "someone"}'


async def test_settings_of_one_transaction_do_not_reach_the_next(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.GATEWAY)
    person = await enrol(await store_factory(Role.CLINICIAN))
    async with store.transaction(Acting("device", "d", person.patient_id)):
        pass
    async with store.engine.connect() as connection:
        bound = text("SELECT current_setting('clinaiops.patient_ids', true)")
        assert (await connection.execute(bound)).scalar_one() in (None, "")
    async with store.transaction(Acting("device", "d", None)) as tx:
        with pytest.raises(NotInRecord):
            _ = tx.patient_id


async def test_a_failed_statement_says_nothing_of_its_parameters(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.GATEWAY)
    with pytest.raises(DBAPIError) as failed:
        async with store.transaction(Acting("device", "d", None)) as tx:
            await tx.session.execute(text("SELECT 1 / :zero, :name"), {"zero": 0, "name": "Ada"})
    assert "Ada" not in str(failed.value)
