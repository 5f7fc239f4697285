"""A complete, eligible patient to vary: one drug, a complete week of readings above target."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.clinical.envelope import DrugBounds, Envelope, Stage, StopCondition
from services.clinical.formulary import Drug
from services.clinical.moves import DoseChange, Move, MoveKind, Path
from services.clinical.patient import (
    Adherence,
    ConsentPurpose,
    DoseChangeRecord,
    Lab,
    LabResult,
    Pregnancy,
    Prescription,
    Sex,
    Snapshot,
    Target,
)
from services.clinical.proposal import Override, Proposal, Ranking
from services.clinical.readings import BloodPressure
from services.clinical.units import Micrograms, Mmhg

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LONG_AGO = NOW - 200 * DAY


def reading(
    taken_at: datetime = NOW - timedelta(hours=2),
    systolic: int = 140,
    diastolic: int = 88,
    **changes: Any,
) -> BloodPressure:
    fields: dict[str, Any] = {
        "reading_id": f"r-{taken_at:%m%d%H%M%S}",
        "systolic_mmhg": Mmhg(systolic),
        "diastolic_mmhg": Mmhg(diastolic),
        "pulse_bpm": 70,
        "taken_at": taken_at,
        "utc_offset_minutes": 0,
        "received_at": taken_at,
        "device_validated": True,
        "cuff_fits": True,
        "irregular_pulse": False,
    }
    return BloodPressure(**{**fields, **changes})


def week(
    systolic: int = 148,
    diastolic: int = 92,
    *,
    days: int = 7,
    last_day: datetime = NOW,
    spread: int = 2,
    **changes: Any,
) -> tuple[BloodPressure, ...]:
    """Two readings each morning and evening for `days` days that end with `last_day`'s morning."""
    readings = []
    for back in range(days - 1, -1, -1):
        midnight = last_day.replace(hour=0, minute=0) - back * DAY
        shift = spread if back % 2 else -spread
        for hour, minute in ((7, 0), (7, 2), (19, 0), (19, 2)):
            taken_at = midnight + timedelta(hours=hour, minutes=minute)
            if taken_at <= last_day:
                readings.append(reading(taken_at, systolic + shift, diastolic + shift, **changes))
    return tuple(readings)


def prescription(drug: Drug = Drug.AMLODIPINE, dose_ug: int = 5000, **changes: Any) -> Prescription:
    fields: dict[str, Any] = {
        "drug": drug,
        "daily_dose_ug": Micrograms(dose_ug),
        "times_a_day": 1,
        "since": LONG_AGO,
        "order_id": f"order-{drug.value}",
        "tablet_strength_ug": Micrograms(dose_ug),
        "tablets_in_hand": 100,
    }
    return Prescription(**{**fields, **changes})


def lab(which: Lab, value_thousandths: int, days_ago: int = 30) -> LabResult:
    return LabResult(which, value_thousandths, NOW - days_ago * DAY)


LABS = (
    lab(Lab.POTASSIUM, 4200),
    lab(Lab.SODIUM, 140_000),
    lab(Lab.CREATININE, 900),
    lab(Lab.EGFR, 85_000),
)


def snapshot(**changes: Any) -> Snapshot:
    fields: dict[str, Any] = {
        "patient_id": "p-1",
        "as_of": NOW,
        "birth_date": date(1970, 3, 1),
        "sex": Sex.MALE,
        "deceased": False,
        "consent": frozenset({ConsentPurpose.MONITORING, ConsentPurpose.TITRATION}),
        "regimen": (prescription(),),
        "other_medicines": (),
        "medicines_complete": True,
        "conditions": frozenset(),
        "conditions_complete": True,
        "intolerances": (),
        "intolerances_complete": True,
        "pregnancy": Pregnancy.NOT_APPLICABLE,
        "labs": LABS,
        "pending_labs": (),
        "readings": week(),
        "symptoms": (),
        "adherence": Adherence(27, 28),
        "weights": (),
        "changes": (),
        "target": Target(130, 80),
        "open_alarm": False,
        "halted": False,
    }
    return Snapshot(**{**fields, **changes})


def envelope(**changes: Any) -> Envelope:
    fields: dict[str, Any] = {
        "envelope_id": "e-1",
        "version": 1,
        "patient_id": "p-1",
        "stage": Stage.BOUNDED_STEPS,
        "bounds": (
            DrugBounds(Drug.AMLODIPINE, (Micrograms(2500), Micrograms(5000), Micrograms(10_000))),
        ),
        "target": Target(130, 80),
        "max_step_rungs": 1,
        "min_interval_days": 28,
        "steps_allowed": 2,
        "potassium_below_thousandths": 5000,
        "egfr_at_least_thousandths": 50_000,
        "lab_max_age_days": 183,
        "confidence_floor_percent": 60,
        "stop_conditions": frozenset(StopCondition),
        "allow_age_80_and_over": False,
        "valid_from": NOW - 30 * DAY,
        "expires_at": NOW + 120 * DAY,
        "signed_by": "c-1",
        "signed_at": NOW - 30 * DAY,
    }
    return Envelope(**{**fields, **changes})


def change(drug: Drug, from_ug: int, to_ug: int) -> DoseChange:
    return DoseChange(drug, Micrograms(from_ug), Micrograms(to_ug))


def changed(
    days_ago: int,
    drug: Drug = Drug.AMLODIPINE,
    from_ug: int = 2500,
    to_ug: int = 5000,
    by_patient: bool = False,
    envelope_id: str | None = None,
) -> DoseChangeRecord:
    return DoseChangeRecord(
        drug,
        Micrograms(from_ug),
        Micrograms(to_ug),
        NOW - days_ago * DAY,
        by_patient,
        envelope_id,
    )


UP = Move(MoveKind.STEP_UP, (change(Drug.AMLODIPINE, 5000, 10_000),))
DOWN = Move(MoveKind.STEP_DOWN, (change(Drug.AMLODIPINE, 5000, 2500),))
STOP = Move(MoveKind.STOP, (change(Drug.AMLODIPINE, 5000, 0),))


def start(drug: Drug, dose_ug: int) -> Move:
    return Move(MoveKind.START, (change(drug, 0, dose_ug),))


def ranking(certainty_percent: int = 90, abstained: str | None = None) -> Ranking:
    return Ranking((), certainty_percent, "test", "1", "1", abstained)


def proposal(
    move: Move = UP, path: Path = Path.CLINICIAN, *, decided: bool = False, **changes: Any
) -> Proposal:
    fields: dict[str, Any] = {
        "proposal_id": "q-1",
        "patient_id": "p-1",
        "move": move,
        "path": path,
        "ranking": ranking(),
        "snapshot_as_of": NOW,
        "made_at": NOW,
        "overrides": (),
        "decided_by_clinician": decided,
    }
    return Proposal(**{**fields, **changes})


def override(*rule_ids: str) -> tuple[Override, ...]:
    return tuple(Override(rule_id, "reviewed") for rule_id in rule_ids)
