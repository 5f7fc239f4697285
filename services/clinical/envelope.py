"""Envelope: what a clinician signed that the patient may do alone, until when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.clinical.formulary import Drug
from services.clinical.patient import Target
from services.clinical.units import Micrograms


class Stage(StrEnum):
    """Earned autonomy, least first."""

    OBSERVE = "observe"
    PROPOSE_ONLY = "propose_only"
    ONE_STEP = "one_step"
    """One step, reviewed by a clinician the next day."""
    BOUNDED_STEPS = "bounded_steps"


class StopCondition(StrEnum):
    """What ends the patient-alone path at once."""

    SYMPTOM_OPEN = "symptom_open"
    ALARM_OPEN = "alarm_open"
    LOW_PRESSURE = "low_pressure"
    IRREGULAR_RHYTHM = "irregular_rhythm"
    DEVICE_CHANGED = "device_changed"


@dataclass(frozen=True, slots=True)
class DrugBounds:
    """The rungs of one drug that the patient may move between, ascending, daily dose."""

    drug: Drug
    rungs_ug: tuple[Micrograms, ...]


@dataclass(frozen=True, slots=True)
class Envelope:
    """One signed version. `Ranking.certainty_percent` must reach `confidence_floor_percent`."""

    envelope_id: str
    version: int
    patient_id: str
    stage: Stage
    bounds: tuple[DrugBounds, ...]
    target: Target
    max_step_rungs: int
    min_interval_days: int
    steps_allowed: int
    potassium_below_thousandths: int
    egfr_at_least_thousandths: int
    lab_max_age_days: int
    confidence_floor_percent: int
    stop_conditions: frozenset[StopCondition]
    allow_age_80_and_over: bool
    valid_from: datetime
    expires_at: datetime
    signed_by: str | None
    """Opaque id of the clinician; None: a draft, which permits nothing."""
    signed_at: datetime | None
    revoked_at: datetime | None = None
    second_signed_by: str | None = None
    """A second clinician, needed where a setting is looser than the default."""
