"""The relay: at least once, alarms first, through an outage of Temporal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from services.outbox_messages import (
    ClaimedMessage,
    Priority,
    alarm_raised,
    recorded,
)
from tests.temporal import EmbeddedTemporal
from tests.workflows.clinic import holds, wall_clock
from tests.workflows.fake_outbox import FakeOutbox
from tests.workflows.test_starts import ALL
from workflows.relay import Relay, coalesce


@asynccontextmanager
async def relaying(outbox: FakeOutbox, client: Client) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.ensure_future(Relay(outbox, client, wall_clock).run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


async def signals_of(client: Client, workflow_id: str) -> int:
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    return sum(
        event.HasField("workflow_execution_signaled_event_attributes") for event in history.events
    )


def test_alarms_come_first_and_like_messages_are_one() -> None:
    claimed = [
        ClaimedMessage(number, message, wall_clock(), 1)
        for number, message in enumerate(
            [recorded("p", "readings"), recorded("p", "doses"), alarm_raised("a", "p")]
        )
    ]
    first, second = coalesce(claimed)
    assert first.message.priority is Priority.ALARM
    assert (second.sequences, second.message.payload["what"]) == ((0, 1), "doses")


@pytest.mark.stack
async def test_messages_start_their_workflows_and_arrive(temporal: Client) -> None:
    outbox = FakeOutbox()
    async with relaying(outbox, temporal):
        outbox.write(*ALL)
        await holds(lambda: sorted(outbox.delivered) == list(range(1, len(ALL) + 1)))
    for workflow_id in ("patient/p", "alarm/a"):
        written = [m for m in ALL if m.workflow_id == workflow_id]
        # None of them says the same as another, so each arrives as a signal of its own.
        assert len({(m.signal, m.coalesce_key) for m in written}) == len(written)
        assert await signals_of(temporal, workflow_id) == len(written) >= 2
    assert outbox.failed == {}


@pytest.mark.stack
async def test_a_burst_for_one_patient_is_few_signals_and_loses_none(temporal: Client) -> None:
    outbox = FakeOutbox()
    outbox.write(*[recorded("p", "readings")] * 100)
    async with relaying(outbox, temporal):
        await holds(lambda: len(outbox.delivered) == 100)
    assert await signals_of(temporal, "patient/p") <= 3


@pytest.mark.stack
async def test_a_message_that_cannot_be_right_is_set_apart_and_stops_nobody(
    temporal: Client,
) -> None:
    outbox = FakeOutbox()
    broken = replace(recorded("p", "readings"), payload={"kind": "recorded"}, coalesce_key=None)
    outbox.write(broken, recorded("q", "readings"))
    async with relaying(outbox, temporal):
        await holds(lambda: outbox.delivered == [2])
    assert outbox.failed == {1: "undeliverable"}


@pytest.mark.stack
async def test_it_wakes_by_notice_long_before_its_own_interval(temporal: Client) -> None:
    outbox = FakeOutbox()
    loop = asyncio.get_running_loop()
    async with relaying(outbox, temporal):
        await holds(lambda: outbox.waits > 0)
        began = loop.time()
        outbox.write(recorded("p", "readings"))
        await holds(lambda: outbox.delivered == [1])
        assert loop.time() - began < timedelta(seconds=1).total_seconds()


@pytest.mark.stack
async def test_temporal_killed_and_back_loses_nothing(tmp_path: Path) -> None:
    server = EmbeddedTemporal(database=tmp_path / "temporal.db", namespaces=2)
    server.start()
    client = await server.connect("test-1")
    outbox = FakeOutbox()
    try:
        async with relaying(outbox, client):
            outbox.write(recorded("before", "readings"))
            await holds(lambda: outbox.delivered == [1])
            server.kill()
            outbox.write(recorded("during", "readings"), alarm_raised("a", "during"))
            await holds(lambda: outbox.leased_until)
            assert outbox.delivered == [1]
            server.start()
            await holds(lambda: sorted(outbox.delivered) == [1, 2, 3])
        for workflow_id in ("patient/before", "patient/during", "alarm/a"):
            assert await signals_of(client, workflow_id) >= 1
        assert outbox.failed == {}
    finally:
        server.stop()
