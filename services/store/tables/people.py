"""Patients, their care team and consent, clinicians, devices and sign-in."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlmodel import Field

from services.store.tables.base import Moment, RecordTable, core


class Patient(RecordTable, table=True):
    """One patient under a random id. Who they are and which subject they are is sealed."""

    __tablename__ = "patients"

    patient_id: str = Field(primary_key=True)
    identity_sealed: bytes
    subject_sealed: bytes
    clinic_id: str
    timezone: str
    simulated: bool
    enrolled_at: datetime = Field(sa_type=Moment)


class PatientFactsVersion(RecordTable, table=True):
    """What is known of a patient beside measurements: a new version each time."""

    __tablename__ = "patient_facts"

    patient_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    body_sealed: bytes
    at: datetime = Field(sa_type=Moment)
    by_id: str


class CareTeamMember(RecordTable, table=True):
    """A clinician who may see a patient."""

    __tablename__ = "care_team"

    patient_id: str = Field(primary_key=True)
    clinician_id: str = Field(primary_key=True, index=True)
    since: datetime = Field(sa_type=Moment)


class CalledIn(RecordTable, table=True):
    """A clinician whom a ladder told of a patient outside their care: a look for some days."""

    __tablename__ = "called_in"

    patient_id: str = Field(primary_key=True)
    clinician_id: str = Field(primary_key=True, index=True)
    since: datetime = Field(primary_key=True, sa_type=Moment)
    until: datetime = Field(sa_type=Moment)
    about_id: str
    rung: int


class ConsentDecision(RecordTable, table=True):
    """One purpose granted or withdrawn; the latest of each purpose holds."""

    __tablename__ = "consents"

    consent_id: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    purpose: str
    granted: bool
    at: datetime = Field(sa_type=Moment)
    sequence: int = Field(sa_column=Column(BigInteger, Identity(always=True), nullable=False))


class Clinician(RecordTable, table=True):
    """A clinician's account. `cover_clinician_id` sees the patients while this one is away."""

    __tablename__ = "clinicians"

    clinician_id: str = Field(primary_key=True)
    username: str = Field(unique=True)
    password_hash: str
    display_name: str
    roles: list[str] = Field(sa_column=Column(ARRAY(TEXT), nullable=False))
    cover_clinician_id: str | None = Field(default=None, index=True)
    active: bool = True
    away_until: datetime | None = Field(default=None, sa_type=Moment)
    created_at: datetime = Field(sa_type=Moment)


class Device(RecordTable, table=True):
    """A cuff and phone of one patient. Unknown validation stays unknown."""

    __tablename__ = "devices"

    device_id: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    model: str
    firmware: str | None = None
    validated: bool | None = None
    cuff_fits: bool | None = None
    enrolled_at: datetime = Field(sa_type=Moment)
    revoked_at: datetime | None = Field(default=None, sa_type=Moment)


class EnrolmentCode(RecordTable, table=True):
    """A single-use code, kept as its hash."""

    __tablename__ = "enrolment_codes"

    code_hash: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    issued_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)
    used_at: datetime | None = Field(default=None, sa_type=Moment)


class RefreshToken(RecordTable, table=True):
    """One refresh token of a family, kept as its hash. `holder_id`: a device or a clinician."""

    __tablename__ = "refresh_tokens"

    token_hash: str = Field(primary_key=True)
    family_id: str = Field(index=True)
    holder_id: str
    patient_id: str | None = None
    issued_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)
    used_at: datetime | None = Field(default=None, sa_type=Moment)
    revoked_at: datetime | None = Field(default=None, sa_type=Moment)


class RevokedToken(RecordTable, table=True):
    """An access token that ended before its time."""

    __tablename__ = "revoked_tokens"

    token_id: str = Field(primary_key=True)
    expires_at: datetime = Field(sa_type=Moment)


class SignInFailures(RecordTable, table=True):
    """Failed sign-ins in a row, by the hash of the name that was tried."""

    __tablename__ = "sign_in_failures"

    name_hash: str = Field(primary_key=True)
    failures: int
    last_at: datetime = Field(sa_type=Moment)


PATIENTS = core(Patient)
PATIENT_FACTS = core(PatientFactsVersion)
CARE_TEAM = core(CareTeamMember)
CALLED_IN = core(CalledIn)
CONSENTS = core(ConsentDecision)
CLINICIANS = core(Clinician)
DEVICES = core(Device)
ENROLMENT_CODES = core(EnrolmentCode)
REFRESH_TOKENS = core(RefreshToken)
REVOKED_TOKENS = core(RevokedToken)
SIGN_IN_FAILURES = core(SignInFailures)
