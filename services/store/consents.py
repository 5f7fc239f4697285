"""Consent by purpose: every decision is kept, the latest of a purpose holds."""

from datetime import datetime
from itertools import takewhile
from operator import attrgetter

from sqlalchemy import insert, select

from services.audit.actions import Action
from services.clinical.patient import ConsentPurpose
from services.ids import new_id
from services.outbox_messages import monitoring_changed, recorded
from services.store import advice
from services.store.tables.people import CONSENTS
from services.store.transaction import Transaction

_NEEDED_FOR_ADVICE = frozenset({ConsentPurpose.MONITORING, ConsentPurpose.TITRATION})


async def grant(
    tx: Transaction, patient_id: str, purpose: ConsentPurpose, *, now: datetime
) -> None:
    """Note that the patient agreed to a purpose."""
    await _decide(tx, patient_id, purpose, granted=True, now=now)


async def withdraw(
    tx: Transaction, patient_id: str, purpose: ConsentPurpose, *, now: datetime
) -> None:
    """Note that the patient took back an agreement.

    A step that was offered under it is withdrawn with it.
    """
    await _decide(tx, patient_id, purpose, granted=False, now=now)
    if purpose in _NEEDED_FOR_ADVICE:
        await advice.withdraw_open(tx, patient_id, now=now)


async def current(tx: Transaction, patient_id: str) -> frozenset[ConsentPurpose]:
    """Return the purposes that the patient agrees to now; none: observe nothing, advise nothing."""
    decided = await _latest(tx, patient_id)
    return frozenset(purpose for purpose, granted in decided if granted)


async def withdrawn(tx: Transaction, patient_id: str) -> frozenset[ConsentPurpose]:
    """Return the purposes that the patient refused or took back."""
    decided = await _latest(tx, patient_id)
    return frozenset(purpose for purpose, granted in decided if not granted)


async def monitored_since(tx: Transaction, patient_id: str) -> datetime | None:
    """Return since when monitoring is agreed to without a break; None: it is not."""
    statement = (
        select(CONSENTS.c.granted, CONSENTS.c.at)
        .where(
            CONSENTS.c.patient_id == patient_id,
            CONSENTS.c.purpose == ConsentPurpose.MONITORING.value,
        )
        .order_by(CONSENTS.c.sequence.desc())
    )
    rows = (await tx.session.execute(statement)).all()
    unbroken = list(takewhile(attrgetter("granted"), rows))
    return unbroken[-1].at if unbroken else None


async def _latest(tx: Transaction, patient_id: str) -> list[tuple[ConsentPurpose, bool]]:
    statement = (
        select(CONSENTS.c.purpose, CONSENTS.c.granted)
        .where(CONSENTS.c.patient_id == patient_id)
        .distinct(CONSENTS.c.purpose)
        .order_by(CONSENTS.c.purpose, CONSENTS.c.sequence.desc())
    )
    rows = (await tx.session.execute(statement)).all()
    return [(ConsentPurpose(row.purpose), row.granted) for row in rows]


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
    if purpose is ConsentPurpose.MONITORING:
        await tx.send(monitoring_changed(patient_id), now=now)
    await tx.send(recorded(patient_id, "consent"), now=now)
