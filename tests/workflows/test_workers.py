"""Every activity that a loop calls is served, each on the queue of its lane."""

import re
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from services.outbox_messages import Queue, Workflow
from tests.workflows.clinic import NoPredictor, wall_clock
from tests.workflows.fake_records import FakeNotifier, FakeRecords, FakeWindows
from workflows.activities import IngestActivities, PagingActivities, RecordActivities
from workflows.workers import LOOPS, make_workers, sandbox

FOLDER = Path(__file__).parents[2] / "workflows"
CALLED = re.compile(r"(?:Record|Paging|Ingest)Activities\.(\w+)")


def hosts() -> dict[str, object]:
    return {
        "records": RecordActivities(FakeRecords(), NoPredictor(), wall_clock),
        "paging": PagingActivities(FakeNotifier()),
        "ingest": IngestActivities(FakeWindows(), wall_clock),
    }


@pytest.mark.stack
async def test_every_called_activity_is_served_once(temporal: Client) -> None:
    workers = make_workers(temporal, **hosts())  # type: ignore[arg-type]
    served = [
        activity._Definition.must_from_callable(function).name
        for worker in workers
        for function in worker.config()["activities"]
    ]
    called = {name for file in FOLDER.glob("*.py") for name in CALLED.findall(file.read_text())} - {
        "defn"
    }
    assert called <= set(served)
    assert len(served) == len(set(served))
    assert {worker.task_queue for worker in workers} == {queue.value for queue in Queue}


@pytest.mark.stack
async def test_a_worker_of_one_queue_serves_that_queue_alone(temporal: Client) -> None:
    alone = frozenset({Queue.INFERENCE})
    [worker] = make_workers(temporal, queues=alone, **hosts())  # type: ignore[arg-type]
    assert worker.task_queue == "inference"
    assert not make_workers(temporal, queues=frozenset(), **hosts())  # type: ignore[arg-type]


def test_every_workflow_of_the_outbox_is_run() -> None:
    names = {loop.__temporal_workflow_definition.name for loop in LOOPS}  # type: ignore[attr-defined]
    assert names == {workflow.value for workflow in Workflow}


def test_the_sandbox_passes_services_through_and_nothing_heavy_is_needed() -> None:
    runner = sandbox()
    assert isinstance(runner, SandboxedWorkflowRunner)
    assert "services" in runner.restrictions.passthrough_modules
    assert "torch" not in runner.restrictions.passthrough_modules
