"""The loops' client, for the two APIs: each method is one person's word, sent as an update.

Update ids are chosen by the caller (a decision id, an idempotency key), so that a request sent
twice is answered twice and done once. A workflow that does not run yet, or any more, is started
with the update: it reads the record and answers from there.
"""

from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from services.ids import new_id
from services.loop_results import (
    AlarmState,
    Answer,
    ClaimOutcome,
    ClaimStatus,
    GoalStatus,
    HaltedBy,
    Side,
)
from services.outbox_messages import Priority, Queue, Workflow
from services.settings import Settings
from workflows import messages as msg
from workflows.codec import PayloadKeys, data_converter
from workflows.policy import temporal_priority
from workflows.starts import Start

ANSWER_WITHIN = timedelta(seconds=15)
ATTEMPTS = 3
# An update that a run accepted and did not finish, because the run ended: the next run takes it.
# Source: temporalio/temporal #6375.
_TRY_AGAIN = {"AcceptedUpdateCompletedWorkflow", "AlreadyCompleted"}

Result = TypeVar("Result")


class LoopUnavailable(RuntimeError):
    """No answer in time: the loops are away. Send the same request again, with the same id."""


class NotOpen(RuntimeError):
    """The review, advice or alarm is closed already. Read it again; nothing was changed."""


class Rejected(RuntimeError):
    """The loop does not take this. `reason` is a short code-like text without PHI."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def connect(settings: Settings, *, runtime: Runtime | None = None) -> "LoopClient":
    """Return a client of the stack's Temporal. It connects with its first request."""
    return LoopClient(await temporal_client(settings, runtime=runtime))


async def temporal_client(settings: Settings, *, runtime: Runtime | None = None) -> Client:
    """Return a Temporal client whose payloads are encrypted under the stack's payload keys."""
    keys = PayloadKeys.from_json(settings.secret("payload.json"))
    return await Client.connect(
        settings.temporal_address,
        data_converter=data_converter(keys),
        runtime=runtime,
        lazy=True,
    )


