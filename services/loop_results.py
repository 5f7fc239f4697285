"""What the record answers to the loops: pure, frozen, ids and times only, no clinical values.

The store returns these and the loops carry them in their histories, so they hold no PHI: ids,
states, rule ids and due times. Each outcome that branches is an enum named `kind` or `status`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class VerdictKind(StrEnum):
    """The five kinds of `services.clinical.verdict`, as a loop needs them."""

    NEEDS_DATA = "needs_data"
    HOLD = "hold"
    REFUSE = "refuse"
    ASK = "ask"
    ADVISE = "advise"


@dataclass(frozen=True, slots=True)
class AssessOutcome:
    """One assessment as saved.

    `review_id` / `advice_id` name what is open for this patient because of it, whether this
    assessment opened it or found it open; `*_opened_at` is when that was opened.
    `missing` lists inputs such as "potassium"; `next_due` is when to assess again unasked.
    """

    assessment_id: str
    verdict_kind: VerdictKind
    review_id: str | None = None
    review_opened_at: datetime | None = None
    advice_id: str | None = None
    advice_opened_at: datetime | None = None
    missing: tuple[str, ...] = ()
    alarm_ids: tuple[str, ...] = ()
    last_reading_at: datetime | None = None
    next_due: datetime | None = None


class FollowUpKind(StrEnum):
    """What is due some time after a dose changed.

    Source: symptom check at 7 d, BMP at 14-28 d, next window at 28 d (titrator rule 7) [D];
    a step taken under stage one_step is looked at by a clinician the next day.
    """

    CLINICIAN_LOOKS_AT_STEP = "clinician_looks_at_step"
    SYMPTOM_CHECK = "symptom_check"
    LABS_DUE = "labs_due"
    NEXT_WINDOW = "next_window"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One follow-up of one enactment. `follow_up_id` is unique: it is the key of its effect."""

    follow_up_id: str
    kind: FollowUpKind
    due_at: datetime


class EnactKind(StrEnum):
    """ALREADY: this key was enacted before, `order_ids` are those of then."""

    ENACTED = "enacted"
    REFUSED = "refused"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class EnactOutcome:
    """What became of a decision or an accepted advice. `reasons` are rule ids of the guard."""

    kind: EnactKind
    order_ids: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()


class EnactBasis(StrEnum):
    """On what an order rests: the patient's acceptance, or a clinician's signed decision."""

    ADVICE = "advice"
    DECISION = "decision"


class Answer(StrEnum):
    """The patient's answer to advice."""

    ACCEPT = "accept"
    DECLINE = "decline"


class AnswerStatus(StrEnum):
    """NOT_OPEN: closed, or another patient's advice. CHANGED: answered otherwise before."""

    RECORDED = "recorded"
    NOT_OPEN = "not_open"
    CHANGED = "changed"


class AdviceOutcome(StrEnum):
    """Why an advice closed."""

    ENACTED = "enacted"
    REFUSED = "refused"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class ReviewOutcome(StrEnum):
    """Why a review closed. NO_CHANGE is the end of the ladder: nobody decided, so nothing moves."""

    ENACTED = "enacted"
    REJECTED = "rejected"
    NO_CHANGE = "no_change"
    WITHDRAWN = "withdrawn"


class ReviewStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ReviewState:
    """A review as the record holds it. `outcome` and `decision_id` say how it was closed."""

    review_id: str
    patient_id: str
    status: ReviewStatus
    opened_at: datetime
    claimed_by: str | None = None
    outcome: ReviewOutcome | None = None
    decision_id: str | None = None


class ClaimStatus(StrEnum):
    """TAKEN: another clinician holds it, named by `claimed_by`."""

    CLAIMED = "claimed"
    TAKEN = "taken"
    NOT_OPEN = "not_open"


@dataclass(frozen=True, slots=True)
class ClaimOutcome:
    """What became of a claim or a reassignment."""

    status: ClaimStatus
    claimed_by: str | None = None


class DecisionKind(StrEnum):
    """What a clinician can decide. ACCEPT and MODIFY move a dose through the guard."""

    ACCEPT = "accept"
    MODIFY = "modify"
    REJECT = "reject"
    DEFER = "defer"


