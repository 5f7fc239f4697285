"""What the loops need of the world. The store, notify and signals implement these.

Every method of `Records` is one transaction, is given `now`, and is idempotent: an activity may
run twice, so the second run with the same ids (or the same `key`) changes nothing and answers as
the first did. Keys are workflow id + business sequence, never a run id.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.clinical.proposal import Predictor
from services.loop_results import (
    AdviceOutcome,
    AlarmOutcome,
    AlarmState,
    Answer,
    AnswerStatus,
    AssessOutcome,
    CareplanState,
    ClaimOutcome,
    Decision,
    EnactBasis,
    EnactOutcome,
    Escalation,
    GoalStatus,
    HaltedBy,
    ReminderReason,
    RepeatKind,
    ReviewOutcome,
    ReviewState,
    Side,
    Standing,
    TaskKind,
    WindowBatchOutcome,
)
from services.outbox_messages import ClaimedMessage


class Records(Protocol):
    """The record, as the loops use it.

    An id that does not exist raises an exception named NotInRecord: such calls are not retried.
    """

    # --- patient-AI loop -------------------------------------------------------------------

    async def assess(
        self, patient_id: str, *, key: str, predictor: Predictor, now: datetime
    ) -> AssessOutcome:
        """Load, judge and save one assessment; raise its alarms; open its review or advice.

        While the patient is halted no review or advice is opened. Alarms with their outbox
        messages are committed before the predictor is asked: a red flag never waits for it.
        Snapshot, proposal, verdict, FHIR resources, the review or advice row and the log events
        are one transaction, unique on `key`.
        """
        ...

    async def after_assessing(self, patient_id: str, *, now: datetime) -> None:
        """Do what an assessment sets off beside its verdict.

        Note what the last step came to, once it can be known; ask for a cuff reading where the
        wearable departs from the last one: once for each sitting, by day, beside no other ask.
        """
        ...

    async def enact(
        self, patient_id: str, *, key: str, basis: EnactBasis, basis_id: str, now: datetime
    ) -> EnactOutcome:
        """Judge again on fresh data; write order, Provenance, AuditEvent, event and outbox at once.

        Unique on `key` and on (basis, basis_id): a dose is enacted once whoever asks.
        A refusal writes its own event and leaves the regimen as it was.
        """
        ...

    async def record_answer(
        self, advice_id: str, *, patient_id: str, answer: Answer, now: datetime
    ) -> AnswerStatus:
        """Keep the patient's answer. The same answer again is RECORDED; another is CHANGED.

        An advice that is closed, unknown or another patient's is NOT_OPEN, unless this same
        answer closed it (then RECORDED).
        """
        ...

    async def close_advice(self, advice_id: str, *, outcome: AdviceOutcome, now: datetime) -> None:
        """Close an advice with its outcome; closed already: nothing happens."""
        ...

    async def remind(
        self, patient_id: str, *, key: str, reason: ReminderReason, now: datetime
    ) -> None:
        """Put a message before the patient, once a key."""
        ...

    async def open_task(
        self, patient_id: str, *, key: str, task: TaskKind, about_id: str | None, now: datetime
    ) -> tuple[str, ...]:
        """Open work for a clinician, once a key; return the ids of those to notify."""
        ...

    async def set_halt(
        self, patient_id: str, *, by: HaltedBy, actor_id: str, now: datetime
    ) -> None:
        """Stop all recommendations for this patient; halted already: nothing happens."""
        ...

    async def lift_halt(
        self, patient_id: str, *, by: HaltedBy, actor_id: str, now: datetime
    ) -> bool:
        """Lift the halt. False when it stays: only a clinician lifts what a clinician set."""
        ...

    async def standing(self, patient_id: str) -> Standing:
        """Whether this patient, or everything, is halted; and whether the patient is monitored."""
        ...

    # --- clinician-AI loop -----------------------------------------------------------------

    async def review_state(self, review_id: str) -> ReviewState:
        """The review as it stands."""
        ...

    async def claim_review(
        self, review_id: str, *, clinician_id: str, now: datetime
    ) -> ClaimOutcome:
        """Give the review to a clinician who asked for it, unless another holds it."""
        ...

    async def reassign_review(
        self, review_id: str, *, to_clinician_id: str, by_clinician_id: str, now: datetime
    ) -> ClaimOutcome:
        """Hand the review over."""
        ...

    async def request_information(
        self, review_id: str, *, clinician_id: str, key: str, now: datetime
    ) -> None:
        """Note that the clinician wants to know more first, and tell the patient."""
        ...

    async def decision(self, decision_id: str) -> Decision:
        """A decision as signed."""
        ...

    async def escalate_review(self, review_id: str, *, rung: int, now: datetime) -> Escalation:
        """Note the rung reached. Rung 0: whose review it is; 1: the covering clinician."""
        ...

    async def close_review(
        self,
        review_id: str,
        *,
        outcome: ReviewOutcome,
        known_decision_ids: tuple[str, ...],
        now: datetime,
    ) -> tuple[str, ...]:
        """Close a review with its outcome; closed already: nothing happens, return ().

        For ENACTED and REJECTED the last known decision is the one that closed it. NO_CHANGE and
        WITHDRAWN do not close a review that holds a signed decision other than
        `known_decision_ids`: it stays open and their ids are returned, so that the end of the
        ladder never loses a decision signed in its last second.
        """
        ...

    # --- alarm -----------------------------------------------------------------------------

    async def alarm_state(self, alarm_id: str) -> AlarmState:
        """The alarm as it stands."""
        ...

    async def repeat_outcome(self, alarm_id: str, *, now: datetime) -> RepeatKind:
        """What cuff readings taken since the alarm's own say of it."""
        ...

    async def raise_to_same_day(self, alarm_id: str, *, now: datetime) -> None:
        """No repeat came (cause crisis_not_repeated): the alarm now pages a clinician."""
        ...

    async def escalate_alarm(self, alarm_id: str, *, rung: int, now: datetime) -> Escalation:
        """Note the rung reached; say whom to page, another person at each rung."""
        ...

    async def acknowledge_alarm(
        self, alarm_id: str, *, clinician_id: str, now: datetime
    ) -> AlarmState:
        """Note who took the alarm; acknowledged before: the first stays."""
        ...

    async def close_alarm(self, alarm_id: str, *, outcome: AlarmOutcome, now: datetime) -> None:
        """Close an alarm with its outcome; closed already: nothing happens."""
        ...

    # --- patient-clinician loop ------------------------------------------------------------

    async def careplan_state(self, patient_id: str, *, now: datetime) -> CareplanState:
        """Visits, envelope, goals and stability as they stand."""
        ...

    async def answer_goal(
        self,
        goal_id: str,
        *,
        side: Side,
        actor_id: str,
        agree: bool,
        now: datetime,
    ) -> GoalStatus:
        """One side signs or declines; AGREED when both signed. Answered before: as it stands."""
        ...

    async def lapse_goal(self, goal_id: str, *, now: datetime) -> GoalStatus:
        """Nobody answered in time: a proposed goal lapses (it never becomes agreed)."""
        ...

    async def plan_visit(
        self, patient_id: str, *, key: str, at: datetime, chosen_by: str | None, now: datetime
    ) -> None:
        """Plan or move the next visit. `chosen_by` None: by stability, else a person's id."""
        ...


