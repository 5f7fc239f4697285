"""Snapshot: all that a judgement may know about one patient at one moment."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.clinical.formulary import Drug
from services.clinical.readings import BloodPressure
from services.clinical.units import Micrograms


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"
    UNKNOWN = "unknown"


class Pregnancy(StrEnum):
    """Pregnancy status. Required for females of 12-55 without menopause or sterilisation."""

    PREGNANT = "pregnant"
    TRYING = "trying"
    POSSIBLE = "possible"
    """Childbearing potential without protection."""
    NOT_PREGNANT = "not_pregnant"
    NOT_APPLICABLE = "not_applicable"
    """Menopause or sterilisation on record."""


class ConsentPurpose(StrEnum):
    """What the patient agreed to. None of them: nothing is collected; observe only: no advice."""

    MONITORING = "monitoring"
    TITRATION = "titration"
    RESEARCH = "research"


class Condition(StrEnum):
    """Conditions that a rule reads."""

    DIABETES_TYPE_2 = "diabetes_type_2"
    ALBUMINURIA = "albuminuria"
    CHRONIC_KIDNEY_DISEASE = "chronic_kidney_disease"
    DIALYSIS = "dialysis"
    TRANSPLANT = "transplant"
    CORONARY_DISEASE = "coronary_disease"
    STROKE = "stroke"
    RECENT_CARDIOVASCULAR_EVENT = "recent_cardiovascular_event"
    """Within three months."""
    HEART_FAILURE = "heart_failure"
    HEART_FAILURE_DECOMPENSATED = "heart_failure_decompensated"
    ATRIAL_FIBRILLATION = "atrial_fibrillation"
    AV_BLOCK_2_3 = "av_block_2_3"
    SICK_SINUS = "sick_sinus"
    PACEMAKER = "pacemaker"
    ASTHMA = "asthma"
    SEVERE_ASTHMA_OR_COPD = "severe_asthma_or_copd"
    GOUT = "gout"
    ANGIOEDEMA = "angioedema"
    RENAL_ARTERY_STENOSIS = "renal_artery_stenosis"
    SEVERE_HEPATIC_IMPAIRMENT = "severe_hepatic_impairment"
    SECONDARY_HYPERTENSION = "secondary_hypertension"
    SPECIALIST_MANAGED = "specialist_managed"
    DEMENTIA = "dementia"
    FRAILTY = "frailty"
    """Moderate to severe."""
    TERMINAL_ILLNESS = "terminal_illness"
    PLANNED_SURGERY = "planned_surgery"


class Symptom(StrEnum):
    """Symptoms the patient can report; the first six are emergencies beside a crisis reading."""

    CHEST_PAIN = "chest_pain"
    BREATHLESSNESS = "breathlessness"
    WEAKNESS_OR_SPEECH = "weakness_or_speech"
    SEVERE_HEADACHE = "severe_headache"
    VISION_LOSS = "vision_loss"
    CONFUSION = "confusion"
    FACE_SWELLING = "face_swelling"
    SYNCOPE = "syncope"
    DIZZINESS = "dizziness"
    FALL = "fall"
    PALPITATIONS = "palpitations"
    VOMITING_OR_DIARRHOEA = "vomiting_or_diarrhoea"
    COUGH = "cough"
    ANKLE_SWELLING = "ankle_swelling"
    FATIGUE = "fatigue"


class OtherMedicineKind(StrEnum):
    """Medicines outside the formulary, by what a rule needs to know of them."""

    NSAID = "nsaid"
    LITHIUM = "lithium"
    TRIMETHOPRIM = "trimethoprim"
    POTASSIUM_SUPPLEMENT = "potassium_supplement"
    POTASSIUM_SPARING = "potassium_sparing"
    SIMVASTATIN_OVER_20_MG = "simvastatin_over_20_mg"
    STRONG_CYP3A4_INHIBITOR = "strong_cyp3a4_inhibitor"
    MODERATE_CYP3A4_INHIBITOR = "moderate_cyp3a4_inhibitor"
    VERAPAMIL_OR_DILTIAZEM = "verapamil_or_diltiazem"
    ALISKIREN = "aliskiren"
    ARNI = "arni"
    CLONIDINE = "clonidine"
    OTHER_ANTIHYPERTENSIVE = "other_antihypertensive"
    UNKNOWN = "unknown"
    HARMLESS = "harmless"
    """Known to matter to no rule."""


class Lab(StrEnum):
    """Laboratory tests; values are kept in thousandths of the unit named here."""

    POTASSIUM = "potassium"  # mmol/L
    SODIUM = "sodium"  # mmol/L
    CREATININE = "creatinine"  # mg/dL
    EGFR = "egfr"  # mL/min/1.73 m²
    ALBUMIN_CREATININE_RATIO = "albumin_creatinine_ratio"  # mg/g


@dataclass(frozen=True, slots=True)
class LabResult:
    """One result, in thousandths of the unit of its `Lab`: potassium 4.8 mmol/L is 4800."""

    lab: Lab
    value_thousandths: int
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class PendingLab:
    """A test that was ordered and whose result is awaited."""

    lab: Lab
    ordered_at: datetime


@dataclass(frozen=True, slots=True)
class Prescription:
    """One drug of the regimen as it stands. `daily_dose_ug` is the sum over a day."""

    drug: Drug
    daily_dose_ug: Micrograms
    times_a_day: int
    since: datetime
    order_id: str
    tablet_strength_ug: Micrograms | None = None
    tablets_in_hand: int | None = None
    paused_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class OtherMedicine:
    """A medicine outside the formulary. `code` is its code, for the clinician's list."""

    kind: OtherMedicineKind
    code: str
    antihypertensive: bool


