"""The processes themselves: readings to verdicts, through kill -9 of each of them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from demo import recordings
from services.ids import new_id
from services.loop_results import Answer
from services.settings import Settings
from services.signals.packing import pack
from services.store import Acting, Role, Store, advice, events, regimen, resources, windows
from services.store.entries import NewWindow
from services.store.snapshots import build
from services.store.tables.measurements import WINDOW_JOBS
from tests.services.store.people import Person, acting_as, enrol
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
from workflows.policy import WINDOWS_A_BATCH

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


WORKER = Acting("worker", "test", None)
IN_FIBRILLATION = "mitdb-201-0"


def heart(count: int, began: datetime) -> list[NewWindow]:
    """Windows of a real heart in fibrillation, one after another."""
    recording = recordings.load(IN_FIBRILLATION)
    rows = recording.windows("ecg", 30.0)
    return [
        NewWindow(
            client_id=new_id(),
            signal="ecg",
            rate_hz=recording.rate_hz,
            unit="mV",
            started_at=began + timedelta(seconds=30 * number),
            clock_id="chest",
            sample_count=rows.shape[1],
            samples=pack([round(float(s), 3) for s in rows[number % len(rows)]]),
        )
        for number in range(count)
    ]


async def send(system: System, person: Person, items: Sequence[NewWindow]) -> None:
    phone = Acting("patient", person.patient_id, person.patient_id)
    async with system.gateway.transaction(phone) as tx:
        await windows.accept(tx, person.patient_id, items, now=datetime.now(UTC))


async def held(worker: Store) -> set[str]:
    """The windows that a worker holds: claimed and not completed."""
    taken = select(WINDOW_JOBS.c.window_id).where(WINDOW_JOBS.c.claimed_until > datetime.now(UTC))
    async with worker.transaction(WORKER) as tx:
        return set((await tx.session.execute(taken)).scalars())


async def end_leases(worker: Store) -> None:
    """What two minutes do by themselves."""
    async with worker.transaction(WORKER) as tx:
        await tx.session.execute(update(WINDOW_JOBS).values(claimed_until=datetime.now(UTC)))


async def test_no_window_is_lost_or_done_twice_when_its_worker_is_killed(system: System) -> None:
    worker = await Store.open(system.processes.settings, Role.WORKER)
    person = await enrol(system.store)
    began = datetime.now(UTC) - timedelta(hours=2)
    sent = heart(WINDOWS_A_BATCH + 9, began)
    await send(system, person, sent)
    in_hand = await until(lambda: held(worker))
    system.processes.kill("worker")
    assert in_hand == await held(worker) and len(in_hand) <= WINDOWS_A_BATCH
    system.processes.start("worker")
    await end_leases(worker)
    late = heart(1, began + timedelta(hours=1))
    await send(system, person, late)

    async def all_done() -> bool:
        async with worker.transaction(WORKER) as tx:
            return await windows.pending_count(tx) == 0

    await until(all_done)
    async with acting_as(system.store, person) as tx:
        done = await windows.features_since(tx, person.patient_id, began)
        snapshot, _ = await build(tx, person.patient_id, now=datetime.now(UTC))
    await worker.close()
    assert sorted(w.started_at for w in done) == sorted(w.started_at for w in [*sent, *late])
    assert in_hand <= {window.window_id for window in done}
    assert snapshot.irregular_rhythm_flag_at is not None
    assert dict(snapshot.wearable_features)["heart_rate_bpm"] > 40
