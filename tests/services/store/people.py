"""Patients for the store's tests: enrolled as the doors do it, ready for a step or not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from services.clinical.envelope import DrugBounds, Envelope, Stage, StopCondition
from services.clinical.formulary import Drug
from services.clinical.patient import ConsentPurpose, Lab, Prescription, Sex, Target
from services.clinical.units import Micrograms, Mmhg
from services.ids import new_id
from services.store import (
    Acting,
    Store,
    Transaction,
    consents,
    credentials,
    documents,
    doses,
    envelopes,
    labs,
    patients,
    readings,
    regimen,
)
from services.store.rows import (
    ClinicianRow,
    Identity,
    NewDose,
    NewLab,
    NewPatient,
    NewReading,
    PatientFacts,
    Signature,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TARGET = Target(130, 80)
NAME = "Zephyrine Quillfeather"


@dataclass(frozen=True, slots=True)
class Person:
    """An enrolled patient and the clinician who answers for them."""

    patient_id: str
    clinician_id: str


def new_patient(clinician_id: str | None = None, name: str = NAME) -> NewPatient:
    return NewPatient(
        identity=Identity(name, date(1966, 5, 4), Sex.MALE, (("urn:mrn", "QF-77123"),)),
        facts=PatientFacts(
            birth_date=date(1966, 5, 4),
            sex=Sex.MALE,
            conditions_complete=True,
            intolerances_complete=True,
            medicines_complete=True,
            target=TARGET,
        ),
        clinic_id="clinic",
        timezone="UTC",
        simulated=True,
        clinician_id=clinician_id,
    )


def clinician(clinician_id: str, cover: str | None = None, *roles: str) -> ClinicianRow:
    return ClinicianRow(
        clinician_id=clinician_id,
        username=f"user-{clinician_id}",
        password_hash="$argon2id$unused",
        display_name=f"Dr {clinician_id}",
        roles=frozenset(roles or ("clinician",)),
        cover_clinician_id=cover,
        active=True,
        away_until=None,
    )


def week_of_readings(systolic: int, until: datetime, days: int = 7) -> list[NewReading]:
    """Two in the morning, two in the evening, each day of the week before `until`."""
    items = []
    midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range(1, days + 1):
        for hour, minute in ((7, 0), (7, 2), (20, 0), (20, 2)):
            taken_at = midnight - timedelta(days=day) + timedelta(hours=hour, minutes=minute)
            items.append(
                NewReading(
                    client_id=f"r-{taken_at.isoformat()}-{systolic}",
                    systolic_mmhg=Mmhg(systolic + (minute + day) % 3),
                    diastolic_mmhg=Mmhg(84),
                    pulse_bpm=72,
                    taken_at=taken_at,
                    utc_offset_minutes=0,
                    device_validated=True,
                    cuff_fits=True,
                )
            )
    return items


def envelope(patient_id: str, now: datetime = NOW, stage: Stage = Stage.BOUNDED_STEPS) -> Envelope:
    return Envelope(
        envelope_id=new_id(),
        version=0,
        patient_id=patient_id,
        stage=stage,
        bounds=(DrugBounds(Drug.AMLODIPINE, (Micrograms(5000), Micrograms(10000))),),
        target=TARGET,
        max_step_rungs=1,
        min_interval_days=28,
        steps_allowed=2,
        potassium_below_thousandths=5000,
        egfr_at_least_thousandths=60000,
        lab_max_age_days=180,
        confidence_floor_percent=50,
        stop_conditions=frozenset(StopCondition),
        allow_age_80_and_over=False,
        valid_from=now - timedelta(days=1),
        expires_at=now + timedelta(days=180),
        signed_by=None,
        signed_at=None,
    )


def signature(clinician_id: str, body: bytes, now: datetime = NOW) -> Signature:
    return Signature(f"Dr {clinician_id}", clinician_id, now, "approves", documents.sha256(body))


async def sign_envelope(tx: Transaction, draft: Envelope, clinician_id: str) -> int:
    signed = signature(clinician_id, envelopes.record(draft))
    return await envelopes.sign(tx, draft, signed, now=NOW)


async def enrol(store: Store, name: str = NAME, *, cover: str | None = None) -> Person:
    """Enrol a patient with a clinician of their own."""
    clinician_id = f"c-{new_id()}"
    async with store.transaction(Acting("clinician", clinician_id, None)) as tx:
        if cover is not None:
            await credentials.add_clinician(tx, clinician(cover), now=NOW)
        await credentials.add_clinician(tx, clinician(clinician_id, cover), now=NOW)
        row = await patients.enrol(tx, new_patient(clinician_id, name), now=NOW)
    return Person(row.patient_id, clinician_id)


@asynccontextmanager
async def acting_as(store: Store, person: Person) -> AsyncIterator[Transaction]:
    """A transaction of the person's clinician, bound to the patient."""
    acting = Acting("clinician", person.clinician_id, person.patient_id)
    async with store.transaction(acting) as tx:
        yield tx


async def enrol_treated(
    store: Store, *, systolic: int = 152, stage: Stage | None = Stage.BOUNDED_STEPS
) -> Person:
    """Enrol a patient on amlodipine 5 mg, all inputs known, whose average is `systolic`."""
    person = await enrol(store)
    patient_id = person.patient_id
    async with acting_as(store, person) as tx:
        for purpose in (ConsentPurpose.MONITORING, ConsentPurpose.TITRATION):
            await consents.grant(tx, patient_id, purpose, now=NOW)
        await regimen.import_prescriptions(tx, patient_id, [amlodipine()], now=NOW)
        await labs.record(tx, patient_id, fresh_labs(), now=NOW)
        await doses.record(tx, patient_id, confirmed_doses(), now=NOW)
        await readings.record(tx, patient_id, week_of_readings(systolic, NOW, days=8), now=NOW)
        if stage is not None:
            await sign_envelope(tx, envelope(patient_id, stage=stage), person.clinician_id)
    return person


def amlodipine(dose_ug: int = 5000) -> Prescription:
    return Prescription(
        drug=Drug.AMLODIPINE,
        daily_dose_ug=Micrograms(dose_ug),
        times_a_day=1,
        since=NOW - timedelta(days=90),
        order_id="order-before",
        tablet_strength_ug=Micrograms(5000),
        tablets_in_hand=200,
    )


def fresh_labs() -> list[NewLab]:
    taken_at = NOW - timedelta(days=10)
    values = {Lab.POTASSIUM: 4200, Lab.SODIUM: 140000, Lab.CREATININE: 900, Lab.EGFR: 88000}
    return [NewLab(f"lab-{lab.value}", lab, value, taken_at) for lab, value in values.items()]


def confirmed_doses() -> list[NewDose]:
    return [
        NewDose(
            client_id=f"dose-{day}",
            drug=Drug.AMLODIPINE,
            intake_dose_ug=Micrograms(5000),
            taken=True,
            taken_at=NOW - timedelta(days=day, minutes=30),
        )
        for day in range(30)
    ]
