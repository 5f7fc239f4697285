"""The tables of policy: complete, and never against a clinical rule."""

import dataclasses
from datetime import timedelta

import pytest

from services.clinical import ladders
from services.loop_results import FollowUpKind, Stability
from services.outbox_messages import Priority, Queue
from workflows import policy
from workflows.agenda import DueKind
from workflows.policy import Lane, temporal_priority

LANES = [value for value in vars(policy).values() if isinstance(value, Lane)]


def test_the_ladders_are_those_of_the_clinical_core() -> None:
    assert policy.REVIEW_RUNGS == ladders.REVIEW_LADDER
    assert policy.ALARM_RUNGS == ladders.ALARM_LADDER
    assert policy.CRISIS_REPEAT_WITHIN == ladders.REPEAT_WITHIN


@pytest.mark.parametrize(
    "lane", LANES, ids=lambda lane: f"{lane.queue.value}, {lane.give_up_after}"
)
def test_a_killed_worker_is_noticed_in_seconds_on_every_lane(lane: Lane) -> None:
    assert lane.heartbeat_timeout <= timedelta(seconds=3)
    assert lane.start_to_close_timeout > lane.heartbeat_timeout


def test_only_what_something_later_makes_up_for_gives_up() -> None:
    """A page is left to its ladder, what follows an assessment to the next one."""
    gives_up = [lane for lane in LANES if lane.retry.maximum_attempts or lane.give_up_after]
    assert gives_up == [policy.AFTERWARDS, policy.PAGING]


def test_every_lane_has_a_queue_of_its_own_but_what_follows_an_assessment() -> None:
    others = [lane for lane in LANES if lane is not policy.AFTERWARDS]
    assert {lane.queue for lane in others} == set(Queue) - {Queue.LOOPS}
    assert len({lane.queue for lane in others}) == len(others)
    assert policy.AFTERWARDS.queue is policy.IO.queue


def test_a_visit_comes_later_the_steadier_the_pressures() -> None:
    assert set(policy.VISIT_AFTER) == set(Stability)
    assert (
        policy.VISIT_AFTER[Stability.VOLATILE]
        < policy.VISIT_AFTER[Stability.ABOVE_TARGET]
        < policy.VISIT_AFTER[Stability.STABLE]
    )


def test_every_follow_up_has_its_due_kind() -> None:
    assert {kind.value for kind in FollowUpKind} <= {kind.value for kind in DueKind}


def test_alarms_go_before_everything() -> None:
    keys = [temporal_priority(priority).priority_key for priority in Priority]
    assert temporal_priority(Priority.ALARM).priority_key == min(key for key in keys if key)
    assert keys == [1, 2, 3, 4, 5]


def test_policy_is_a_table_that_nobody_changes() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.IO.queue = policy.PAGING.queue  # type: ignore[misc]