class LoopClient:
    """Every method raises LoopUnavailable, NotOpen or Rejected; see there what to do."""

    def __init__(self, client: Client) -> None:
        self._client = client

    # --- the patient ---

    async def answer_advice(
        self, patient_id: str, advice_id: str, answer: Answer, update_id: str
    ) -> msg.AnswerResult:
        """The patient's answer; returns when the step is enacted, or is not to be."""
        result = await self._update(
            self._patient(patient_id),
            "answer",
            msg.AdviceAnswer(advice_id, answer),
            update_id,
            msg.AnswerResult,
        )
        match result.status:
            case msg.AnswerResultStatus.NOT_OPEN:
                raise NotOpen(advice_id)
            case msg.AnswerResultStatus.CHANGED:
                raise Rejected("answered otherwise before")
            case msg.AnswerResultStatus.HALTED:
                raise Rejected("halted")
            case _:
                return result

    async def halt(
        self, patient_id: str, by: HaltedBy, actor_id: str, update_id: str | None = None
    ) -> msg.HaltState:
        """Stop all recommendations for one patient, at once."""
        request = msg.HaltRequest(by, actor_id)
        return await self._update(
            self._patient(patient_id), "halt", request, update_id, msg.HaltState
        )

    async def resume(
        self, patient_id: str, by: HaltedBy, actor_id: str, update_id: str | None = None
    ) -> msg.HaltState:
        """Ask to go on; `halted` stays True when the record does not allow this person to."""
        request = msg.ResumeRequest(by, actor_id)
        return await self._update(
            self._patient(patient_id), "resume", request, update_id, msg.HaltState
        )

    # --- the clinician's review ---

    async def decide(self, review_id: str, decision_id: str) -> msg.DecisionOutcome:
        """Carry out a decision that the record holds signed; returns what became of it."""
        outcome = await self._update(
            self._review(review_id),
            "decide",
            msg.DecisionGiven(decision_id),
            decision_id,
            msg.DecisionOutcome,
        )
        if outcome.status is msg.DecisionStatus.NOT_OPEN:
            raise NotOpen(review_id)
        return outcome

    async def claim(
        self, review_id: str, clinician_id: str, update_id: str | None = None
    ) -> ClaimOutcome:
        """Take a review; TAKEN names who holds it."""
        return _open_claim(
            await self._update(
                self._review(review_id),
                "claim",
                msg.ClaimRequest(clinician_id),
                update_id,
                ClaimOutcome,
            ),
            review_id,
        )

    async def reassign(
        self, review_id: str, request: msg.ReassignRequest, update_id: str | None = None
    ) -> ClaimOutcome:
        """Hand a review to another clinician."""
        return _open_claim(
            await self._update(
                self._review(review_id),
                "reassign",
                request,
                update_id,
                ClaimOutcome,
            ),
            review_id,
        )

    async def request_information(self, review_id: str, clinician_id: str, request_id: str) -> None:
        """Ask the patient first."""
        await self._update(
            self._review(review_id),
            "request_information",
            msg.InformationRequest(clinician_id, request_id),
            request_id,
            type(None),
        )

    # --- alarms ---

    async def acknowledge_alarm(
        self, alarm_id: str, clinician_id: str, update_id: str | None = None
    ) -> AlarmState:
        """Take an alarm; the ladder ends."""
        return await self._update(
            self._start(
                Workflow.ALARM,
                f"alarm/{alarm_id}",
                msg.AlarmStart(alarm_id),
                Priority.ALARM,
            ),
            "acknowledge",
            msg.AcknowledgeRequest(clinician_id),
            update_id,
            AlarmState,
        )

    # --- patient and clinician ---

    async def propose_goal(
        self, patient_id: str, goal_id: str, side: Side, update_id: str | None = None
    ) -> GoalStatus:
        """A goal that the record holds was proposed by one side."""
        proposed = msg.GoalProposed(goal_id, side)
        return await self._update(
            self._careplan(patient_id), "propose_goal", proposed, update_id, GoalStatus
        )

    async def agree_goal(
        self,
        patient_id: str,
        goal_id: str,
        side: Side,
        actor_id: str,
        update_id: str | None = None,
    ) -> GoalStatus:
        """One side signs the goal."""
        answer = msg.GoalAnswered(goal_id, side, actor_id, agree=True)
        return await self._update(
            self._careplan(patient_id), "answer_goal", answer, update_id, GoalStatus
        )

    async def decline_goal(
        self,
        patient_id: str,
        goal_id: str,
        side: Side,
        actor_id: str,
        update_id: str | None = None,
    ) -> GoalStatus:
        """One side declines the goal."""
        answer = msg.GoalAnswered(goal_id, side, actor_id, agree=False)
        return await self._update(
            self._careplan(patient_id), "answer_goal", answer, update_id, GoalStatus
        )

    async def plan_visit(
        self, patient_id: str, at: datetime, chosen_by: str, update_id: str | None = None
    ) -> datetime:
        """A person chooses the next visit."""
        planned = msg.VisitPlanned(at, chosen_by)
        return await self._update(
            self._careplan(patient_id), "plan_visit", planned, update_id, datetime
        )

    # --- sending ---

    def _patient(self, patient_id: str) -> "StartFactory":
        start = msg.PatientStart(patient_id, new_id())
        return self._start(Workflow.PATIENT, f"patient/{patient_id}", start, Priority.PATIENT)

    def _review(self, review_id: str) -> "StartFactory":
        start = msg.ReviewStart(review_id)
        return self._start(Workflow.REVIEW, f"review/{review_id}", start, Priority.REVIEW)

    def _careplan(self, patient_id: str) -> "StartFactory":
        start = msg.CareplanStart(patient_id, new_id())
        return self._start(Workflow.CAREPLAN, f"careplan/{patient_id}", start, Priority.PATIENT)

    def _start(
        self, workflow: Workflow, workflow_id: str, start: Start, priority: Priority
    ) -> "StartFactory":
        return StartFactory(workflow, workflow_id, start, priority)

    async def _update(
        self,
        start: "StartFactory",
        update: str,
        request: object,
        update_id: str | None,
        result_type: type[Result],
    ) -> Result:
        same_id = update_id or new_id()
        for _ in range(ATTEMPTS):
            try:
                return await self._send(start, update, request, same_id, result_type)
            except WorkflowUpdateFailedError as err:
                _raise_unless_worth_another_try(err)
            except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError, RuntimeError) as err:
                # A client that cannot connect says so by a bare RuntimeError.
                raise LoopUnavailable(update) from err
        raise LoopUnavailable(update)

    async def _send(
        self,
        start: "StartFactory",
        update: str,
        request: object,
        update_id: str,
        result_type: type[Result],
    ) -> Result:
        handle = await self._client.start_update_with_start_workflow(
            update,
            request,
            start_workflow_operation=start.operation(),
            wait_for_stage=WorkflowUpdateStage.COMPLETED,
            id=update_id,
            result_type=result_type,
            rpc_timeout=ANSWER_WITHIN,
        )
        result: Result = await handle.result(rpc_timeout=ANSWER_WITHIN)
        return result


class StartFactory:
    """How to start the workflow when it does not run; an operation may be used once only."""

    def __init__(
        self, workflow: Workflow, workflow_id: str, start: Start, priority: Priority
    ) -> None:
        self._workflow = workflow
        self._workflow_id = workflow_id
        self._start = start
        self._priority = priority

    def operation(self) -> WithStartWorkflowOperation[Any, Any]:
        """Return a fresh operation."""
        return WithStartWorkflowOperation(
            self._workflow.value,
            self._start,
            id=self._workflow_id,
            task_queue=Queue.LOOPS.value,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            priority=temporal_priority(self._priority),
        )


def _open_claim(outcome: ClaimOutcome, review_id: str) -> ClaimOutcome:
    if outcome.status is ClaimStatus.NOT_OPEN:
        raise NotOpen(review_id)
    return outcome


def _raise_unless_worth_another_try(err: WorkflowUpdateFailedError) -> None:
    cause = err.cause
    kind = cause.type if isinstance(cause, ApplicationError) else None
    if kind in _TRY_AGAIN:
        return
    if kind == "NotOpen":
        raise NotOpen(str(cause)) from err
    if kind == "Halted":
        raise Rejected("halted") from err
    if kind == "Rejected":
        raise Rejected(str(cause)) from err
    raise Rejected("not in the record") from err
