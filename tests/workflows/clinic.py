"""A clinic for workflow tests: real server, real workers, virtual clocks, an in-memory record."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from services.clinical.moves import Move
from services.clinical.patient import Snapshot, Target
from services.clinical.proposal import PredictorUnavailable, Ranking
from services.outbox_messages import Queue, Signal, Workflow
from tests.temporal import EmbeddedTemporal
from tests.workflows.fake_records import FakeNotifier, FakeRecords, FakeWindows
from workflows import messages as msg
from workflows.activities import IngestActivities, PagingActivities, RecordActivities
from workflows.client import LoopClient
from workflows.starts import Start
from workflows.workers import make_workers, run_until

PATIENT_ID = "patient-1"
SETTLES_WITHIN_S = 60.0


class NoPredictor:
    """The fake record does not rank."""

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        raise PredictorUnavailable


def _scheduled_at() -> datetime:
    """The workflow's own clock, as the server stamped it on this attempt."""
    return activity.info().current_attempt_scheduled_time


@dataclass
class Clinic:
    """One namespace with its workers."""

    skipper: TimeSkipper
    records: FakeRecords = field(default_factory=FakeRecords)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    windows: FakeWindows = field(default_factory=FakeWindows)

    @property
    def client(self) -> Client:
        """Starts loops on virtual clocks that stand until `advance`."""
        return self.skipper.client

    @property
    def loops(self) -> LoopClient:
        """The client that the APIs use."""
        return LoopClient(self.client)

    async def start(
        self, workflow: Workflow, workflow_id: str, start: Start, *signals: object
    ) -> WorkflowHandle[Any, Any]:
        """Start one loop."""
        return await self.client.start_workflow(
            workflow.value, start, id=workflow_id, task_queue=Queue.LOOPS.value
        )

    async def start_patient(self) -> WorkflowHandle[Any, Any]:
        """Start the patient's loop and wait until its first assessment is done."""
        handle = await self.start(
            Workflow.PATIENT, f"patient/{PATIENT_ID}", msg.PatientStart(PATIENT_ID, "epoch")
        )
        await self.patient_settles(handle, sequence=1)
        return handle

    async def record(self, handle: WorkflowHandle[Any, Any]) -> None:
        """Tell the patient's loop that facts arrived."""
        await handle.signal(Signal.RECORDED.value, msg.Recorded(PATIENT_ID, "readings"))

    async def patient_state(self, handle: WorkflowHandle[Any, Any]) -> msg.PatientLoopState:
        """The patient's loop as it stands."""
        state: msg.PatientLoopState = await handle.query("state", result_type=msg.PatientLoopState)
        return state

    async def patient_settles(
        self, handle: WorkflowHandle[Any, Any], *, sequence: int
    ) -> msg.PatientLoopState:
        """Wait until the loop is idle, its business sequence at least `sequence`."""

        async def settled() -> msg.PatientLoopState | None:
            state = await self.patient_state(handle)
            return state if state.idle and state.sequence >= sequence else None

        state: msg.PatientLoopState = await until(settled)
        return state

    async def advance(self, handle: WorkflowHandle[Any, Any], duration: timedelta) -> None:
        """Move one loop's clock on, firing what falls due."""
        current = self.client.get_workflow_handle(handle.id)
        await self.skipper.fast_forward(current, duration)

    async def now(self, handle: WorkflowHandle[Any, Any]) -> datetime:
        """One loop's own time."""
        return await self.skipper.get_current_time(self.client.get_workflow_handle(handle.id))


async def until(probe: Callable[[], Any]) -> Any:
    """Return the first true answer of an async probe; fail when none comes in time."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + SETTLES_WITHIN_S
    while True:
        answer = await probe()
        if answer:
            return answer
        assert loop.time() < give_up_at, "the condition did not come true"
        await asyncio.sleep(0.01)


async def holds(condition: Callable[[], object]) -> None:
    """Wait until a plain condition holds."""

    async def probe() -> object:
        return condition()

    await until(probe)


@asynccontextmanager
async def open_clinic(
    server: EmbeddedTemporal, *, cached_loops: int = 100
) -> AsyncIterator[Clinic]:
    """Run the workers of every queue in a namespace of its own."""
    client = await server.connect(server.next_namespace())
    clinic = Clinic(TimeSkipper(client, config=TimeSkippingConfig(enabled=False)))
    workers = make_workers(
        clinic.client,
        records=RecordActivities(clinic.records, NoPredictor(), _scheduled_at),
        paging=PagingActivities(clinic.notifier),
        ingest=IngestActivities(clinic.windows, _scheduled_at),
        cached_loops=cached_loops,
    )
    stop = asyncio.Event()
    running = asyncio.ensure_future(run_until(workers, stop))
    try:
        yield clinic
    finally:
        stop.set()
        await running


def wall_clock() -> datetime:
    """The tests' own clock."""
    return datetime.now(UTC)
