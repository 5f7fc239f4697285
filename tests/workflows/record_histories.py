"""Records the histories that `test_replay.py` replays.

`python -m tests.workflows.record_histories`: run it when a loop changed on purpose and no loop of
before runs anywhere. Otherwise a replay that fails means that running loops would fail too: use
`workflow.patched`.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from temporalio.client import WorkflowHistory

from services.loop_results import (
    AlarmState,
    AlarmStatus,
    AlarmUrgency,
    Answer,
    AssessOutcome,
    Decision,
    DecisionKind,
    EnactKind,
    EnactOutcome,
    FollowUp,
    FollowUpKind,
    GoalStatus,
    HaltedBy,
    ReviewOutcome,
    ReviewState,
    ReviewStatus,
    Side,
    Stability,
    VerdictKind,
)
from services.outbox_messages import Signal, Workflow
from tests.temporal import EmbeddedTemporal
from tests.workflows.clinic import PATIENT_ID, Clinic, holds, open_clinic, until, wall_clock
from tests.workflows.fake_records import steady_careplan
from workflows import messages as msg

FOLDER = Path(__file__).parent / "histories"
Recorded = dict[str, WorkflowHistory]
Scenario = Callable[[Clinic], Awaitable[Recorded]]
DAYS = timedelta(days=1)
HOURS = timedelta(hours=1)


async def history_of(
    clinic: Clinic, workflow_id: str, run_id: str | None = None
) -> WorkflowHistory:
    """One run's history; the newest run's when none is named."""
    return await clinic.client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()


async def patient_continues_as_new(clinic: Clinic) -> Recorded:
    """Both sides of the boundary, with open advice and follow-ups carried over it."""
    due_at = wall_clock() + 50 * DAYS
    clinic.records.verdict = replace(clinic.records.verdict, last_reading_at=wall_clock())
    handle = await clinic.start_patient()
    closed = msg.ReviewClosed(
        "r",
        outcome=ReviewOutcome.ENACTED,
        follow_ups=(FollowUp("f", FollowUpKind.LABS_DUE, due_at),),
    )
    await handle.signal(Signal.REVIEW_CLOSED.value, closed)
    await clinic.patient_settles(handle, sequence=2)
    await clinic.advance(handle, 36 * DAYS)
    current = clinic.client.get_workflow_handle(handle.id)

    async def went_on() -> bool:
        return (await current.describe()).run_id != handle.result_run_id

    await until(went_on)
    state = await clinic.patient_settles(current, sequence=3)
    await clinic.record(current)
    await clinic.patient_settles(current, sequence=state.sequence + 1)
    return {
        "patient_before_continuing": await history_of(clinic, handle.id, handle.result_run_id),
        "patient_after_continuing": await history_of(clinic, handle.id),
    }


async def patient_update_and_signal(clinic: Clinic) -> Recorded:
    """Readings arrive while answers and halts are given."""
    clinic.records.verdict = AssessOutcome(
        "a", VerdictKind.ADVISE, advice_id="advice", advice_opened_at=wall_clock()
    )
    clinic.records.enactment = EnactOutcome(
        EnactKind.ENACTED,
        ("order-1",),
        follow_ups=(FollowUp("f", FollowUpKind.SYMPTOM_CHECK, wall_clock() + 7 * DAYS),),
    )
    handle = await clinic.start_patient()
    await asyncio.gather(
        clinic.record(handle),
        clinic.loops.answer_advice(PATIENT_ID, "advice", Answer.ACCEPT, "u1"),
        clinic.record(handle),
    )
    await asyncio.gather(
        clinic.record(handle),
        clinic.loops.halt(PATIENT_ID, HaltedBy.PATIENT, "p", "h1"),
    )
    await clinic.loops.resume(PATIENT_ID, HaltedBy.CLINICIAN, "c", "r1")
    await clinic.patient_settles(handle, sequence=2)
    return {"patient_update_and_signal": await history_of(clinic, handle.id)}


async def review_escalates(clinic: Clinic) -> Recorded:
    """Claimed, deferred, escalated to the cover, ended without a change."""
    clinic.records.reviews["r"] = ReviewState("r", PATIENT_ID, ReviewStatus.OPEN, wall_clock())
    handle = await clinic.start(Workflow.REVIEW, "review/r", msg.ReviewStart("r"))
    await clinic.loops.claim("r", "c1", "k1")
    defer_until = wall_clock() + 2 * DAYS
    clinic.records.decisions["d"] = Decision("d", "r", DecisionKind.DEFER, "c1", defer_until)
    await clinic.loops.decide("r", "d")
    await clinic.advance(handle, 2 * DAYS + 97 * HOURS)
    await handle.result()
    return {"review_escalated": await history_of(clinic, handle.id)}


async def review_is_decided(clinic: Clinic) -> Recorded:
    """Refused once on fresh data, then enacted, by update and signal."""
    clinic.records.reviews["r"] = ReviewState("r", PATIENT_ID, ReviewStatus.OPEN, wall_clock())
    handle = await clinic.start(Workflow.REVIEW, "review/r", msg.ReviewStart("r"))
    clinic.records.enactment = EnactOutcome(EnactKind.REFUSED, reasons=("potassium_high",))
    clinic.records.decisions["d1"] = Decision("d1", "r", DecisionKind.ACCEPT, "c1")
    await clinic.loops.decide("r", "d1")
    clinic.records.enactment = EnactOutcome(EnactKind.ENACTED, ("order-1",))
    clinic.records.decisions["d2"] = Decision("d2", "r", DecisionKind.MODIFY, "c1")
    await handle.signal(Signal.DECISION_RECORDED.value, msg.DecisionRecorded("r", PATIENT_ID, "d2"))
    await handle.result()
    return {"review_decided": await history_of(clinic, handle.id)}


async def alarm_climbs(clinic: Clinic) -> Recorded:
    """No repeat came; two people were paged; the second took it."""
    clinic.records.alarms["a"] = AlarmState(
        "a", PATIENT_ID, AlarmStatus.OPEN, AlarmUrgency.REPEAT, wall_clock()
    )
    handle = await clinic.start(Workflow.ALARM, "alarm/a", msg.AlarmStart("a"))
    await handle.signal(Signal.ALARM_RAISED.value, msg.AlarmRaised("a", PATIENT_ID))
    await clinic.advance(handle, timedelta(minutes=36))
    await clinic.loops.acknowledge_alarm("a", "c2", "k1")
    await handle.result()
    return {"alarm_escalated": await history_of(clinic, handle.id)}


async def careplan_goes_on(clinic: Clinic) -> Recorded:
    """A goal agreed, a visit moved and held, an envelope to renew."""
    clinic.records.careplan = replace(
        steady_careplan(PATIENT_ID, Stability.VOLATILE),
        envelope_id="e",
        envelope_expires_at=wall_clock() + 16 * DAYS,
    )
    clinic.records.goal_status["g"] = GoalStatus.PROPOSED
    clinic.records.goals["g"] = {Side.CLINICIAN}
    handle = await clinic.start(
        Workflow.CAREPLAN, f"careplan/{PATIENT_ID}", msg.CareplanStart(PATIENT_ID, "epoch")
    )
    await clinic.loops.agree_goal(PATIENT_ID, "g", Side.PATIENT, "p", "a1")
    await clinic.loops.plan_visit(PATIENT_ID, wall_clock() + 4 * DAYS, "c1", "v1")
    await clinic.advance(handle, 5 * DAYS)
    await handle.signal(Signal.CAREPLAN_CHANGED.value, msg.CareplanChanged(PATIENT_ID))
    await holds(lambda: len(clinic.records.tasks) == 2)
    return {"careplan": await history_of(clinic, handle.id)}


async def ingest_works(clinic: Clinic) -> Recorded:
    """Two batches, one of them after a killed worker's lease."""
    clinic.windows.waiting, clinic.windows.held = 70, 3
    handle = await clinic.start(Workflow.INGEST, "ingest/windows", msg.IngestStart())
    await holds(lambda: clinic.windows.completed == 70)
    await handle.result()
    clinic.windows.held = 3
    again = await clinic.start(Workflow.INGEST, "ingest/windows", msg.IngestStart())
    await holds(lambda: clinic.windows.held == 0)
    await clinic.advance(again, timedelta(minutes=3))
    await again.result()
    return {"ingest": await history_of(clinic, again.id)}


SCENARIOS: tuple[Scenario, ...] = (
    patient_continues_as_new,
    patient_update_and_signal,
    review_escalates,
    review_is_decided,
    alarm_climbs,
    careplan_goes_on,
    ingest_works,
)


async def run_all(server: EmbeddedTemporal) -> AsyncIterator[tuple[str, WorkflowHistory]]:
    """Run every scenario in a clinic of its own and yield what it recorded."""
    for scenario in SCENARIOS:
        async with open_clinic(server) as clinic:
            for name, history in (await scenario(clinic)).items():
                yield name, history


def without_machine(part: object) -> object:
    """Return a history without the names of the processes that made it: a replay reads none."""
    if isinstance(part, dict):
        return {key: without_machine(v) for key, v in part.items() if key != "identity"}
    if isinstance(part, list):
        return [without_machine(item) for item in part]
    return part


async def main() -> int:
    """Write every history, replacing those of before."""
    server = EmbeddedTemporal(namespaces=20)
    server.start()
    try:
        async for name, history in run_all(server):
            text = json.dumps(without_machine(json.loads(history.to_json())), sort_keys=True)
            (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
