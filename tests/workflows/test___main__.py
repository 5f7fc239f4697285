"""The processes themselves: readings to verdicts, through kill -9 of each of them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.loop_results import Answer
from services.settings import Settings
from services.store import Store, advice, events, regimen, resources
from tests.services.store.people import Person, acting_as
from tests.workflows.clinic import until
from tests.workflows.processes import (
    System,
    enrol_ready,
    newest_assessment_sees,
    open_system,
    upload,
)
from workflows.client import LoopUnavailable
from workflows.messages import AnswerResult, AnswerResultStatus

pytestmark = pytest.mark.stack


@pytest.fixture
async def system(settings: Settings) -> AsyncIterator[System]:
    async with open_system(settings) as opened:
        yield opened


async def advice_offered(store: Store, person: Person) -> str:
    async def probe() -> str | None:
        async with acting_as(store, person) as tx:
            entry = await advice.open_for(tx, person.patient_id)
        return None if entry is None else entry.advice_id

    found: str = await until(probe)
    return found


async def answer_until_heard(system: System, person: Person, advice_id: str) -> AnswerResult:
    """As a phone does: the same request, with the same id, until somebody answers."""
    while True:
        try:
            return await system.loops.answer_advice(
                person.patient_id, advice_id, Answer.ACCEPT, f"answer-{advice_id}"
            )
        except LoopUnavailable:
            continue


async def test_a_killed_worker_comes_back_and_no_dose_is_enacted_twice(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, processes = system.store, system.processes
    person = await enrol_ready(store, monkeypatch)
    advice_id = await advice_offered(store, person)
    answering = asyncio.ensure_future(answer_until_heard(system, person, advice_id))

    async def answered() -> bool:
        async with acting_as(store, person) as tx:
            return await advice.answer_of(tx, advice_id) is not None

    await until(answered)
    processes.kill("worker")
    processes.start("worker")
    result = await answering
    assert result.status is AnswerResultStatus.ENACTED
    again = await answer_until_heard(system, person, advice_id)
    assert again.order_ids == result.order_ids
    async with acting_as(store, person) as tx:
        [drug] = await regimen.current(tx, person.patient_id)
        orders = await resources.of_patient(tx, person.patient_id, "MedicationRequest")
        timeline = await events.timeline(tx, person.patient_id)
    assert drug.daily_dose_ug == 10_000
    live = [order for order in orders if b'"intent":"order"' in order.body]
    assert tuple(order.resource_id for order in live) == result.order_ids
    assert [entry.action for entry in timeline].count("order.enacted") == 1


async def test_killing_relay_and_temporal_in_a_burst_loses_no_acknowledged_reading(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, processes = system.store, system.processes
    person = await enrol_ready(store, monkeypatch)
    await newest_assessment_sees(store, person, 32)
    await upload(store, person, 150)
    processes.kill("relay")
    await upload(store, person, 151)
    processes.temporal.kill()
    await upload(store, person, 149)
    processes.start("relay")
    await upload(store, person, 152)
    processes.temporal.start()
    await newest_assessment_sees(store, person, 36)


async def test_told_to_stop_the_processes_end_in_order_and_log_no_name(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, processes = system.store, system.processes
    person = await enrol_ready(store, monkeypatch)
    await advice_offered(store, person)
    assert processes.stop() == [0, 0]
    for name in ("worker", "relay"):
        log = processes.log(name)
        assert f"{name}_started" in log
        assert "Quillfeather" not in log
        assert "amlodipine" not in log
