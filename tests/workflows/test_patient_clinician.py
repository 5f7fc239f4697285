"""The patient-clinician loop: goals that both sign, visits by stability, envelopes renewed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from services.loop_results import GoalStatus, ReminderReason, Side, Stability, TaskKind
from services.outbox_messages import Signal, Workflow
from tests.workflows.clinic import PATIENT_ID, Clinic, until, wall_clock
from tests.workflows.fake_records import steady_careplan
from workflows import messages as msg
from workflows.client import Rejected
from workflows.policy import VISIT_AFTER

pytestmark = pytest.mark.stack
DAYS = timedelta(days=1)
NEARLY = timedelta(minutes=1)


async def start(clinic: Clinic, stability: Stability, **facts: Any) -> WorkflowHandle[Any, Any]:
    clinic.records.careplan = replace(steady_careplan(PATIENT_ID, stability), **facts)
    handle = await clinic.start(
        Workflow.CAREPLAN, f"careplan/{PATIENT_ID}", msg.CareplanStart(PATIENT_ID, "epoch")
    )
    await settled(clinic, handle)
    return handle


async def settled(clinic: Clinic, handle: WorkflowHandle[Any, Any]) -> msg.CareplanLoopState:
    async def probe() -> msg.CareplanLoopState | None:
        state: msg.CareplanLoopState = await handle.query(
            "state", result_type=msg.CareplanLoopState
        )
        return state if state.idle else None

    found: msg.CareplanLoopState = await until(probe)
    return found


async def change(
    clinic: Clinic, handle: WorkflowHandle[Any, Any], **facts: Any
) -> msg.CareplanLoopState:
    assert clinic.records.careplan is not None
    clinic.records.careplan = replace(clinic.records.careplan, **facts)
    await handle.signal(Signal.CAREPLAN_CHANGED.value, msg.CareplanChanged(PATIENT_ID))
    return await settled(clinic, handle)


@pytest.mark.parametrize("stability", list(Stability))
async def test_the_first_visit_comes_as_stability_says(
    clinic: Clinic, stability: Stability
) -> None:
    handle = await start(clinic, stability)
    visit_at = (await settled(clinic, handle)).visit_at
    assert visit_at is not None
    assert abs(visit_at - (wall_clock() + VISIT_AFTER[stability])) < NEARLY


async def test_volatile_pressures_bring_the_visit_forward_and_stable_ones_put_it_off(
    clinic: Clinic,
) -> None:
    handle = await start(clinic, Stability.ABOVE_TARGET)
    sooner = await change(clinic, handle, stability=Stability.VOLATILE)
    assert sooner.visit_at is not None
    assert abs(sooner.visit_at - (wall_clock() + 14 * DAYS)) < NEARLY
    later = await change(clinic, handle, stability=Stability.STABLE)
    assert later.visit_at is not None
    assert abs(later.visit_at - (wall_clock() + 90 * DAYS)) < NEARLY


async def test_a_visit_that_a_person_chose_is_brought_forward_but_never_put_off(
    clinic: Clinic,
) -> None:
    handle = await start(clinic, Stability.ABOVE_TARGET)
    chosen = wall_clock() + 21 * DAYS
    await clinic.loops.plan_visit(PATIENT_ID, chosen, "clinician-1", "v1")
    kept = await change(clinic, handle, stability=Stability.STABLE)
    assert kept.visit_at == chosen
    moved = await change(clinic, handle, stability=Stability.VOLATILE)
    assert moved.visit_at is not None
    assert abs(moved.visit_at - (wall_clock() + 14 * DAYS)) < NEARLY


async def test_a_visit_in_the_past_cannot_be_planned(clinic: Clinic) -> None:
    await start(clinic, Stability.STABLE)
    with pytest.raises(Rejected):
        await clinic.loops.plan_visit(PATIENT_ID, wall_clock() - DAYS, "clinician-1", "v1")


async def test_the_visit_is_announced_two_days_before_and_then_is_a_task(clinic: Clinic) -> None:
    handle = await start(clinic, Stability.VOLATILE)
    await clinic.advance(handle, 11 * DAYS)
    assert clinic.records.reminders == {}
    await clinic.advance(handle, 2 * DAYS)
    assert list(clinic.records.reminders.values()) == [ReminderReason.VISIT_SOON]
    await clinic.advance(handle, 2 * DAYS)
    assert list(clinic.records.tasks.values()) == [TaskKind.HOLD_VISIT]


async def test_a_goal_holds_only_when_both_have_signed(clinic: Clinic) -> None:
    handle = await start(clinic, Stability.STABLE)
    clinic.records.goal_status["g"] = GoalStatus.PROPOSED
    clinic.records.goals["g"] = {Side.CLINICIAN}
    loops = clinic.loops
    status = await loops.propose_goal(PATIENT_ID, "g", Side.CLINICIAN, "p1")
    assert status is GoalStatus.PROPOSED
    again = await loops.agree_goal(PATIENT_ID, "g", Side.CLINICIAN, "c", "a1")
    assert again is GoalStatus.PROPOSED
    agreed = await loops.agree_goal(PATIENT_ID, "g", Side.PATIENT, "p", "a2")
    assert agreed is GoalStatus.AGREED
    assert (await settled(clinic, handle)).goal_ids == ()


async def test_a_declined_goal_is_over(clinic: Clinic) -> None:
    await start(clinic, Stability.STABLE)
    clinic.records.goal_status["g"] = GoalStatus.PROPOSED
    await clinic.loops.propose_goal(PATIENT_ID, "g", Side.CLINICIAN, "p1")
    declined = await clinic.loops.decline_goal(PATIENT_ID, "g", Side.PATIENT, "p", "d1")
    late = await clinic.loops.agree_goal(PATIENT_ID, "g", Side.PATIENT, "p", "a1")
    assert declined is late is GoalStatus.DECLINED


async def test_a_goal_that_nobody_answers_is_reminded_of_and_lapses_after_two_weeks(
    clinic: Clinic,
) -> None:
    clinic.records.goal_status["g"] = GoalStatus.PROPOSED
    handle = await start(clinic, Stability.STABLE)
    await clinic.advance(handle, 4 * DAYS)
    assert list(clinic.records.reminders.values()) == [ReminderReason.GOAL_WAITS]
    assert clinic.records.goal_status == {"g": GoalStatus.PROPOSED}
    await clinic.advance(handle, 11 * DAYS)
    assert clinic.records.goal_status == {"g": GoalStatus.LAPSED}


async def test_the_envelope_is_renewed_before_it_expires(clinic: Clinic) -> None:
    expires_at = wall_clock() + 20 * DAYS
    handle = await start(clinic, Stability.STABLE, envelope_id="e1", envelope_expires_at=expires_at)
    await clinic.advance(handle, 5 * DAYS)
    assert clinic.records.tasks == {}
    await clinic.advance(handle, 2 * DAYS)
    assert list(clinic.records.tasks.values()) == [TaskKind.RENEW_ENVELOPE]
    pages = len(clinic.notifier.pages)
    await clinic.advance(handle, 11 * DAYS)
    assert list(clinic.records.tasks.values()) == [TaskKind.RENEW_ENVELOPE] * 2
    assert len(clinic.notifier.pages) == pages + 1


async def test_a_renewed_envelope_is_not_asked_for_again(clinic: Clinic) -> None:
    expires_at = wall_clock() + 20 * DAYS
    handle = await start(clinic, Stability.STABLE, envelope_id="e1", envelope_expires_at=expires_at)
    await change(clinic, handle, envelope_id="e2", envelope_expires_at=wall_clock() + 180 * DAYS)
    await clinic.advance(handle, 19 * DAYS)
    assert clinic.records.tasks == {}


async def test_a_goal_of_nobody_is_refused_and_the_loop_lives_on(clinic: Clinic) -> None:
    handle = await start(clinic, Stability.STABLE)
    with pytest.raises(Rejected):
        await clinic.loops.agree_goal(PATIENT_ID, "no-such", Side.PATIENT, "p", "a1")
    await settled(clinic, handle)
