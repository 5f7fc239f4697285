"""Patients: enrolment, identity, facts by version, and the end of a data key."""

from datetime import datetime

from sqlalchemy import func, insert, select

from services.audit.actions import Action
from services.ids import new_id
from services.outbox_messages import careplan_changed, recorded
from services.store import documents
from services.store.errors import NotInRecord
from services.store.rows import Identity, NewPatient, PatientFacts, PatientRow
from services.store.tables.people import CARE_TEAM, PATIENT_FACTS, PATIENTS
from services.store.transaction import Transaction

_COLUMNS = (
    PATIENTS.c.patient_id,
    PATIENTS.c.clinic_id,
    PATIENTS.c.timezone,
    PATIENTS.c.simulated,
    PATIENTS.c.enrolled_at,
)


async def enrol(tx: Transaction, new: NewPatient, *, now: datetime) -> PatientRow:
    """Enrol a patient: data key, record, facts, care team; binds this transaction to them.

    The loops of the patient start when the transaction commits.
    """
    row = PatientRow(new_id(), new.clinic_id, new.timezone, new.simulated, now)
    patient_id, subject_id = row.patient_id, new_id()
    tx.adopt(patient_id, subject_id, await tx.store.keys.create(patient_id, now=now))
    await tx.apply_settings()
    if new.clinician_id is not None:
        await assign(tx, patient_id, new.clinician_id, now=now)
    identity = documents.dump(Identity, new.identity)
    await tx.session.execute(
        insert(PATIENTS).values(
            patient_id=patient_id,
            identity_sealed=tx.vault.seal(
                "patients", "identity_sealed", patient_id, identity, patient_id
            ),
            subject_sealed=tx.vault.seal(
                "patients", "subject_sealed", patient_id, subject_id.encode(), patient_id
            ),
            clinic_id=row.clinic_id,
            timezone=row.timezone,
            simulated=row.simulated,
            enrolled_at=now,
        )
    )
    await _append_facts(tx, patient_id, new.facts, version=1, now=now)
    await tx.event(
        Action.PATIENT_ENROLLED,
        now=now,
        subject_type="Patient",
        subject_id=patient_id,
        details=(("simulated", new.simulated),),
        patient_id=patient_id,
    )
    await tx.send(recorded(patient_id, "enrolment"), now=now)
    await tx.send(careplan_changed(patient_id), now=now)
    return row


async def assign(tx: Transaction, patient_id: str, clinician_id: str, *, now: datetime) -> None:
    """Put a clinician on the patient's care team."""
    await tx.session.execute(
        insert(CARE_TEAM).values(patient_id=patient_id, clinician_id=clinician_id, since=now)
    )


async def care_team(tx: Transaction, patient_id: str) -> tuple[str, ...]:
    """Return the ids of the patient's clinicians, who joined first comes first."""
    statement = (
        select(CARE_TEAM.c.clinician_id)
        .where(CARE_TEAM.c.patient_id == patient_id)
        .order_by(CARE_TEAM.c.since, CARE_TEAM.c.clinician_id)
    )
    return tuple((await tx.session.execute(statement)).scalars())


async def get(tx: Transaction, patient_id: str) -> PatientRow:
    """Return one patient. Raises: NotInRecord."""
    statement = select(*_COLUMNS).where(PATIENTS.c.patient_id == patient_id)
    found = (await tx.session.execute(statement)).first()
    if found is None:
        raise NotInRecord(f"no patient {patient_id}")
    return PatientRow(*found)


async def identity(tx: Transaction, patient_id: str) -> Identity:
    """Return who the patient is. Raises: NotInRecord."""
    return (await identities(tx, [patient_id]))[patient_id]


async def identities(tx: Transaction, patient_ids: list[str]) -> dict[str, Identity]:
    """Return who these patients are, in one query. Raises: NotInRecord."""
    await tx.bind(patient_ids)
    statement = select(PATIENTS.c.patient_id, PATIENTS.c.identity_sealed).where(
        PATIENTS.c.patient_id.in_(patient_ids)
    )
    found = {
        patient_id: documents.load(
            Identity,
            tx.vault.unseal("patients", "identity_sealed", patient_id, sealed, patient_id),
        )
        for patient_id, sealed in (await tx.session.execute(statement)).all()
    }
    for patient_id in patient_ids:
        if patient_id not in found:
            raise NotInRecord(f"no patient {patient_id}")
    return found


async def list_for_clinician(tx: Transaction) -> tuple[PatientRow, ...]:
    """Return every patient that the acting clinician may see (row-level security decides)."""
    statement = select(*_COLUMNS).order_by(PATIENTS.c.enrolled_at, PATIENTS.c.patient_id)
    return tuple(PatientRow(*row) for row in (await tx.session.execute(statement)).all())


async def set_facts(tx: Transaction, patient_id: str, facts: PatientFacts, *, now: datetime) -> int:
    """Append a version of the facts and return its number; earlier ones stay."""
    newest = select(func.max(PATIENT_FACTS.c.version)).where(
        PATIENT_FACTS.c.patient_id == patient_id
    )
    version = ((await tx.session.execute(newest)).scalar() or 0) + 1
    await _append_facts(tx, patient_id, facts, version=version, now=now)
    await tx.event(
        Action.RECORD_UPDATED,
        now=now,
        subject_type="PatientFacts",
        subject_id=f"{patient_id}@{version}",
        patient_id=patient_id,
    )
    await tx.send(recorded(patient_id, "facts"), now=now)
    return version


async def facts(tx: Transaction, patient_id: str) -> PatientFacts:
    """Return the newest version of the facts. Raises: NotInRecord."""
    statement = (
        select(PATIENT_FACTS.c.version, PATIENT_FACTS.c.body_sealed)
        .where(PATIENT_FACTS.c.patient_id == patient_id)
        .order_by(PATIENT_FACTS.c.version.desc())
        .limit(1)
    )
    found = (await tx.session.execute(statement)).first()
    if found is None:
        raise NotInRecord(f"no facts of patient {patient_id}")
    row = f"{patient_id}@{found.version}"
    body = tx.vault.unseal("patient_facts", "body_sealed", row, found.body_sealed, patient_id)
    return documents.load(PatientFacts, body)


async def destroy_key(tx: Transaction, patient_id: str, *, now: datetime) -> bool:
    """Destroy the data key: sealed fields become unreadable, narrow rows anonymous.

    False: it was destroyed before. The key goes at once, whatever becomes of the transaction.
    """
    destroyed = await tx.store.keys.destroy(patient_id, now=now)
    tx.store.forget(patient_id)
    await tx.event(
        Action.KEY_DESTROYED,
        now=now,
        subject_type="Patient",
        subject_id=patient_id,
        patient_id=patient_id,
        outcome="success" if destroyed else "refused",
    )
    return destroyed


async def _append_facts(
    tx: Transaction, patient_id: str, facts_now: PatientFacts, *, version: int, now: datetime
) -> None:
    body = documents.dump(PatientFacts, facts_now)
    row = f"{patient_id}@{version}"
    await tx.session.execute(
        insert(PATIENT_FACTS).values(
            patient_id=patient_id,
            version=version,
            body_sealed=tx.vault.seal("patient_facts", "body_sealed", row, body, patient_id),
            at=now,
            by_id=tx.acting.actor_id,
        )
    )
