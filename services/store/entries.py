"""What is open between people and the loops: reviews, advice, alarms, goals, tasks, windows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.clinical.assessment import Assessment
from services.clinical.envelope import Envelope
from services.clinical.moves import Move
from services.clinical.patient import Snapshot
from services.clinical.proposal import Override, RankedMove
from services.store.rows import Signature


@dataclass(frozen=True, slots=True)
class AssessmentDocument:
    """One assessment as it was: what it saw and what it said; nothing is ever recomputed."""

    assessment_id: str
    snapshot: Snapshot
    envelope: Envelope | None
    assessment: Assessment
    lock_sha256: str | None = None
    """`installed.lock_sha256` of the process that made it; None: not known, as before it was kept.
    Making it again promises the same on the same lock only."""


@dataclass(frozen=True, slots=True)
class AssessmentEntry:
    """An assessment in a list."""

    assessment_id: str
    patient_id: str
    made_at: datetime
    verdict_kind: str


@dataclass(frozen=True, slots=True)
class DecisionBody:
    """The sealed part of a decision."""

    move_id: str | None
    reason_code: str | None
    reason_text: str | None
    overrides: tuple[Override, ...]
    defer_until: datetime | None
    signature: Signature | None


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A clinician's decision on a review as it was shown: `review_version` must still hold.

    ACCEPT and MODIFY name the move; `signature` is over the review's record (`reviews.record`).
    """

    decision_id: str
    review_id: str
    review_version: int
    kind: Literal["accept", "modify", "reject", "defer"]
    clinician_id: str
    dwell_s: float
    body: DecisionBody


@dataclass(frozen=True, slots=True)
class DecisionEntry:
    """A decision on record."""

    decision_id: str
    review_id: str
    patient_id: str
    review_version: int
    kind: Literal["accept", "modify", "reject", "defer"]
    clinician_id: str
    decided_at: datetime
    dwell_s: float
    body: DecisionBody


@dataclass(frozen=True, slots=True)
class ReviewEntry:
    """A review; `version` is its ETag. `status`: open, claimed, decided, deferred, closed."""

    review_id: str
    patient_id: str
    assessment_id: str
    status: str
    version: int
    rung: int
    opened_at: datetime
    due_at: datetime
    claimed_by: str | None
    claimed_at: datetime | None
    closed_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class AdviceBody:
    """What the patient is offered."""

    move: Move
    envelope_id: str
    envelope_version: int
    ranked: RankedMove | None = None


@dataclass(frozen=True, slots=True)
class AdviceEntry:
    """A step offered to the patient. `status`: open or closed; `outcome` says how it ended."""

    advice_id: str
    patient_id: str
    assessment_id: str
    status: str
    offered_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    outcome: str | None
    body: AdviceBody


@dataclass(frozen=True, slots=True)
class AlarmEntry:
    """An alarm; `repeats` counts how often its cause was seen again while it was open."""

    alarm_id: str
    patient_id: str
    cause: str
    urgency: str
    since: datetime
    raised_at: datetime
    last_raised_at: datetime
    repeats: int
    status: str
    rung: int
    evidence_ids: tuple[str, ...]
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    note: str | None
    closed_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class GoalEntry:
    """A goal. `status`: proposed, agreed, declined, lapsed."""

    goal_id: str
    patient_id: str
    proposed_by_kind: str
    proposed_by_id: str
    proposed_at: datetime
    status: str
    text: str
    patient_agreed_at: datetime | None
    clinician_agreed_at: datetime | None
    clinician_id: str | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessageEntry:
    """A message between patient and care team."""

    message_id: str
    patient_id: str
    from_kind: str
    from_id: str
    sent_at: datetime
    read_at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """Something a person has to do."""

    task_id: str
    patient_id: str
    task_kind: str
    cause: str
    status: str
    opened_at: datetime
    due_at: datetime | None
    note: str | None
    done_at: datetime | None
    done_by: str | None


@dataclass(frozen=True, slots=True)
class VisitEntry:
    """A visit. `reason`: stability, patient, clinician. `status`: planned, moved, held."""

    visit_id: str
    patient_id: str
    planned_for: datetime
    planned_at: datetime
    by_id: str
    reason: str
    status: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class HaltEntry:
    """A stop of all recommendations; `patient_id` None: for everybody."""

    halt_id: str
    patient_id: str | None
    by_kind: str
    by_id: str
    reason: str | None
    set_at: datetime
    lifted_at: datetime | None
    lifted_by: str | None


@dataclass(frozen=True, slots=True)
class NewWindow:
    """A wearable window as uploaded. `samples` are the bytes that become the blob."""

    client_id: str
    signal: Literal["ppg", "ecg", "accelerometer"]
    rate_hz: float
    unit: str
    started_at: datetime
    clock_id: str
    sample_count: int
    samples: bytes


@dataclass(frozen=True, slots=True)
class PendingWindow:
    """A window that waits for its features, with its samples' bytes as they were uploaded."""

    window_id: str
    patient_id: str
    signal: Literal["ppg", "ecg", "accelerometer"]
    rate_hz: float
    unit: str
    started_at: datetime
    clock_id: str
    sample_count: int
    samples: bytes


@dataclass(frozen=True, slots=True)
class MeasuredWindow:
    """A window and what it came to, not kept yet.

    `features`: every feature of the version by name, in its order; None: not measurable.
    """

    window: PendingWindow
    features: Mapping[str, float | None]
    grade: str
    feature_version: str


@dataclass(frozen=True, slots=True)
class WindowFeatureEntry:
    """What a window came to. `features` are (name, value); None: not measurable."""

    window_id: str
    signal: str
    started_at: datetime
    feature_version: str
    features: tuple[tuple[str, float | None], ...]
    grade: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The request is new: carry it out and `finish` it in the same transaction."""

    kind: Literal["begun"] = "begun"


@dataclass(frozen=True, slots=True)
class Replayed:
    """The request was answered before: answer the same."""

    status_code: int
    body: bytes
    kind: Literal["replayed"] = "replayed"


@dataclass(frozen=True, slots=True)
class InFlight:
    """The same request is being carried out by somebody else now: 409."""

    kind: Literal["in_flight"] = "in_flight"


@dataclass(frozen=True, slots=True)
class OtherBody:
    """The key came before with another body: 422."""

    kind: Literal["other_body"] = "other_body"


Idempotent = Begun | Replayed | InFlight | OtherBody