@dataclass(frozen=True, slots=True)
class Intolerance:
    """An allergy or a recorded intolerance to a drug of the formulary."""

    drug: Drug


@dataclass(frozen=True, slots=True)
class SymptomReport:
    """A symptom with its state: open until a clinician or the patient closes it."""

    symptom: Symptom
    reported_at: datetime
    open: bool
    history: bool = False
    """Began before enrolment: it never pages anyone."""


@dataclass(frozen=True, slots=True)
class Adherence:
    """Doses taken and due in the last 28 days as the patient confirmed them."""

    taken: int
    due: int


@dataclass(frozen=True, slots=True)
class Weight:
    """Body weight in grams."""

    grams: int
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class DoseChangeRecord:
    """A change that took effect. `by_patient` counts against the envelope's steps."""

    drug: Drug
    from_ug: Micrograms
    to_ug: Micrograms
    effective_at: datetime
    by_patient: bool
    envelope_id: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """Home-pressure goal that patient and clinician signed: strictly below both upper limits."""

    systolic_below_mmhg: int
    diastolic_below_mmhg: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One patient at `as_of`. None and `*_complete = False` mean "not known", never "normal".

    Tuples are ordered oldest first. `readings` reach back 60 days or more.
    """

    patient_id: str
    as_of: datetime
    birth_date: date | None
    sex: Sex
    deceased: bool
    consent: frozenset[ConsentPurpose]
    regimen: tuple[Prescription, ...]
    other_medicines: tuple[OtherMedicine, ...]
    medicines_complete: bool
    conditions: frozenset[Condition]
    conditions_complete: bool
    intolerances: tuple[Intolerance, ...]
    intolerances_complete: bool
    pregnancy: Pregnancy | None
    labs: tuple[LabResult, ...]
    pending_labs: tuple[PendingLab, ...]
    readings: tuple[BloodPressure, ...]
    symptoms: tuple[SymptomReport, ...]
    adherence: Adherence | None
    weights: tuple[Weight, ...]
    changes: tuple[DoseChangeRecord, ...]
    target: Target | None
    open_alarm: bool
    halted: bool
    """The patient, the clinician or the operator stopped all recommendations."""
    rhythm_checked_manually_at: datetime | None = None
    irregular_rhythm_flag_at: datetime | None = None
    wearable_features: tuple[tuple[str, float], ...] = ()
    """Context from `services.signals`; no rule lets it move a dose."""
    wearable_version: str | None = None
    """What the names of `wearable_features` mean; None without any."""
