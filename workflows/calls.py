"""Calls: how a workflow runs an activity, typed by the activity itself; pages; starts a review."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import TypeVar

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError

from services.outbox_messages import Priority, Queue, Workflow
from workflows.activities import PagingActivities
from workflows.activity_requests import Page
from workflows.messages import ReviewStart
from workflows.policy import (
    HISTORY_EVENTS_MAX,
    PAGING,
    RUN_MAX,
    Lane,
    Topic,
    temporal_priority,
)

Host = TypeVar("Host")
Request = TypeVar("Request")
Result = TypeVar("Result")


async def call(
    method: Callable[[Host, Request], Awaitable[Result]], request: Request, *, lane: Lane
) -> Result:
    """Run one activity on its lane and return its result.

    Raises:
        ActivityError: the lane gave up, or the record does not know the id.
    """
    return await workflow.execute_activity_method(
        method,
        request,
        task_queue=lane.queue.value,
        start_to_close_timeout=lane.start_to_close_timeout,
        schedule_to_close_timeout=lane.give_up_after,
        heartbeat_timeout=lane.heartbeat_timeout,
        retry_policy=lane.retry,
    )


async def page_each(
    recipient_ids: Iterable[str], *, key: str, topic: Topic, about_id: str, urgent: bool
) -> None:
    """Page each person. One who cannot be reached is left to the ladder's next rung."""
    await asyncio.gather(
        *(_page(Page(f"{key}/{who}", who, topic.value, about_id, urgent)) for who in recipient_ids)
    )


async def _page(page: Page) -> None:
    try:
        await call(PagingActivities.page, page, lane=PAGING)
    except ActivityError:
        workflow.logger.error("page_not_taken", extra={"page_key": page.key})


async def wait_until(condition: Callable[[], bool], deadline: datetime | None) -> bool:
    """Wait for the condition; False when `deadline` came first. None: no deadline."""
    if condition():
        return True
    timeout = None if deadline is None else deadline - workflow.now()
    if timeout is not None and timeout.total_seconds() <= 0:
        return False
    try:
        await workflow.wait_condition(condition, timeout=timeout)
    except TimeoutError:
        return False
    return True


async def start_review(review_id: str) -> None:
    """Start a review's own workflow, which outlives the run that starts it."""
    try:
        await workflow.start_child_workflow(
            Workflow.REVIEW.value,
            ReviewStart(review_id),
            id=f"review/{review_id}",
            task_queue=Queue.LOOPS.value,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            priority=temporal_priority(Priority.REVIEW),
        )
    except WorkflowAlreadyStartedError:
        # Its decision came first and started it.
        workflow.logger.info("review_runs_already", extra={"review_id": review_id})


def run_is_long(began: datetime) -> bool:
    """Whether a long-lived loop should continue as new.

    By the server's word, by events, by age, or because newer code is deployed.
    """
    info = workflow.info()
    return (
        info.is_continue_as_new_suggested()
        or info.get_current_history_length() >= HISTORY_EVENTS_MAX
        or workflow.now() - began >= RUN_MAX
        or info.is_target_worker_deployment_version_changed()
    )


def update_id() -> str:
    """Return the id that the client chose for the update being handled."""
    info = workflow.current_update_info()
    if info is None:
        raise RuntimeError("only the handler of an update has an update id")
    return info.id


def keep_recent(ring: list[str], item: str, size: int) -> list[str]:
    """Return the ring with `item` as its newest, at most `size` long."""
    return [*(known for known in ring if known != item), item][-size:]