class Outbox(Protocol):
    """Messages committed by other transactions, for the relay."""

    async def claim(
        self, *, limit: int, lease_s: float, now: datetime
    ) -> tuple[ClaimedMessage, ...]:
        """Take undelivered messages: priority 1 first, then oldest first.

        Taken messages are hidden from others for `lease_s`, then offered again: at least once.
        """
        ...

    async def mark_delivered(self, sequences: Sequence[int], *, now: datetime) -> None:
        """These arrived; they are never offered again."""
        ...

    async def mark_failed(self, sequence: int, *, error_code: str, now: datetime) -> None:
        """This one cannot be delivered as it is written; it is kept apart for a person to see."""
        ...

    async def release(self, sequences: Sequence[int], *, now: datetime) -> None:
        """Not delivered now (the loops are away): offer them again at once."""
        ...

    async def wait(self, *, timeout_s: float) -> None:
        """Return when a message may have been committed (NOTIFY), or after `timeout_s`."""
        ...


class Notifier(Protocol):
    """Reaches people. A page names a topic and an opaque id, never a patient's name or value."""

    async def page(
        self, *, key: str, recipient_id: str, topic: str, about_id: str, urgent: bool
    ) -> None:
        """Deliver one page, once a key where the channel can tell.

        An exception means that no channel took it: the loop tries again and escalates anyway.
        """
        ...


class WindowProcessor(Protocol):
    """Turns waiting wearable windows into features, a batch at a time."""

    async def process_batch(self, *, limit: int, now: datetime) -> WindowBatchOutcome:
        """Take up to `limit` pending windows, extract, and complete each exactly once.

        A window is completed in one transaction with its features, only while it is pending.
        """
        ...
