"""A small clinic in a real database: accounts, patients with a protocol week, assessments.

Everything goes in as the gateway and the worker would write it. All patients are made up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from clinician_app.accounts import NewAccount, create_account
from services import clock
from services.clinical.formulary import Drug
from services.clinical.patient import ConsentPurpose, Lab, Pregnancy, Prescription, Sex, Target
from services.clinical.proposal import Predictor
from services.clinical.readings import Posture
from services.clinical.titration import Titrator
from services.clinical.units import Micrograms, Mmhg
from services.fhir.medication import imported_order
from services.fhir.resource import Subject, to_bytes
from services.ids import new_id
from services.loop_results import AssessOutcome
from services.store import (
    Acting,
    Store,
    assessing,
    consents,
    documents,
    doses,
    labs,
    patients,
    readings,
    regimen,
    resources,
    reviews,
)
from services.store.entries import DecisionBody, NewDecision
from services.store.rows import (
    Identity,
    NewDose,
    NewLab,
    NewPatient,
    NewReading,
    PatientFacts,
    Signature,
)

Kind = Literal["accept", "modify", "reject", "defer"]
PASSWORD = "correct horse battery"
TITRATOR: Predictor = Titrator()


@dataclass(frozen=True, slots=True)
class Sick:
    """A patient to be made: pressures around a mean, on amlodipine 5 mg since two months ago."""

    name: str
    systolic_mmhg: int = 148
    diastolic_mmhg: int = 88
    taken_percent: int = 100
    with_labs: bool = True


async def clinician(
    store: Store, username: str, *, role: str = "clinician", cover: str | None = None
) -> str:
    """Make an account and return its id."""
    name = f"Dr {username.title()}"
    account = NewAccount(username, name, role, cover, PASSWORD)
    return await create_account(store, account, now=clock.now())


async def patient(store: Store, clinician_id: str, sick: Sick) -> str:
    """Enrol a patient with 28 days of readings, doses and fresh labs; return the id."""
    now = clock.now()
    acting = Acting("clinician", clinician_id, None)
    async with store.transaction(acting) as tx:
        row = await patients.enrol(tx, _new(sick, clinician_id), now=now - timedelta(days=60))
        who = row.patient_id
        for purpose in (ConsentPurpose.MONITORING, ConsentPurpose.TITRATION):
            await consents.grant(tx, who, purpose, now=now - timedelta(days=60))
        line = _amlodipine(now - timedelta(days=60))
        order = imported_order(
            order_id=line.order_id,
            subject=Subject(who, True),
            drug=line.drug,
            daily_dose_ug=line.daily_dose_ug,
            times_a_day=1,
            since=line.since,
            clinician_id=clinician_id,
        )
        order_bytes = to_bytes(order)
        await resources.put_new(
            tx, who, [("MedicationRequest", line.order_id, order_bytes)], now=now
        )
        await regimen.import_prescriptions(tx, who, [line], now=now)
        await readings.record(tx, who, _readings(sick, now), now=now)
        await doses.record(tx, who, _doses(sick, now), now=now)
        if sick.with_labs:
            await labs.record(tx, who, _labs(now), now=now)
    return who


async def assess(store: Store, patient_id: str, predictor: Predictor = TITRATOR) -> AssessOutcome:
    """Make one assessment as the worker does, with the deterministic titrator unless told."""
    async with store.transaction(Acting("worker", "worker", patient_id)) as tx:
        return await assessing.assess(
            tx, patient_id, key=new_id(), predictor=predictor, now=clock.now()
        )


async def decided(
    store: Store, worker: Store, patient_id: str, clinician_id: str, kinds: Iterable[Kind]
) -> None:
    """Have reviews opened, decided and closed as enacted one after the other; no dose moves."""
    for kind in kinds:
        review_id = (await assess(worker, patient_id)).review_id
        assert review_id is not None, "nothing to decide"
        now = clock.now()
        async with store.transaction(Acting("clinician", clinician_id, patient_id)) as tx:
            review = await reviews.get(tx, review_id)
            digest = documents.sha256(await reviews.record(tx, review_id))
            signed = Signature("Dr", clinician_id, now, "decides", digest)
            body = DecisionBody(None, None, None, (), None, signed)
            decision = NewDecision(
                new_id(), review_id, review.version, kind, clinician_id, 20.0, body
            )
            await reviews.record_decision(tx, decision, now=now)
        async with worker.transaction(Acting("worker", "worker", patient_id)) as tx:
            await reviews.close(tx, review_id, outcome="enacted", now=now)


def reading(
    systolic: int, diastolic: int, taken_at: datetime, posture: Posture = Posture.SITTING
) -> NewReading:
    """Return one cuff reading of a validated, fitting device."""
    return NewReading(
        client_id=new_id(),
        systolic_mmhg=Mmhg(systolic),
        diastolic_mmhg=Mmhg(diastolic),
        pulse_bpm=72,
        taken_at=taken_at,
        utc_offset_minutes=0,
        device_validated=True,
        cuff_fits=True,
        irregular_pulse=False,
        history=True,
        posture=posture,
    )


def _new(sick: Sick, clinician_id: str) -> NewPatient:
    born = date(1958, 5, 6)
    return NewPatient(
        identity=Identity(sick.name, born, Sex.MALE, (("urn:test:mrn", new_id()),)),
        facts=PatientFacts(
            birth_date=born,
            sex=Sex.MALE,
            conditions_complete=True,
            intolerances_complete=True,
            medicines_complete=True,
            pregnancy=Pregnancy.NOT_APPLICABLE,
            target=Target(130, 80),
        ),
        clinic_id="clinic",
        timezone="UTC",
        simulated=True,
        clinician_id=clinician_id,
    )


def _amlodipine(since: datetime) -> Prescription:
    return Prescription(
        drug=Drug.AMLODIPINE,
        daily_dose_ug=Micrograms(5_000),
        times_a_day=1,
        since=since,
        order_id=new_id(),
        tablet_strength_ug=Micrograms(5_000),
        tablets_in_hand=60,
    )


def _readings(sick: Sick, now: datetime) -> list[NewReading]:
    """Two in the morning, two in the evening on each of 28 days, and standing ones lately."""
    spread = (-6, 3, -2, 5, 0, 7, -7)
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    found = []
    for back in range(1, 29):
        shift = spread[back % len(spread)]
        for hour in (7, 20):
            for minute in (0, 2):
                at = midnight - timedelta(days=back) + timedelta(hours=hour, minutes=minute)
                found.append(
                    reading(
                        sick.systolic_mmhg + shift + minute, sick.diastolic_mmhg + shift // 2, at
                    )
                )
    standing = midnight - timedelta(days=2) + timedelta(hours=7, minutes=10)
    for posture in (Posture.STANDING_1_MIN, Posture.STANDING_3_MIN):
        found.append(
            reading(sick.systolic_mmhg - 4, sick.diastolic_mmhg, standing, posture=posture)
        )
    return found


def _doses(sick: Sick, now: datetime) -> list[NewDose]:
    return [
        NewDose(
            client_id=new_id(),
            drug=Drug.AMLODIPINE,
            intake_dose_ug=Micrograms(5_000),
            taken=back * 100 // 28 < sick.taken_percent,
            taken_at=now - timedelta(days=back),
        )
        for back in range(28)
    ]


def _labs(now: datetime) -> list[NewLab]:
    values = {
        Lab.POTASSIUM: 4_300,
        Lab.SODIUM: 140_000,
        Lab.CREATININE: 900,
        Lab.EGFR: 88_000,
        Lab.ALBUMIN_CREATININE_RATIO: 10_000,
    }
    return [NewLab(new_id(), lab, value, now - timedelta(days=20)) for lab, value in values.items()]