@dataclass(frozen=True, slots=True)
class Decision:
    """A signed decision as the record holds it. `defer_until` is set for DEFER only."""

    decision_id: str
    review_id: str
    kind: DecisionKind
    decided_by: str
    defer_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """Whom to tell at this rung: clinician ids, never empty while the matter is open.

    `still_open` False: somebody dealt with it in the record; the ladder ends.
    """

    still_open: bool
    notify: tuple[str, ...] = ()


class AlarmUrgency(StrEnum):
    """The urgencies of `services.clinical.alarms.Urgency`."""

    EMERGENCY = "emergency"
    REPEAT = "repeat"
    SAME_DAY = "same_day"
    QUEUE = "queue"


class AlarmStatus(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class AlarmState:
    """An alarm as the record holds it. `raised_at` starts its ladder."""

    alarm_id: str
    patient_id: str
    status: AlarmStatus
    urgency: AlarmUrgency
    raised_at: datetime


class AlarmOutcome(StrEnum):
    """Why an alarm closed. REPEAT_NORMAL: the repeat was below the crisis limits."""

    ACKNOWLEDGED = "acknowledged"
    REPEAT_NORMAL = "repeat_normal"
    CONFIRMED_ELSEWHERE = "confirmed_elsewhere"


class RepeatKind(StrEnum):
    """What the record shows after a crisis reading asked for a repeat.

    NONE: no reading since. NORMAL: repeated below the limits. CONFIRMED: high again; an alarm
    of its own (crisis_confirmed, crisis_with_symptoms) was raised in the same transaction.
    """

    NONE = "none"
    NORMAL = "normal"
    CONFIRMED = "confirmed"


class Side(StrEnum):
    """Who speaks in the patient-clinician loop."""

    PATIENT = "patient"
    CLINICIAN = "clinician"


class GoalStatus(StrEnum):
    PROPOSED = "proposed"
    AGREED = "agreed"
    DECLINED = "declined"
    LAPSED = "lapsed"


class Stability(StrEnum):
    """How steady the home pressures are, for the time of the next visit."""

    VOLATILE = "volatile"
    UNKNOWN = "unknown"
    ABOVE_TARGET = "above_target"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class CareplanState:
    """What the patient-clinician loop waits for.

    `next_visit_at` is the planned visit, if any; `visit_fixed` when a person chose its time, so
    that stability does not move it later (only sooner). `envelope_expires_at` is of the current
    signed envelope; None when there is none. `open_goal_ids` await an answer.
    """

    patient_id: str
    stability: Stability
    last_visit_at: datetime | None
    next_visit_at: datetime | None
    visit_fixed: bool
    envelope_id: str | None
    envelope_expires_at: datetime | None
    open_goal_ids: tuple[str, ...] = ()


class TaskKind(StrEnum):
    """Work for a person that a loop opens."""

    CALL_PATIENT = "call_patient"
    CHECK_SILENT_PATIENT = "check_silent_patient"
    LOOK_AT_PATIENT_STEP = "look_at_patient_step"
    RENEW_ENVELOPE = "renew_envelope"
    LOOK_AT_LOWERED_PLAN = "look_at_lowered_plan"
    HOLD_VISIT = "hold_visit"


class ReminderReason(StrEnum):
    """Why the patient hears from us."""

    READINGS_DUE = "readings_due"
    ADVICE_WAITS = "advice_waits"
    LABS_DUE = "labs_due"
    SYMPTOM_CHECK = "symptom_check"
    NEXT_WINDOW = "next_window"
    GOAL_WAITS = "goal_waits"
    INFORMATION_REQUESTED = "information_requested"
    REPEAT_READING = "repeat_reading"
    VISIT_SOON = "visit_soon"
    CUFF_CHECK = "cuff_check"
    """The wearable departs from the last cuff reading: only a cuff can tell."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a patient's loop may go on.

    `monitored` False: the patient died or took back the agreement, and is neither assessed nor
    reminded.
    """

    halted: bool
    monitored: bool


class HaltedBy(StrEnum):
    """Who stopped the recommendations."""

    PATIENT = "patient"
    CLINICIAN = "clinician"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class WindowBatchOutcome:
    """One ingest batch: windows completed now, those of them unreadable, and what is left to do.

    `held_elsewhere`: none could be taken, yet some wait: a worker has them, or was killed with
    them, and they are offered again when its lease ends.
    """

    completed: int
    unreadable: int
    more_pending: bool
    held_elsewhere: bool = False
