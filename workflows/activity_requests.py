"""What activities are asked: one frozen, tagged request each. Ids, keys and times, no PHI."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.loop_results import (
    AdviceOutcome,
    AlarmOutcome,
    Answer,
    EnactBasis,
    HaltedBy,
    ReminderReason,
    ReviewOutcome,
    Side,
    TaskKind,
)


@dataclass(frozen=True, slots=True)
class Assess:
    """`readings_since`: when the oldest readings that wait for this assessment were stored."""

    patient_id: str
    key: str
    readings_since: datetime | None = None
    kind: Literal["assess"] = "assess"


@dataclass(frozen=True, slots=True)
class Enact:
    patient_id: str
    key: str
    basis: EnactBasis
    basis_id: str
    kind: Literal["enact"] = "enact"


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    advice_id: str
    patient_id: str
    answer: Answer
    kind: Literal["record_answer"] = "record_answer"


@dataclass(frozen=True, slots=True)
class CloseAdvice:
    advice_id: str
    outcome: AdviceOutcome
    kind: Literal["close_advice"] = "close_advice"


@dataclass(frozen=True, slots=True)
class Remind:
    patient_id: str
    key: str
    reason: ReminderReason
    kind: Literal["remind"] = "remind"


@dataclass(frozen=True, slots=True)
class OpenTask:
    patient_id: str
    key: str
    task: TaskKind
    about_id: str | None = None
    kind: Literal["open_task"] = "open_task"


@dataclass(frozen=True, slots=True)
class ChangeHalt:
    """Set the halt (`halt` True) or ask to lift it."""

    patient_id: str
    halt: bool
    by: HaltedBy
    actor_id: str
    kind: Literal["change_halt"] = "change_halt"


@dataclass(frozen=True, slots=True)
class About:
    """Ask about one id: a patient, a review, a decision or an alarm, as the activity says."""

    subject_id: str
    kind: Literal["about"] = "about"


@dataclass(frozen=True, slots=True)
class ClaimReview:
    review_id: str
    clinician_id: str
    kind: Literal["claim_review"] = "claim_review"


@dataclass(frozen=True, slots=True)
class ReassignReview:
    review_id: str
    to_clinician_id: str
    by_clinician_id: str
    kind: Literal["reassign_review"] = "reassign_review"


@dataclass(frozen=True, slots=True)
class AskPatient:
    """A clinician wants to know more before deciding."""

    review_id: str
    clinician_id: str
    key: str
    kind: Literal["ask_patient"] = "ask_patient"


@dataclass(frozen=True, slots=True)
class ReachRung:
    """A ladder reached a rung; `subject_id` is a review or an alarm."""

    subject_id: str
    rung: int
    kind: Literal["reach_rung"] = "reach_rung"


@dataclass(frozen=True, slots=True)
class CloseReview:
    review_id: str
    outcome: ReviewOutcome
    known_decision_ids: tuple[str, ...]
    kind: Literal["close_review"] = "close_review"


@dataclass(frozen=True, slots=True)
class AcknowledgeAlarm:
    alarm_id: str
    clinician_id: str
    kind: Literal["acknowledge_alarm"] = "acknowledge_alarm"


@dataclass(frozen=True, slots=True)
class CloseAlarm:
    alarm_id: str
    outcome: AlarmOutcome
    kind: Literal["close_alarm"] = "close_alarm"


@dataclass(frozen=True, slots=True)
class AnswerGoal:
    goal_id: str
    side: Side
    actor_id: str
    agree: bool
    kind: Literal["answer_goal"] = "answer_goal"


@dataclass(frozen=True, slots=True)
class PlanVisit:
    """`chosen_by` None: the loop chose the time by stability."""

    patient_id: str
    key: str
    at: datetime
    chosen_by: str | None
    kind: Literal["plan_visit"] = "plan_visit"


@dataclass(frozen=True, slots=True)
class Page:
    key: str
    recipient_id: str
    topic: str
    about_id: str
    urgent: bool
    kind: Literal["page"] = "page"


@dataclass(frozen=True, slots=True)
class ProcessWindows:
    limit: int
    kind: Literal["process_windows"] = "process_windows"
