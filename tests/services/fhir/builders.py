"""Clinical values that several tests of this folder start from."""

from datetime import UTC, datetime
from typing import Any

from services.clinical.envelope import DrugBounds, Envelope, Stage, StopCondition
from services.clinical.formulary import Drug
from services.clinical.moves import DoseChange
from services.clinical.patient import Target
from services.clinical.readings import BloodPressure
from services.clinical.units import Micrograms, Mmhg
from services.fhir.resource import Authority, Proposer, Subject

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SUBJECT = Subject("11111111-1111-4111-8111-111111111111", simulated=True)
PROPOSER = Proposer("ai-1", NOW)
AUTHORITY = Authority("clinician-1", NOW)
UP = DoseChange(Drug.AMLODIPINE, Micrograms(5000), Micrograms(10000))
STOP = DoseChange(Drug.AMLODIPINE, Micrograms(5000), Micrograms(0))


def reading(systolic: int = 142, diastolic: int = 88) -> BloodPressure:
    return BloodPressure(
        reading_id="reading-1",
        systolic_mmhg=Mmhg(systolic),
        diastolic_mmhg=Mmhg(diastolic),
        pulse_bpm=70,
        taken_at=NOW,
        utc_offset_minutes=60,
        received_at=NOW,
    )


def envelope(**changes: Any) -> Envelope:
    fields: dict[str, object] = {
        "envelope_id": "22222222-2222-4222-8222-222222222222",
        "version": 2,
        "patient_id": SUBJECT.patient_id,
        "stage": Stage.BOUNDED_STEPS,
        "bounds": (
            DrugBounds(Drug.AMLODIPINE, (Micrograms(2500), Micrograms(5000), Micrograms(10000))),
        ),
        "target": Target(130, 80),
        "max_step_rungs": 1,
        "min_interval_days": 28,
        "steps_allowed": 2,
        "potassium_below_thousandths": 5000,
        "egfr_at_least_thousandths": 50000,
        "lab_max_age_days": 180,
        "confidence_floor_percent": 60,
        "stop_conditions": frozenset({StopCondition.ALARM_OPEN, StopCondition.SYMPTOM_OPEN}),
        "allow_age_80_and_over": False,
        "valid_from": NOW,
        "expires_at": NOW.replace(month=9),
        "signed_by": "clinician-1",
        "signed_at": NOW,
    }
    return Envelope(**(fields | changes))  # type: ignore[arg-type]
