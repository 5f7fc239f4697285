"""Workers: one a queue, so that no kind of work can starve another; and the heartbeat."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    Worker,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from services.outbox_messages import Queue
from workflows.activities import IngestActivities, PagingActivities, RecordActivities
from workflows.alarm import AlarmLoop
from workflows.clinician_ai import ReviewLoop
from workflows.ingest import IngestLoop
from workflows.patient_ai import PatientLoop
from workflows.patient_clinician import CareplanLoop
from workflows.policy import HEARTBEAT_EVERY_S

LOOPS: tuple[type, ...] = (PatientLoop, ReviewLoop, AlarmLoop, CareplanLoop, IngestLoop)
GRACEFUL_SHUTDOWN = timedelta(seconds=30)
CACHED_LOOPS = 1_000
# Enough that a predictor can rank for several patients together; each holds a connection.
ASSESSED_AT_ONCE = 8
# How long a task waits for the worker that has its loop cached: a killed one never comes.
STICKY_FOR = timedelta(seconds=2)
# Re-imported for each run, these would cost more than the run itself.
PASSED_THROUGH = ("services", "pydantic", "pydantic_core", "annotated_types")


def sandbox() -> SandboxedWorkflowRunner:
    """Return the sandbox of the loops; the replay tests use the same."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions)


def make_workers(
    client: Client,
    *,
    records: RecordActivities,
    paging: PagingActivities,
    ingest: IngestActivities,
    cached_loops: int = CACHED_LOOPS,
    queues: frozenset[Queue] = frozenset(Queue),
) -> tuple[Worker, ...]:
    """Return the workers of these queues, none started."""
    on_record = (
        records.after_assessing,
        records.enact,
        records.record_answer,
        records.close_advice,
        records.remind,
        records.open_task,
        records.change_halt,
        records.standing,
        records.review_state,
        records.claim_review,
        records.reassign_review,
        records.ask_patient,
        records.decision,
        records.escalate_review,
        records.close_review,
        records.alarm_state,
        records.repeat_outcome,
        records.raise_to_same_day,
        records.escalate_alarm,
        records.acknowledge_alarm,
        records.close_alarm,
        records.careplan_state,
        records.answer_goal,
        records.lapse_goal,
        records.plan_visit,
    )
    served: dict[Queue, tuple[Sequence[Any], int]] = {
        Queue.IO: (on_record, 16),
        Queue.INFERENCE: ((records.assess,), ASSESSED_AT_ONCE),
        Queue.PAGING: ((paging.page,), 16),
        Queue.INGEST: ((ingest.process_windows,), 1),
    }
    loops = [_loop_worker(client, cached_loops)] if Queue.LOOPS in queues else []
    return (
        *loops,
        *(
            _activity_worker(client, queue, activities, at_once=at_once)
            for queue, (activities, at_once) in served.items()
            if queue in queues
        ),
    )


def _loop_worker(client: Client, cached_loops: int) -> Worker:
    return Worker(
        client,
        task_queue=Queue.LOOPS.value,
        workflows=LOOPS,
        workflow_runner=sandbox(),
        max_cached_workflows=cached_loops,
        sticky_queue_schedule_to_start_timeout=STICKY_FOR,
        graceful_shutdown_timeout=GRACEFUL_SHUTDOWN,
    )


def _activity_worker(
    client: Client, queue: Queue, activities: Sequence[Any], *, at_once: int
) -> Worker:
    return Worker(
        client,
        task_queue=queue.value,
        activities=activities,
        interceptors=[Heartbeats()],
        max_concurrent_activities=at_once,
        graceful_shutdown_timeout=GRACEFUL_SHUTDOWN,
    )


async def run_until(workers: Sequence[Worker], stop: asyncio.Event) -> None:
    """Run the workers until told to stop, then let activities in flight finish."""
    async with AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker)
        await stop.wait()


class Heartbeats(Interceptor):
    """Every activity beats while it runs, so that a killed worker is noticed in seconds."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap the activity."""
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        beating = asyncio.ensure_future(_beat())
        try:
            return await self.next.execute_activity(input)
        finally:
            beating.cancel()


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(HEARTBEAT_EVERY_S)
