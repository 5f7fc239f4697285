"""Treatment: regimen, envelopes, assessments, reviews, advice, orders, alarms, halts."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from services.store.tables.base import Moment, RecordTable, core


class ResourceVersion(RecordTable, table=True):
    """One version of a FHIR resource: its original bytes, sealed; the hash is over the bytes."""

    __tablename__ = "resources"

    resource_type: str = Field(primary_key=True)
    resource_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    patient_id: str = Field(index=True)
    body_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str
    at: datetime = Field(sa_type=Moment)


class RegimenVersion(RecordTable, table=True):
    """The whole regimen after a change, sealed; the newest version holds."""

    __tablename__ = "regimens"

    patient_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    body_sealed: bytes
    at: datetime = Field(sa_type=Moment)


class DoseChange(RecordTable, table=True):
    """One dose change that took effect, sealed."""

    __tablename__ = "dose_changes"

    change_id: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    body_sealed: bytes
    effective_at: datetime = Field(sa_type=Moment)


class EnvelopeVersion(RecordTable, table=True):
    """One signed version of a patient's envelope."""

    __tablename__ = "envelopes"

    patient_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    envelope_id: str = Field(index=True)
    body_sealed: bytes
    signature_sealed: bytes
    signed_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)


class EnvelopeRevocation(RecordTable, table=True):
    """The end of an envelope before its time."""

    __tablename__ = "envelope_revocations"

    patient_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    revoked_at: datetime = Field(sa_type=Moment)
    by_id: str
    reason_sealed: bytes


class EnvelopeDemotion(RecordTable, table=True):
    """A lower stage than the one signed: it can only take permission away."""

    __tablename__ = "envelope_demotions"
    __table_args__ = (
        CheckConstraint("stage IN ('observe', 'propose_only')", name="demotion_is_lower"),
    )

    patient_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    stage: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Moment)
    setbacks_sealed: bytes


class AssessmentRow(RecordTable, table=True):
    """Snapshot, proposal and verdict of one assessment, sealed as one document."""

    __tablename__ = "assessments"

    assessment_id: str = Field(primary_key=True)
    patient_id: str
    key: str = Field(unique=True)
    made_at: datetime = Field(sa_type=Moment)
    verdict_kind: str
    outcome_sealed: bytes
    body_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    __table_args__ = (Index("assessments_by_time", "patient_id", "made_at"),)


class Review(RecordTable, table=True):
    """A question to a clinician. `version` goes up with every change (ETag)."""

    __tablename__ = "reviews"
    __table_args__ = (
        Index(
            "one_open_review_per_patient",
            "patient_id",
            unique=True,
            postgresql_where=text("status <> 'closed'"),
        ),
    )

    review_id: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    assessment_id: str
    status: str
    version: int
    rung: int
    opened_at: datetime = Field(sa_type=Moment)
    due_at: datetime = Field(sa_type=Moment)
    claimed_by: str | None = None
    claimed_at: datetime | None = Field(default=None, sa_type=Moment)
    closed_at: datetime | None = Field(default=None, sa_type=Moment)
    outcome: str | None = None


class ReviewDecision(RecordTable, table=True):
    """What a clinician decided and signed; never changed."""

    __tablename__ = "review_decisions"

    decision_id: str = Field(primary_key=True)
    review_id: str = Field(index=True)
    patient_id: str = Field(index=True)
    review_version: int
    kind: str
    clinician_id: str
    decided_at: datetime = Field(sa_type=Moment)
    dwell_ms: int
    body_sealed: bytes


class AdviceRow(RecordTable, table=True):
    """A step offered to the patient inside the envelope."""

    __tablename__ = "advice"
    __table_args__ = (
        Index(
            "one_open_advice_per_patient",
            "patient_id",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
    )

    advice_id: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    assessment_id: str
    status: str
    offered_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)
    closed_at: datetime | None = Field(default=None, sa_type=Moment)
    outcome: str | None = None
    body_sealed: bytes


class AdviceAnswer(RecordTable, table=True):
    """The patient's answer; the first one stands."""

    __tablename__ = "advice_answers"

    advice_id: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    answer: str
    answered_at: datetime = Field(sa_type=Moment)
    reason_sealed: bytes | None = None


class Enactment(RecordTable, table=True):
    """A dose step that was carried out or refused: one for each key, for ever."""

    __tablename__ = "enactments"
    __table_args__ = (UniqueConstraint("basis", "basis_id"),)

    key: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    basis: str
    basis_id: str
    outcome: str
    at: datetime = Field(sa_type=Moment)
    body_sealed: bytes


class AlarmRow(RecordTable, table=True):
    """One open alarm per patient and cause; repeats are counted."""

    __tablename__ = "alarms"
    __table_args__ = (
        Index(
            "one_open_alarm_per_cause",
            "patient_id",
            "cause",
            unique=True,
            postgresql_where=text("status <> 'closed'"),
        ),
    )

    alarm_id: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    cause: str
    urgency: str
    since: datetime = Field(sa_type=Moment)
    raised_at: datetime = Field(sa_type=Moment)
    last_raised_at: datetime = Field(sa_type=Moment)
    repeats: int
    status: str
    rung: int
    evidence_sealed: bytes
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = Field(default=None, sa_type=Moment)
    note_sealed: bytes | None = None
    closed_at: datetime | None = Field(default=None, sa_type=Moment)
    outcome: str | None = None


class Halt(RecordTable, table=True):
    """All recommendations stopped: for a patient, or (patient_id None) for everybody."""

    __tablename__ = "halts"

    halt_id: str = Field(primary_key=True)
    patient_id: str | None = Field(default=None, index=True)
    by_kind: str
    by_id: str
    reason_sealed: bytes | None = None
    set_at: datetime = Field(sa_type=Moment)
    lifted_at: datetime | None = Field(default=None, sa_type=Moment)
    lifted_by: str | None = None


RESOURCES = core(ResourceVersion)
REGIMENS = core(RegimenVersion)
DOSE_CHANGES = core(DoseChange)
ENVELOPES = core(EnvelopeVersion)
ENVELOPE_REVOCATIONS = core(EnvelopeRevocation)
ENVELOPE_DEMOTIONS = core(EnvelopeDemotion)
ASSESSMENTS = core(AssessmentRow)
REVIEWS = core(Review)
REVIEW_DECISIONS = core(ReviewDecision)
ADVICE = core(AdviceRow)
ADVICE_ANSWERS = core(AdviceAnswer)
ENACTMENTS = core(Enactment)
ALARMS = core(AlarmRow)
HALTS = core(Halt)
