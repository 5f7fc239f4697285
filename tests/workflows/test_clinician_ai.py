"""The review: decisions, and the ladder whose end is "no change, call the patient"."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from services.loop_results import (
    ClaimStatus,
    Decision,
    DecisionKind,
    EnactKind,
    EnactOutcome,
    ReviewOutcome,
    ReviewState,
    ReviewStatus,
    TaskKind,
)
from services.outbox_messages import Signal, Workflow
from tests.workflows.clinic import PATIENT_ID, Clinic, holds, wall_clock
from workflows import messages as msg
from workflows.client import NotOpen, Rejected
from workflows.messages import DecisionStatus

pytestmark = pytest.mark.stack
HOURS = timedelta(hours=1)


async def open_review(clinic: Clinic) -> WorkflowHandle[Any, Any]:
    clinic.records.reviews["r"] = ReviewState("r", PATIENT_ID, ReviewStatus.OPEN, wall_clock())
    handle = await clinic.start(Workflow.REVIEW, "review/r", msg.ReviewStart("r"))
    await holds(lambda: clinic.records.review_rungs == [("r", 0)])
    return handle


def sign(clinic: Clinic, kind: DecisionKind, decision_id: str = "d", **fields: Any) -> str:
    clinic.records.decisions[decision_id] = Decision(
        decision_id, "r", kind, "clinician-1", **fields
    )
    return decision_id


def outcome(clinic: Clinic) -> ReviewOutcome | None:
    return clinic.records.reviews["r"].outcome


async def state(handle: WorkflowHandle[Any, Any]) -> msg.ReviewLoopState:
    found: msg.ReviewLoopState = await handle.query("state", result_type=msg.ReviewLoopState)
    return found


async def test_silence_goes_to_the_cover_after_72_hours_and_ends_in_no_change_after_24_more(
    clinic: Clinic,
) -> None:
    handle = await open_review(clinic)
    await clinic.advance(handle, 71 * HOURS)
    assert clinic.records.review_rungs == [("r", 0)]
    await clinic.advance(handle, 2 * HOURS)
    await holds(lambda: ("cover-1", "review", False) in clinic.notifier.pages)
    await clinic.advance(handle, 22 * HOURS)
    assert outcome(clinic) is None
    await clinic.advance(handle, 2 * HOURS)
    await handle.result()
    assert outcome(clinic) is ReviewOutcome.NO_CHANGE
    assert list(clinic.records.tasks.values()) == [TaskKind.CALL_PATIENT]
    assert clinic.records.enact_calls == []


@pytest.mark.parametrize("kind", [DecisionKind.ACCEPT, DecisionKind.MODIFY])
async def test_a_signed_move_is_enacted_and_closes_the_review(
    clinic: Clinic, kind: DecisionKind
) -> None:
    handle = await open_review(clinic)
    answer = await clinic.loops.decide("r", sign(clinic, kind))
    assert answer.status is DecisionStatus.ENACTED
    assert answer.order_ids == ("order-1",)
    await handle.result()
    assert outcome(clinic) is ReviewOutcome.ENACTED


async def test_a_rejection_enacts_nothing(clinic: Clinic) -> None:
    handle = await open_review(clinic)
    answer = await clinic.loops.decide("r", sign(clinic, DecisionKind.REJECT))
    assert answer.status is DecisionStatus.REJECTED
    await handle.result()
    assert clinic.records.enact_calls == []


async def test_the_same_decision_by_update_signal_and_retry_is_enacted_once(
    clinic: Clinic,
) -> None:
    handle = await open_review(clinic)
    sign(clinic, DecisionKind.ACCEPT)
    await handle.signal(Signal.DECISION_RECORDED.value, msg.DecisionRecorded("r", PATIENT_ID, "d"))
    first = await clinic.loops.decide("r", "d")
    await handle.result()
    again = await clinic.loops.decide("r", "d")
    assert first.status is again.status is DecisionStatus.ENACTED
    assert list(clinic.records.enacted) == ["decision/d"]


async def test_a_refusal_on_fresh_data_leaves_the_review_open_for_another_decision(
    clinic: Clinic,
) -> None:
    await open_review(clinic)
    clinic.records.enactment = EnactOutcome(EnactKind.REFUSED, reasons=("potassium_high",))
    refused = await clinic.loops.decide("r", sign(clinic, DecisionKind.ACCEPT))
    assert refused.status is DecisionStatus.REFUSED
    assert refused.reasons == ("potassium_high",)
    assert outcome(clinic) is None
    clinic.records.enactment = EnactOutcome(EnactKind.ENACTED, ("order-2",))
    second = await clinic.loops.decide("r", sign(clinic, DecisionKind.MODIFY, "d2"))
    assert second.status is DecisionStatus.ENACTED


async def test_a_deferral_ends_and_the_whole_ladder_follows_it(clinic: Clinic) -> None:
    handle = await open_review(clinic)
    until_at = wall_clock() + timedelta(days=5)
    deferred = await clinic.loops.decide(
        "r", sign(clinic, DecisionKind.DEFER, defer_until=until_at)
    )
    assert deferred.status is DecisionStatus.DEFERRED
    await clinic.advance(handle, timedelta(days=4, hours=23))
    assert clinic.records.review_rungs == [("r", 0)]
    await clinic.advance(handle, 2 * HOURS)
    assert clinic.records.review_rungs == [("r", 0), ("r", 0)]
    await clinic.advance(handle, 72 * HOURS)
    assert clinic.records.review_rungs[-1] == ("r", 1)


async def test_a_deferral_is_never_longer_than_four_weeks(clinic: Clinic) -> None:
    handle = await open_review(clinic)
    far = wall_clock() + timedelta(days=400)
    await clinic.loops.decide("r", sign(clinic, DecisionKind.DEFER, defer_until=far))
    deadline = (await state(handle)).deadline
    assert deadline is not None
    assert deadline <= wall_clock() + timedelta(days=28, minutes=1)


async def test_a_decision_signed_in_the_last_second_counts(clinic: Clinic) -> None:
    handle = await open_review(clinic)
    clinic.records.before_closing_review = lambda: (
        None if clinic.records.decisions else void(sign(clinic, DecisionKind.ACCEPT))
    )
    await clinic.advance(handle, 97 * HOURS)
    await handle.result()
    assert outcome(clinic) is ReviewOutcome.ENACTED
    assert clinic.records.tasks == {}


async def test_a_decision_after_the_end_is_not_open_and_enacts_nothing(clinic: Clinic) -> None:
    handle = await open_review(clinic)
    await clinic.advance(handle, 97 * HOURS)
    await handle.result()
    with pytest.raises(NotOpen):
        await clinic.loops.decide("r", sign(clinic, DecisionKind.ACCEPT, "late"))
    assert clinic.records.enact_calls == []


async def test_an_unknown_decision_changes_nothing(clinic: Clinic) -> None:
    handle = await open_review(clinic)
    with pytest.raises(NotOpen):
        await clinic.loops.decide("r", "no-such-decision")
    assert not (await state(handle)).closed


async def test_a_claimed_review_is_taken_for_others_until_it_is_reassigned(
    clinic: Clinic,
) -> None:
    handle = await open_review(clinic)
    assert (await clinic.loops.claim("r", "c1")).status is ClaimStatus.CLAIMED
    taken = await clinic.loops.claim("r", "c2")
    assert (taken.status, taken.claimed_by) == (ClaimStatus.TAKEN, "c1")
    await clinic.advance(handle, 60 * HOURS)
    moved = await clinic.loops.reassign("r", msg.ReassignRequest("c2", "c1"))
    assert moved.claimed_by == "c2"
    await clinic.advance(handle, 60 * HOURS)
    assert clinic.records.review_rungs == [("r", 0), ("r", 0)]


async def test_asking_the_patient_restarts_the_first_rung_three_times_at_most(
    clinic: Clinic,
) -> None:
    handle = await open_review(clinic)
    await clinic.advance(handle, 70 * HOURS)
    for request in ("i1", "i2", "i3"):
        await clinic.loops.request_information("r", "c1", request)
    await clinic.advance(handle, 70 * HOURS)
    assert clinic.records.review_rungs == [("r", 0)]
    with pytest.raises(Rejected):
        await clinic.loops.request_information("r", "c1", "i4")
    assert clinic.records.information_asked == ["i1", "i2", "i3"]


def void(_: object) -> None:
    """Drop a value."""
