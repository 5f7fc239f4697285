"""Consent by purpose: every decision is kept, the latest of a purpose holds."""

from datetime import datetime

from sqlalchemy import insert, select

from services.audit.actions import Action
from services.clinical.patient import ConsentPurpose
from services.ids import new_id
from services.outbox_messages import recorded
from services.store.tables.people import CONSENTS
from services.store.transaction import Transaction


async def grant(
    tx: Transaction, patient_id: str, purpose: ConsentPurpose, *, now: datetime
) -> None:
    """Note that the patient agreed to a purpose."""
    await _decide(tx, patient_id, purpose, granted=True, now=now)


async def withdraw(
    tx: Transaction, patient_id: str, purpose: ConsentPurpose, *, now: datetime
) -> None:
    """Note that the patient took back an agreement."""
    await _decide(tx, patient_id, purpose, granted=False, now=now)


async def current(tx: Transaction, patient_id: str) -> frozenset[ConsentPurpose]:
    """Return the purposes that the patient agrees to now; none: observe nothing, advise nothing."""
    statement = (
        select(CONSENTS.c.purpose, CONSENTS.c.granted)
        .where(CONSENTS.c.patient_id == patient_id)
        .distinct(CONSENTS.c.purpose)
        .order_by(CONSENTS.c.purpose, CONSENTS.c.sequence.desc())
    )
    rows = (await tx.session.execute(statement)).all()
    return frozenset(ConsentPurpose(row.purpose) for row in rows if row.granted)


async def _decide(
    tx: Transaction, patient_id: str, purpose: ConsentPurpose, *, granted: bool, now: datetime
) -> None:
    consent_id = new_id()
    await tx.session.execute(
        insert(CONSENTS).values(
            consent_id=consent_id,
            patient_id=patient_id,
            purpose=purpose.value,
            granted=granted,
            at=now,
        )
    )
    await tx.event(
        Action.CONSENT_GRANTED if granted else Action.CONSENT_WITHDRAWN,
        now=now,
        subject_type="Consent",
        subject_id=consent_id,
        details=(("purpose", purpose.value),),
        patient_id=patient_id,
    )
    await tx.send(recorded(patient_id, "consent"), now=now)
