"""The clinician-AI loop: one workflow a review, `review/{review_id}`.

It waits for a clinician's decision on a ladder of deadlines and carries the decision out. The
ladder's end is "no change, call the patient": a timeout never means yes.
"""

from collections import deque
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from typing import assert_never

    from services.loop_results import (
        ClaimOutcome,
        ClaimStatus,
        Decision,
        DecisionKind,
        EnactBasis,
        EnactKind,
        FollowUp,
        ReviewOutcome,
        ReviewState,
        ReviewStatus,
        TaskKind,
    )
    from services.outbox_messages import Signal, Workflow
    from workflows import activity_requests as ask
    from workflows import messages as msg
    from workflows import policy
    from workflows.activities import RecordActivities
    from workflows.calls import call, page_each, wait_until
    from workflows.messages import DecisionOutcome, DecisionStatus


@workflow.defn(name=Workflow.REVIEW.value)
class ReviewLoop:
    """Decisions come by update (a person waits) and by signal (the record's own copy)."""

    @workflow.init
    def __init__(self, start: msg.ReviewStart) -> None:
        self._review_id = start.review_id
        self._patient_id = ""
        self._claimed_by: str | None = None
        self._rung = 0
        self._deadline = workflow.now() + policy.REVIEW_RUNGS[0]
        self._pages_due = True
        self._deferred = False
        self._information_requests = 0
        self._waiting: deque[str] = deque()
        self._outcomes: dict[str, DecisionOutcome] = {}
        self._follow_ups: tuple[FollowUp, ...] = ()
        self._outcome: ReviewOutcome | None = None
        self._closed = False

    @workflow.run
    async def run(self, start: msg.ReviewStart) -> None:
        """Hold the review open until it is decided or the ladder ends."""
        state = await call(
            RecordActivities.review_state, ask.About(self._review_id), lane=policy.IO
        )
        self._patient_id = state.patient_id
        self._claimed_by = state.claimed_by
        if state.status is ReviewStatus.CLOSED:
            await self._answer_late(state)
            return
        self._deadline = state.opened_at + policy.REVIEW_RUNGS[0]
        while not self._closed:
            await self._next_step()
        await self._tell_patient_loop()
        self._refuse_waiting()
        await workflow.wait_condition(workflow.all_handlers_finished)

    # --- messages ---

    @workflow.signal
    def decision_recorded(self, message: msg.DecisionRecorded) -> None:
        """A signed decision is in the record."""
        self._take(message.decision_id)

    @workflow.update
    async def decide(self, given: msg.DecisionGiven) -> DecisionOutcome:
        """Carry out a signed decision; returns when it is enacted, refused, or noted."""
        self._take(given.decision_id)
        await workflow.wait_condition(lambda: given.decision_id in self._outcomes)
        return self._outcomes[given.decision_id]

    @decide.validator
    def _check_decide(self, given: msg.DecisionGiven) -> None:
        if self._closed and given.decision_id not in self._outcomes:
            raise ApplicationError("the review is closed", type="NotOpen")

    @workflow.update
    async def claim(self, request: msg.ClaimRequest) -> ClaimOutcome:
        """Give the review to the clinician who asks, unless another holds it."""
        outcome = await call(
            RecordActivities.claim_review,
            ask.ClaimReview(self._review_id, request.clinician_id),
            lane=policy.IO,
        )
        self._claimed_by = outcome.claimed_by
        return outcome

    @workflow.update
    async def reassign(self, request: msg.ReassignRequest) -> ClaimOutcome:
        """Hand the review over; the new holder has the whole ladder."""
        outcome = await call(
            RecordActivities.reassign_review,
            ask.ReassignReview(self._review_id, request.to_clinician_id, request.by_clinician_id),
            lane=policy.IO,
        )
        if outcome.status is ClaimStatus.CLAIMED:
            self._claimed_by = outcome.claimed_by
            self._restart_ladder(policy.REVIEW_RUNGS[0])
        return outcome

    @workflow.update
    async def request_information(self, request: msg.InformationRequest) -> None:
        """Ask the patient first; the clinician then has the first rung's time again."""
        self._information_requests += 1
        await call(
            RecordActivities.ask_patient,
            ask.AskPatient(self._review_id, request.clinician_id, request.request_id),
            lane=policy.IO,
        )
        self._rung = 0
        self._deadline = workflow.now() + policy.REVIEW_RUNGS[0]

    @claim.validator
    def _check_claim(self, request: msg.ClaimRequest) -> None:
        self._require_open()

    @reassign.validator
    def _check_reassign(self, request: msg.ReassignRequest) -> None:
        self._require_open()

    @request_information.validator
    def _check_request_information(self, request: msg.InformationRequest) -> None:
        self._require_open()
        if self._information_requests >= policy.INFORMATION_REQUESTS_MAX:
            raise ApplicationError("information was asked for often enough", type="Rejected")

    @workflow.query
    def state(self) -> msg.ReviewLoopState:
        """The review as the loop holds it."""
        deadline = None if self._closed else self._deadline
        return msg.ReviewLoopState(self._rung, deadline, self._claimed_by, self._closed)

    # --- the ladder ---

    async def _next_step(self) -> None:
        if self._pages_due:
            await self._tell_clinicians()
            return
        deadline = self._deadline
        await wait_until(
            lambda: bool(self._waiting) or self._pages_due or self._deadline != deadline,
            deadline,
        )
        if self._waiting:
            await self._carry_out_waiting()
        elif not self._pages_due and workflow.now() >= self._deadline:
            await self._climb()

    async def _tell_clinicians(self) -> None:
        self._pages_due = False
        escalation = await call(
            RecordActivities.escalate_review,
            ask.ReachRung(self._review_id, self._rung),
            lane=policy.IO,
        )
        if not escalation.still_open:
            self._closed = True
            return
        await page_each(
            escalation.notify,
            key=f"review/{self._review_id}/{self._rung}/{self._deadline.isoformat()}",
            topic=policy.Topic.REVIEW,
            about_id=self._review_id,
            urgent=False,
        )

    async def _climb(self) -> None:
        if self._deferred:
            self._restart_ladder(policy.REVIEW_RUNGS[0])
            return
        self._rung += 1
        if self._rung < len(policy.REVIEW_RUNGS):
            self._deadline += policy.REVIEW_RUNGS[self._rung]
            self._pages_due = True
            return
        await self._end_without_change()

    async def _end_without_change(self) -> None:
        unknown = await self._close(ReviewOutcome.NO_CHANGE)
        if unknown:
            # Signed in the last second: it counts.
            for decision_id in unknown:
                self._take(decision_id)
            self._rung -= 1
            return
        key = f"review/{self._review_id}/call"
        who = await call(
            RecordActivities.open_task,
            ask.OpenTask(self._patient_id, key, TaskKind.CALL_PATIENT, self._review_id),
            lane=policy.IO,
        )
        await page_each(
            who, key=key, topic=policy.Topic.TASK, about_id=self._review_id, urgent=False
        )

    def _restart_ladder(self, first_rung: timedelta) -> None:
        self._rung = 0
        self._deferred = False
        self._deadline = workflow.now() + first_rung
        self._pages_due = True

    # --- decisions ---

    def _take(self, decision_id: str) -> None:
        if decision_id not in self._outcomes and decision_id not in self._waiting:
            self._waiting.append(decision_id)

    async def _carry_out_waiting(self) -> None:
        while self._waiting and not self._closed:
            decision_id = self._waiting[0]
            self._outcomes[decision_id] = await self._carry_out(decision_id)
            self._waiting.popleft()

    async def _carry_out(self, decision_id: str) -> DecisionOutcome:
        try:
            decision = await call(RecordActivities.decision, ask.About(decision_id), lane=policy.IO)
        except ActivityError:
            # The record has no such decision: somebody sent a wrong id.
            return DecisionOutcome(DecisionStatus.NOT_OPEN)
        if decision.review_id != self._review_id:
            return DecisionOutcome(DecisionStatus.NOT_OPEN)
        match decision.kind:
            case DecisionKind.ACCEPT | DecisionKind.MODIFY:
                return await self._enact(decision)
            case DecisionKind.REJECT:
                await self._close(ReviewOutcome.REJECTED, decision_id)
                return DecisionOutcome(DecisionStatus.REJECTED, decision.kind)
            case DecisionKind.DEFER:
                self._defer(decision)
                return DecisionOutcome(DecisionStatus.DEFERRED, decision.kind)
            case _:
                assert_never(decision.kind)

    async def _enact(self, decision: Decision) -> DecisionOutcome:
        decision_id = decision.decision_id
        outcome = await call(
            RecordActivities.enact,
            ask.Enact(
                self._patient_id, f"decision/{decision_id}", EnactBasis.DECISION, decision_id
            ),
            lane=policy.IO,
        )
        if outcome.kind is EnactKind.REFUSED:
            return DecisionOutcome(DecisionStatus.REFUSED, decision.kind, reasons=outcome.reasons)
        self._follow_ups = outcome.follow_ups
        await self._close(ReviewOutcome.ENACTED, decision_id)
        return DecisionOutcome(DecisionStatus.ENACTED, decision.kind, outcome.order_ids)

    def _defer(self, decision: Decision) -> None:
        """The ladder starts again when the deferral ends, which it always does."""
        latest = workflow.now() + policy.DEFER_AT_MOST
        self._rung = 0
        self._deferred = True
        self._deadline = min(decision.defer_until or latest, latest)

    async def _close(
        self, outcome: ReviewOutcome, decision_id: str | None = None
    ) -> tuple[str, ...]:
        known = (*self._outcomes, *((decision_id,) if decision_id else ()))
        unknown = await call(
            RecordActivities.close_review,
            ask.CloseReview(self._review_id, outcome, known),
            lane=policy.IO,
        )
        if not unknown:
            self._closed = True
            self._outcome = outcome
        return unknown

    # --- the end ---

    async def _answer_late(self, state: ReviewState) -> None:
        """The review was closed before this run: say how to whoever asks once more."""
        self._closed = True
        for decision_id in tuple(self._waiting):
            if decision_id == state.decision_id:
                self._outcomes[decision_id] = await self._as_closed(state, decision_id)
        self._refuse_waiting()
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _as_closed(self, state: ReviewState, decision_id: str) -> DecisionOutcome:
        if state.outcome is ReviewOutcome.ENACTED:
            done = await call(
                RecordActivities.enact,
                ask.Enact(
                    self._patient_id, f"decision/{decision_id}", EnactBasis.DECISION, decision_id
                ),
                lane=policy.IO,
            )
            return DecisionOutcome(DecisionStatus.ENACTED, order_ids=done.order_ids)
        return DecisionOutcome(DecisionStatus.REJECTED)

    def _refuse_waiting(self) -> None:
        for decision_id in self._waiting:
            self._outcomes.setdefault(decision_id, DecisionOutcome(DecisionStatus.NOT_OPEN))
        self._waiting.clear()

    async def _tell_patient_loop(self) -> None:
        closed = msg.ReviewClosed(
            self._review_id, self._outcome or ReviewOutcome.WITHDRAWN, self._follow_ups
        )
        patient = workflow.get_external_workflow_handle(f"patient/{self._patient_id}")
        try:
            await patient.signal(Signal.REVIEW_CLOSED.value, closed)
        except ApplicationError:
            # No loop runs for this patient; it reads the record when it starts.
            workflow.logger.warning("patient_loop_away", extra={"review_id": self._review_id})

    def _require_open(self) -> None:
        if self._closed:
            raise ApplicationError("the review is closed", type="NotOpen")
