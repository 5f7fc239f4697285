"""Bodies of the clinician API: words for people, codes for machines."""

from datetime import date
from typing import Literal

from pydantic import Field

from clinician_app.api.trend_wire import TargetOut, Trend
from clinician_app.api.wire import In, Instant, Out, Password, ShortText, Text

ReasonCode = Literal[
    "labs_first",
    "symptoms_or_hypotension",
    "frailty_or_falls",
    "adherence_first",
    "data_not_trusted",
    "patient_preference",
    "specialist_plan",
    "other",
]
DecisionWord = Literal["accept", "modify", "reject", "defer"]


class SignInBody(In):
    username: ShortText
    password: Password


class SessionOut(Out):
    """`expires_at` moves on with each refresh: fifteen minutes without one end the session."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a scheme (RFC 6750), not a secret
    expires_at: Instant
    clinician_id: str
    display_name: str
    role: str


class WorklistRow(Out):
    """One patient. `spark` is one daily median systolic per day, oldest first, null on gaps."""

    patient_id: str
    review_id: str | None
    name: str
    age: int | None
    simulated: bool
    tier: str
    due_at: Instant | None
    due: str
    why: str
    am_systolic: int | None
    pm_systolic: int | None
    spark: list[int | None]
    in_target_percent: int | None
    doses_taken_percent: int | None
    proposal: str
    certainty_percent: int | None
    certainty: str
    last_reading_at: Instant | None
    last_data: str


class Worklist(Out):
    as_of: Instant
    overdue: int
    due_in_4_hours: int
    proposals_open: int
    silent: int
    halted_everywhere: bool
    rows: list[WorklistRow]


class DrugLine(Out):
    """One drug of the regimen. `source` tells home orders from imported ones."""

    drug: str
    daily_dose: str
    daily_dose_ug: int
    times_a_day: int
    since: Instant
    tablets_in_hand: int | None
    paused: bool


class LabLine(Out):
    lab: str
    value: str
    taken_at: Instant
    age: str


class SymptomLine(Out):
    symptom_id: str
    words: str
    reported_at: Instant
    open: bool


class EnvelopeLine(Out):
    """The envelope in a line, for headers."""

    stage: str
    version: int
    expires_at: Instant
    signed_by: str | None
    revoked: bool


class PatientHeader(Out):
    """Who this is, on every page that shows a patient."""

    patient_id: str
    name: str
    age: int | None
    sex: str
    birth_date: date | None
    simulated: bool
    conditions: list[str]
    regimen: list[DrugLine]
    target: TargetOut | None
    halted: bool
    open_alarms: int
    envelope: EnvelopeLine | None


class PatientOut(Out):
    """The patient's page. Lists of what is not known come first in `unknowns`."""

    as_of: Instant
    header: PatientHeader
    unknowns: list[str]
    labs: list[LabLine]
    symptoms: list[SymptomLine]
    other_medicines: list[str]
    intolerances: list[str]
    pregnancy: str | None
    consent: list[str]
    next_visit_at: Instant | None
    open_review_id: str | None


class CheckOut(Out):
    """One rule that spoke. `may_override`: a clinician passes it with a coded reason."""

    rule_id: str
    words: str
    kind: str
    strength: str
    may_override: bool


class MoveOut(Out):
    """One legal move as a clinician may choose it; expectations are the ranker's, 80 % interval."""

    move_id: str
    words: str
    expected: str | None
    in_target_percent: int | None
    low_pressure_percent: int | None
    checks: list[CheckOut]


class ProposalOut(Out):
    move_id: str
    words: str
    expected: str | None
    certainty_percent: int | None
    certainty: str
    model: str
    abstained: str | None


class ExplanationPart(Out):
    """One part of why the ranker put a move where it did."""

    heading: str
    lines: list[str]


class ReviewLine(Out):
    review_id: str
    patient_id: str
    status: str
    opened_at: Instant
    due_at: Instant | None
    claimed_by: str | None


class ReviewList(Out):
    reviews: list[ReviewLine]


class ReviewOut(Out):
    """A review as displayed; its ETag is what a decision must match."""

    as_of: Instant
    line: ReviewLine
    due: str
    cause: str
    header: PatientHeader
    proposal: ProposalOut | None
    options: list[MoveOut]
    explanation: list[ExplanationPart]
    pro: list[str]
    contra: list[str]
    checks_passed: int
    checks: list[CheckOut]
    snapshot_as_of: Instant | None
    feature_version: str | None
    trend: Trend
    decision: str | None
    decided_at: Instant | None


class OverrideIn(In):
    rule_id: ShortText
    reason_code: ReasonCode


class DecisionBody(In):
    """`move_id` for modify only; a reason for everything but accept; text when it is "other"."""

    kind: DecisionWord
    move_id: ShortText | None = None
    reason_code: ReasonCode | None = None
    reason_text: Text | None = None
    overrides: list[OverrideIn] = Field(default_factory=list, max_length=20)
    defer_until: Instant | None = Field(default=None, strict=False)
    password: Password
    dwell_s: int = Field(ge=0, le=86_400)


class SignatureOut(Out):
    """21 CFR 11.50: printed name, date and time, meaning."""

    printed_name: str
    signed_at: Instant
    meaning: str


class DecisionOut(Out):
    """`outcome`: enacted, refused (by the guard, on fresh data), recorded, or pending."""

    decision_id: str
    outcome: str
    order_ids: list[str]
    reasons: list[str]
    signature: SignatureOut
    message: str
