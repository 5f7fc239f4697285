"""Messages: what goes into and comes out of the loops. Frozen, tagged, ids and times, no PHI."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from services.loop_results import (
    Answer,
    DecisionKind,
    FollowUp,
    HaltedBy,
    ReviewOutcome,
    Side,
)
from workflows.agenda import Due

# --- starts: what a loop is born with, and what it hands on when it continues as new ------------


@dataclass(frozen=True, slots=True)
class PatientCarry:
    """What a patient's loop hands on to its next run."""

    sequence: int
    agenda: tuple[Due, ...]
    open_review_ids: tuple[str, ...]
    advice_id: str | None
    last_reading_at: datetime | None
    halted: bool
    monitored: bool
    reassess: bool
    done_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PatientStart:
    """`epoch` is random and part of every key of the loop's effects: a loop started afresh does
    not meet the keys of an earlier one, and a reset loop meets its own."""

    patient_id: str
    epoch: str
    carried: PatientCarry | None = None
    kind: Literal["patient_start"] = "patient_start"


@dataclass(frozen=True, slots=True)
class ReviewStart:
    review_id: str
    kind: Literal["review_start"] = "review_start"


@dataclass(frozen=True, slots=True)
class AlarmStart:
    """`rung` and `ladder_began_at` are set after continuing as new."""

    alarm_id: str
    rung: int = 0
    ladder_began_at: datetime | None = None
    kind: Literal["alarm_start"] = "alarm_start"


@dataclass(frozen=True, slots=True)
class CareplanCarry:
    """What a patient-clinician loop hands on to its next run. `since` is its very first start."""

    since: datetime
    sequence: int
    agenda: tuple[Due, ...]
    goal_ids: tuple[str, ...]
    envelope_id: str | None
    visit_at: datetime | None
    done: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CareplanStart:
    patient_id: str
    epoch: str
    carried: CareplanCarry | None = None
    kind: Literal["careplan_start"] = "careplan_start"


@dataclass(frozen=True, slots=True)
class IngestStart:
    kind: Literal["ingest_start"] = "ingest_start"


# --- signals: from machines ---


@dataclass(frozen=True, slots=True)
class Recorded:
    """New facts are in the record, since `written_at` (for the latency to their verdict)."""

    patient_id: str
    what: str
    written_at: datetime | None = None
    kind: Literal["recorded"] = "recorded"


@dataclass(frozen=True, slots=True)
class HaltChanged:
    patient_id: str
    kind: Literal["halt_changed"] = "halt_changed"


@dataclass(frozen=True, slots=True)
class MonitoringChanged:
    """Consent to monitoring was given or taken back, or a death was noted."""

    patient_id: str
    kind: Literal["monitoring_changed"] = "monitoring_changed"


@dataclass(frozen=True, slots=True)
class AnswerRecorded:
    """The record holds the patient's answer; its update may be lost, or may have come first."""

    patient_id: str
    advice_id: str
    answer: Answer
    kind: Literal["answer_recorded"] = "answer_recorded"


@dataclass(frozen=True, slots=True)
class ReviewClosed:
    """A review ended; its follow-ups are now the patient loop's to keep."""

    review_id: str
    outcome: ReviewOutcome
    follow_ups: tuple[FollowUp, ...] = ()
    kind: Literal["review_closed"] = "review_closed"


@dataclass(frozen=True, slots=True)
class ModelPromoted:
    """Another model ranks from now on: assess again."""

    model_id: str
    model_version: str
    kind: Literal["model_promoted"] = "model_promoted"


@dataclass(frozen=True, slots=True)
class DecisionRecorded:
    review_id: str
    patient_id: str
    decision_id: str
    kind: Literal["decision_recorded"] = "decision_recorded"


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """The alarm was raised, or its urgency rose."""

    alarm_id: str
    patient_id: str
    kind: Literal["alarm_raised"] = "alarm_raised"


@dataclass(frozen=True, slots=True)
class RepeatRecorded:
    alarm_id: str
    patient_id: str
    kind: Literal["repeat_recorded"] = "repeat_recorded"


@dataclass(frozen=True, slots=True)
class CareplanChanged:
    patient_id: str
    kind: Literal["careplan_changed"] = "careplan_changed"


