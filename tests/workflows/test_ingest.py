"""The ingest loop: every window once, a batch at a time, none stranded."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from services.outbox_messages import Signal, Workflow
from tests.workflows.clinic import Clinic, holds
from workflows import messages as msg
from workflows.policy import WINDOW_LEASE, WINDOWS_A_BATCH

pytestmark = pytest.mark.stack


async def start(clinic: Clinic) -> WorkflowHandle[Any, Any]:
    return await clinic.start(Workflow.INGEST, "ingest/windows", msg.IngestStart())


async def test_it_takes_batches_until_none_waits_and_ends(clinic: Clinic) -> None:
    clinic.windows.waiting = 2 * WINDOWS_A_BATCH + 5
    handle = await start(clinic)
    await handle.result()
    assert clinic.windows.completed == 2 * WINDOWS_A_BATCH + 5
    assert clinic.windows.batches == 3


async def test_windows_that_come_while_it_works_are_not_left_behind(clinic: Clinic) -> None:
    clinic.windows.waiting = 1
    handle = await start(clinic)
    clinic.windows.waiting += 10
    await handle.signal(Signal.WINDOWS_WAITING.value, msg.WindowsWaiting())
    await handle.result()
    assert clinic.windows.completed == 11


async def test_windows_held_by_a_killed_worker_are_taken_when_its_lease_ends(
    clinic: Clinic,
) -> None:
    clinic.windows.held = 7
    handle = await start(clinic)
    await holds(lambda: clinic.windows.batches == 1)
    await clinic.advance(handle, WINDOW_LEASE + timedelta(seconds=1))
    await handle.result()
    assert clinic.windows.completed == 7
