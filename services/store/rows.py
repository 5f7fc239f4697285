"""What the store takes and returns: frozen values, doses in whole micrograms, moments in UTC."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from services.clinical.autonomy import Setback
from services.clinical.envelope import Envelope, Stage
from services.clinical.facts import STAGES
from services.clinical.formulary import Drug
from services.clinical.patient import (
    Condition,
    Intolerance,
    Lab,
    OtherMedicine,
    Pregnancy,
    Sex,
    Symptom,
    Target,
)
from services.clinical.readings import BloodPressure, Posture, ReadingSource
from services.clinical.units import Micrograms, Mmhg


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a patient is. `identifiers` are (system, value)."""

    name: str
    birth_date: date | None
    sex: Sex
    identifiers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """What is known beside measurements. `*_complete` False: the list may lack something.

    `died_on` None with `deceased`: the day is not known.
    """

    birth_date: date | None
    sex: Sex
    deceased: bool = False
    died_on: date | None = None
    conditions: frozenset[Condition] = frozenset()
    conditions_complete: bool = False
    intolerances: tuple[Intolerance, ...] = ()
    intolerances_complete: bool = False
    other_medicines: tuple[OtherMedicine, ...] = ()
    medicines_complete: bool = False
    pregnancy: Pregnancy | None = None
    target: Target | None = None
    rhythm_checked_manually_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewPatient:
    """Who is to be enrolled. `clinician_id` joins the care team."""

    identity: Identity
    facts: PatientFacts
    clinic_id: str
    timezone: str
    simulated: bool
    clinician_id: str | None


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One patient, without identity."""

    patient_id: str
    clinic_id: str
    timezone: str
    simulated: bool
    enrolled_at: datetime


@dataclass(frozen=True, slots=True)
class ClinicianRow:
    """One account. `password_hash` is argon2's encoded text."""

    clinician_id: str
    username: str
    password_hash: str
    display_name: str
    roles: frozenset[str]
    cover_clinician_id: str | None
    active: bool
    away_until: datetime | None


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A patient's cuff and phone."""

    device_id: str
    patient_id: str
    model: str
    firmware: str | None
    validated: bool | None
    cuff_fits: bool | None
    enrolled_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefreshRow:
    """One refresh token as kept: never the token itself."""

    token_hash: str
    family_id: str
    holder_id: str
    patient_id: str | None
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one uploaded item. A conflict: the same client id with other content."""

    client_id: str
    status: Literal["stored", "duplicate", "conflict"]
    item_id: str | None


@dataclass(frozen=True, slots=True)
class NewReading:
    """One cuff reading as uploaded. `taken_at` aware; the offset is the patient's own then."""

    client_id: str
    systolic_mmhg: Mmhg
    diastolic_mmhg: Mmhg
    pulse_bpm: int | None
    taken_at: datetime
    utc_offset_minutes: int
    posture: Posture = Posture.SITTING
    source: ReadingSource = ReadingSource.DEVICE
    device_validated: bool | None = None
    cuff_fits: bool | None = None
    irregular_pulse: bool | None = None
    device_id: str | None = None
    """The enrolled device that it came from; stored as a mark that ties it to nobody."""
    history: bool = False


@dataclass(frozen=True, slots=True)
class NewDose:
    """A dose taken (or missed): what was swallowed at once."""

    client_id: str
    drug: Drug
    intake_dose_ug: Micrograms
    taken: bool
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class NewSymptom:
    """A symptom as reported; `open` False closes what was reported under the same client id."""

    client_id: str
    symptom: Symptom
    reported_at: datetime
    open: bool = True


@dataclass(frozen=True, slots=True)
class SymptomEntry:
    """A symptom on record."""

    symptom_id: str
    symptom: Symptom
    reported_at: datetime
    closed_at: datetime | None
    closed_by: str | None


@dataclass(frozen=True, slots=True)
class NewLab:
    """One result, in thousandths of its unit."""

    client_id: str
    lab: Lab
    value_thousandths: int
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class NewWeight:
    """Body weight in grams."""

    client_id: str
    grams: int
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class StoredReading:
    """A reading with the phone's own id for it."""

    client_id: str
    pressure: BloodPressure


@dataclass(frozen=True, slots=True)
class Signature:
    """21 CFR 11.50: who signed, when, with what meaning, over which bytes.

    `second` is another clinician's over the same bytes, where one is not enough.
    """

    printed_name: str
    clinician_id: str
    signed_at: datetime
    meaning: str
    record_sha256: str
    second: "Signature | None" = None


@dataclass(frozen=True, slots=True)
class Lowered:
    """A stage that setbacks lowered by themselves, and which they were."""

    stage: Stage
    setbacks: tuple[Setback, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class SignedEnvelope:
    """One version of the envelope as signed; revocation included, demotions beside it."""

    envelope: Envelope
    signature: Signature
    revoked_by: str | None = None
    lowered: tuple[Lowered, ...] = ()

    @property
    def in_effect(self) -> Envelope:
        """The envelope at the stage that it has now: the lowest of those signed and recorded."""
        stages = [self.envelope.stage, *(item.stage for item in self.lowered)]
        return replace(self.envelope, stage=min(stages, key=STAGES.index))


@dataclass(frozen=True, slots=True)
class StoredResource:
    """One version of a FHIR resource: the original bytes."""

    resource_type: str
    resource_id: str
    version: int
    patient_id: str
    body: bytes
    sha256: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One act on a patient's record. `leaf_index` None: not sealed yet."""

    event_id: str
    occurred_at: datetime
    action: str
    actor_kind: str
    actor_id: str
    subject_type: str
    subject_id: str
    outcome: str
    details: tuple[tuple[str, str | int | bool], ...]
    leaf_index: int | None
    payload: dict[str, object] | None = None