@dataclass(frozen=True, slots=True)
class WindowsWaiting:
    kind: Literal["windows_waiting"] = "windows_waiting"


# --- updates: from people ---


@dataclass(frozen=True, slots=True)
class AdviceAnswer:
    advice_id: str
    answer: Answer
    kind: Literal["advice_answer"] = "advice_answer"


class AnswerResultStatus(StrEnum):
    """What became of the patient's answer. REFUSED: the guard said no on fresh data."""

    ENACTED = "enacted"
    REFUSED = "refused"
    DECLINED = "declined"
    NOT_OPEN = "not_open"
    CHANGED = "changed"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class AnswerResult:
    status: AnswerResultStatus
    order_ids: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    kind: Literal["answer_result"] = "answer_result"


@dataclass(frozen=True, slots=True)
class HaltRequest:
    by: HaltedBy
    actor_id: str
    kind: Literal["halt_request"] = "halt_request"


@dataclass(frozen=True, slots=True)
class ResumeRequest:
    by: HaltedBy
    actor_id: str
    kind: Literal["resume_request"] = "resume_request"


@dataclass(frozen=True, slots=True)
class HaltState:
    halted: bool
    kind: Literal["halt_state"] = "halt_state"


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    clinician_id: str
    kind: Literal["claim_request"] = "claim_request"


@dataclass(frozen=True, slots=True)
class ReassignRequest:
    to_clinician_id: str
    by_clinician_id: str
    kind: Literal["reassign_request"] = "reassign_request"


@dataclass(frozen=True, slots=True)
class InformationRequest:
    clinician_id: str
    request_id: str
    kind: Literal["information_request"] = "information_request"


@dataclass(frozen=True, slots=True)
class DecisionGiven:
    """A decision that the record already holds, signed."""

    decision_id: str
    kind: Literal["decision_given"] = "decision_given"


class DecisionStatus(StrEnum):
    """What became of a decision. REFUSED: the guard said no, the review stays open."""

    ENACTED = "enacted"
    REFUSED = "refused"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    NOT_OPEN = "not_open"


@dataclass(frozen=True, slots=True)
class DecisionOutcome:
    """`reasons` are the guard's rule ids when it refused."""

    status: DecisionStatus
    decision_kind: DecisionKind | None = None
    order_ids: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    kind: Literal["decision_outcome"] = "decision_outcome"


@dataclass(frozen=True, slots=True)
class AcknowledgeRequest:
    clinician_id: str
    kind: Literal["acknowledge_request"] = "acknowledge_request"


@dataclass(frozen=True, slots=True)
class GoalProposed:
    """A goal that the record already holds, signed by the side that proposes it."""

    goal_id: str
    side: Side
    kind: Literal["goal_proposed"] = "goal_proposed"


@dataclass(frozen=True, slots=True)
class GoalAnswered:
    goal_id: str
    side: Side
    actor_id: str
    agree: bool
    kind: Literal["goal_answered"] = "goal_answered"


@dataclass(frozen=True, slots=True)
class VisitPlanned:
    at: datetime
    chosen_by: str
    kind: Literal["visit_planned"] = "visit_planned"


# --- queries ---


@dataclass(frozen=True, slots=True)
class PatientLoopState:
    """The loop as it stands, for operators and tests."""

    sequence: int
    halted: bool
    monitored: bool
    advice_id: str | None
    open_review_ids: tuple[str, ...]
    agenda: tuple[Due, ...]
    idle: bool
    kind: Literal["patient_loop_state"] = "patient_loop_state"


@dataclass(frozen=True, slots=True)
class ReviewLoopState:
    rung: int
    deadline: datetime | None
    claimed_by: str | None
    closed: bool
    kind: Literal["review_loop_state"] = "review_loop_state"


@dataclass(frozen=True, slots=True)
class AlarmLoopState:
    rung: int
    waits_for_repeat: bool
    over: bool
    kind: Literal["alarm_loop_state"] = "alarm_loop_state"


@dataclass(frozen=True, slots=True)
class CareplanLoopState:
    goal_ids: tuple[str, ...]
    visit_at: datetime | None
    agenda: tuple[Due, ...]
    idle: bool
    kind: Literal["careplan_loop_state"] = "careplan_loop_state"
