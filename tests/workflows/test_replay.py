"""Today's code must be able to take over loops that yesterday's code began."""

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from tests.temporal import KEYS, EmbeddedTemporal
from tests.workflows.clinic import open_clinic
from tests.workflows.record_histories import (
    FOLDER,
    Scenario,
    alarm_climbs,
    patient_update_and_signal,
    review_escalates,
    review_is_decided,
)
from workflows import messages as msg
from workflows.codec import data_converter
from workflows.workers import LOOPS, sandbox

WITHOUT_A_CACHE = (patient_update_and_signal, review_escalates, review_is_decided, alarm_climbs)
HISTORIES = sorted(FOLDER.glob("*.json"))
MUST_BE_THERE = {
    "patient_before_continuing",
    "patient_after_continuing",
    "patient_update_and_signal",
    "review_escalated",
    "review_decided",
    "alarm_escalated",
    "careplan",
    "ingest",
}


@workflow.defn(name="ReviewLoop")
class ForgetfulReview:
    """A review that asks nobody anything."""

    @workflow.run
    async def run(self, start: msg.ReviewStart) -> None:
        await workflow.sleep(1)


def read(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))


def test_every_kind_of_history_is_there() -> None:
    assert {path.stem for path in HISTORIES} >= MUST_BE_THERE


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_saved_history_replays(path: Path) -> None:
    replayer = Replayer(
        workflows=LOOPS, workflow_runner=sandbox(), data_converter=data_converter(KEYS)
    )
    await replayer.replay_workflow(read(path))


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_saved_history_shows_no_payload(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "anNvbi9wbGFpbg" not in text  # "json/plain" in base64
    assert '"patient_id"' not in text


async def test_code_that_does_something_else_is_caught() -> None:
    replayer = Replayer(
        workflows=[ForgetfulReview],
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=data_converter(KEYS),
    )
    with pytest.raises(workflow.NondeterminismError):
        await replayer.replay_workflow(read(FOLDER / "review_escalated.json"))


@pytest.mark.stack
@pytest.mark.parametrize("scenario", WITHOUT_A_CACHE, ids=lambda scenario: scenario.__name__)
async def test_a_loop_lives_without_a_cache(
    scenario: Scenario, temporal_server: EmbeddedTemporal
) -> None:
    """With no cached workflow every single task replays the whole history."""
    async with open_clinic(temporal_server, cached_loops=0) as clinic:
        for history in (await scenario(clinic)).values():
            kinds = {event.event_type for event in history.events}
            assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in kinds
