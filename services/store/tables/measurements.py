"""Narrow rows: numbers under a random subject id, never a name, never a patient id."""

from datetime import datetime

from sqlalchemy import Column, Float, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlmodel import Field

from services.store.tables.base import Moment, RecordTable, core


class Reading(RecordTable, table=True):
    """One cuff reading. `client_id` is the phone's own id: a second upload is a duplicate."""

    __tablename__ = "readings"
    __table_args__ = (
        UniqueConstraint("subject_id", "client_id"),
        Index("readings_by_time", "subject_id", "taken_at"),
    )

    reading_id: str = Field(primary_key=True)
    subject_id: str
    client_id: str
    systolic_mmhg: int
    diastolic_mmhg: int
    pulse_bpm: int | None = None
    taken_at: datetime = Field(sa_type=Moment)
    utc_offset_minutes: int
    received_at: datetime = Field(sa_type=Moment)
    posture: str
    source: str
    device_validated: bool | None = None
    cuff_fits: bool | None = None
    irregular_pulse: bool | None = None
    device_mark: str | None = None
    history: bool


class Dose(RecordTable, table=True):
    """A dose taken or missed, as the patient confirmed it."""

    __tablename__ = "doses"
    __table_args__ = (
        UniqueConstraint("subject_id", "client_id"),
        Index("doses_by_time", "subject_id", "taken_at"),
    )

    dose_id: str = Field(primary_key=True)
    subject_id: str
    client_id: str
    drug: str
    intake_dose_ug: int
    taken: bool
    taken_at: datetime = Field(sa_type=Moment)
    received_at: datetime = Field(sa_type=Moment)


class SymptomRow(RecordTable, table=True):
    """A reported symptom; `closed_at` None: open."""

    __tablename__ = "symptoms"
    __table_args__ = (
        UniqueConstraint("subject_id", "client_id"),
        Index("symptoms_by_time", "subject_id", "reported_at"),
    )

    symptom_id: str = Field(primary_key=True)
    subject_id: str
    client_id: str
    symptom: str
    reported_at: datetime = Field(sa_type=Moment)
    received_at: datetime = Field(sa_type=Moment)
    closed_at: datetime | None = Field(default=None, sa_type=Moment)
    closed_by: str | None = None


class LabRow(RecordTable, table=True):
    """One laboratory result in thousandths of its unit."""

    __tablename__ = "labs"
    __table_args__ = (
        UniqueConstraint("subject_id", "client_id"),
        Index("labs_by_time", "subject_id", "taken_at"),
    )

    lab_id: str = Field(primary_key=True)
    subject_id: str
    client_id: str
    lab: str
    value_thousandths: int
    taken_at: datetime = Field(sa_type=Moment)
    received_at: datetime = Field(sa_type=Moment)


class LabOrder(RecordTable, table=True):
    """A test that was ordered; answered by a result taken after it."""

    __tablename__ = "lab_orders"

    lab_order_id: str = Field(primary_key=True)
    subject_id: str = Field(index=True)
    lab: str
    ordered_at: datetime = Field(sa_type=Moment)
    answered_at: datetime | None = Field(default=None, sa_type=Moment)


class WeightRow(RecordTable, table=True):
    """Body weight in grams."""

    __tablename__ = "weights"
    __table_args__ = (
        UniqueConstraint("subject_id", "client_id"),
        Index("weights_by_time", "subject_id", "taken_at"),
    )

    weight_id: str = Field(primary_key=True)
    subject_id: str
    client_id: str
    grams: int
    taken_at: datetime = Field(sa_type=Moment)
    received_at: datetime = Field(sa_type=Moment)


class Window(RecordTable, table=True):
    """One window of a wearable signal; its samples are an encrypted blob."""

    __tablename__ = "windows"
    __table_args__ = (
        UniqueConstraint("subject_id", "client_id"),
        Index("windows_by_time", "subject_id", "started_at"),
    )

    window_id: str = Field(primary_key=True)
    subject_id: str
    client_id: str
    signal: str
    rate_hz: float
    unit: str
    started_at: datetime = Field(sa_type=Moment)
    clock_id: str
    sample_count: int
    content_hmac: str
    blob_id: str
    received_at: datetime = Field(sa_type=Moment)


class WindowFeatures(RecordTable, table=True):
    """What a window came to, once: `features` in the feature order of `feature_version`."""

    __tablename__ = "window_features"
    __table_args__ = (Index("window_features_by_time", "subject_id", "started_at"),)

    window_id: str = Field(primary_key=True)
    subject_id: str
    started_at: datetime = Field(sa_type=Moment)
    feature_version: str
    features: list[float | None] = Field(sa_column=Column(ARRAY(Float), nullable=False))
    grade: str
    completed_at: datetime = Field(sa_type=Moment)


class FeatureNames(RecordTable, table=True):
    """The names that the features of one version have, in their order."""

    __tablename__ = "feature_names"

    feature_version: str = Field(primary_key=True)
    names: list[str] = Field(sa_column=Column(ARRAY(TEXT), nullable=False))


class WindowJob(RecordTable, table=True):
    """A window that waits for its features; gone when done, and with it the tie to a patient."""

    __tablename__ = "window_jobs"

    window_id: str = Field(primary_key=True)
    patient_id: str
    queued_at: datetime = Field(sa_type=Moment, index=True)
    claimed_until: datetime | None = Field(default=None, sa_type=Moment)
    attempts: int = 0


READINGS = core(Reading)
DOSES = core(Dose)
SYMPTOMS = core(SymptomRow)
LABS = core(LabRow)
LAB_ORDERS = core(LabOrder)
WEIGHTS = core(WeightRow)
WINDOWS = core(Window)
WINDOW_FEATURES = core(WindowFeatures)
FEATURE_NAMES = core(FeatureNames)
WINDOW_JOBS = core(WindowJob)
