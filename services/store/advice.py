"""Advice: a step inside the envelope, offered to the patient, answered once, closed."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.audit.actions import Action
from services.ids import new_id
from services.loop_results import AdviceOutcome, Answer, AnswerStatus
from services.outbox_messages import answer_recorded
from services.store import documents, tasks
from services.store.entries import AdviceBody, AdviceEntry
from services.store.errors import NotInRecord
from services.store.tables.treatment import ADVICE, ADVICE_ANSWERS
from services.store.transaction import Transaction

_CLOSING = {
    "declined": Action.ADVICE_DECLINED,
    "enacted": Action.ADVICE_ACCEPTED,
    "refused": Action.ADVICE_EXPIRED,
    "expired": Action.ADVICE_EXPIRED,
    "withdrawn": Action.ADVICE_EXPIRED,
}
_TALKED_ABOUT = frozenset({"declined", "expired"})


async def offer(
    tx: Transaction,
    patient_id: str,
    assessment_id: str,
    body: AdviceBody,
    *,
    expires_at: datetime,
    now: datetime,
) -> AdviceEntry:
    """Offer a step; the caller knows that none is open."""
    entry = AdviceEntry(
        advice_id=new_id(),
        patient_id=patient_id,
        assessment_id=assessment_id,
        status="open",
        offered_at=now,
        expires_at=expires_at,
        closed_at=None,
        outcome=None,
        body=body,
    )
    sealed = documents.dump(AdviceBody, body)
    await tx.session.execute(
        insert(ADVICE).values(
            advice_id=entry.advice_id,
            patient_id=patient_id,
            assessment_id=assessment_id,
            status="open",
            offered_at=now,
            expires_at=expires_at,
            body_sealed=tx.vault.seal("advice", "body_sealed", entry.advice_id, sealed, patient_id),
        )
    )
    await tx.event(
        Action.ADVICE_OFFERED,
        now=now,
        subject_type="Advice",
        subject_id=entry.advice_id,
        payload={"move_id": body.move.move_id},
        details=(
            ("assessment", assessment_id),
            ("envelope", f"{body.envelope_id}@{body.envelope_version}"),
        ),
        patient_id=patient_id,
    )
    return entry


async def get(tx: Transaction, advice_id: str) -> AdviceEntry:
    """Return one advice; binds the transaction to its patient. Raises: NotInRecord."""
    statement = select(ADVICE).where(ADVICE.c.advice_id == advice_id)
    row = (await tx.session.execute(statement)).first()
    if row is None:
        raise NotInRecord(f"no advice {advice_id}")
    await tx.bind([row.patient_id])
    return _entry(tx, row)


async def open_for(tx: Transaction, patient_id: str) -> AdviceEntry | None:
    """Return the advice that is open for a patient, if any."""
    statement = select(ADVICE).where(
        ADVICE.c.patient_id == patient_id, ADVICE.c.closed_at.is_(None)
    )
    row = (await tx.session.execute(statement)).first()
    return None if row is None else _entry(tx, row)


async def list_for(tx: Transaction, patient_id: str, *, limit: int = 50) -> tuple[AdviceEntry, ...]:
    """Return a patient's advice, newest first."""
    statement = (
        select(ADVICE)
        .where(ADVICE.c.patient_id == patient_id)
        .order_by(ADVICE.c.offered_at.desc())
        .limit(limit)
    )
    return tuple(_entry(tx, row) for row in (await tx.session.execute(statement)).all())


async def record_answer(
    tx: Transaction, advice_id: str, *, answer: Answer, reason: str | None = None, now: datetime
) -> AnswerStatus:
    """Keep the patient's first answer and tell the loop of it.

    The same again: RECORDED; another: CHANGED.
    """
    entry = await get(tx, advice_id)
    earlier = await answer_of(tx, advice_id)
    if earlier is not None:
        return AnswerStatus.RECORDED if earlier is answer else AnswerStatus.CHANGED
    if entry.closed_at is not None or now >= entry.expires_at:
        return AnswerStatus.NOT_OPEN
    sealed = None
    if reason is not None:
        sealed = tx.vault.seal(
            "advice_answers", "reason_sealed", advice_id, reason.encode(), entry.patient_id
        )
    statement = (
        upsert(ADVICE_ANSWERS)
        .values(
            advice_id=advice_id,
            patient_id=entry.patient_id,
            answer=answer.value,
            answered_at=now,
            reason_sealed=sealed,
        )
        .on_conflict_do_nothing()
        .returning(ADVICE_ANSWERS.c.advice_id)
    )
    if (await tx.session.execute(statement)).first() is None:
        there = await answer_of(tx, advice_id)
        return AnswerStatus.RECORDED if there is answer else AnswerStatus.CHANGED
    accepted = answer is Answer.ACCEPT
    await tx.event(
        Action.ADVICE_ACCEPTED if accepted else Action.ADVICE_DECLINED,
        now=now,
        subject_type="Advice",
        subject_id=advice_id,
        payload=None if reason is None else {"reason": reason},
        patient_id=entry.patient_id,
    )
    await tx.send(answer_recorded(entry.patient_id, advice_id, answer), now=now)
    return AnswerStatus.RECORDED


async def answer_of(tx: Transaction, advice_id: str) -> Answer | None:
    """Return the patient's answer, if there is one."""
    statement = select(ADVICE_ANSWERS.c.answer).where(ADVICE_ANSWERS.c.advice_id == advice_id)
    text = (await tx.session.execute(statement)).scalar()
    return None if text is None else Answer(text)


async def answer_reason(tx: Transaction, advice_id: str) -> str | None:
    """Return why the patient answered so, if they said."""
    entry = await get(tx, advice_id)
    statement = select(ADVICE_ANSWERS.c.reason_sealed).where(
        ADVICE_ANSWERS.c.advice_id == advice_id
    )
    sealed = (await tx.session.execute(statement)).scalar()
    if sealed is None:
        return None
    return tx.vault.unseal(
        "advice_answers", "reason_sealed", advice_id, sealed, entry.patient_id
    ).decode()


async def close(tx: Transaction, advice_id: str, *, outcome: str, now: datetime) -> bool:
    """Close an advice; False when it was closed before. Raises: NotInRecord."""
    entry = await get(tx, advice_id)
    statement = (
        update(ADVICE)
        .where(ADVICE.c.advice_id == advice_id, ADVICE.c.closed_at.is_(None))
        .values(status="closed", outcome=outcome, closed_at=now)
        .returning(ADVICE.c.advice_id)
    )
    if (await tx.session.execute(statement)).first() is None:
        return False
    await tx.event(
        _CLOSING[outcome],
        now=now,
        subject_type="Advice",
        subject_id=advice_id,
        details=(("closed", True), ("outcome", outcome)),
        patient_id=entry.patient_id,
    )
    if outcome in _TALKED_ABOUT:
        # A step that the patient does not take is the clinician's to know, not only the log's.
        await tasks.open_task(tx, entry.patient_id, "talk_about_step", cause=outcome, now=now)
    return True


async def withdraw_open(tx: Transaction, patient_id: str, *, now: datetime) -> None:
    """Close what is offered to a patient, if anything is: it is not to be answered any more."""
    offered = await open_for(tx, patient_id)
    if offered is not None:
        await close(tx, offered.advice_id, outcome=AdviceOutcome.WITHDRAWN.value, now=now)


async def last_closed(tx: Transaction, patient_id: str) -> AdviceEntry | None:
    """Return the patient's advice that closed last, if any."""
    statement = (
        select(ADVICE)
        .where(ADVICE.c.patient_id == patient_id, ADVICE.c.closed_at.is_not(None))
        .order_by(ADVICE.c.closed_at.desc())
        .limit(1)
    )
    row = (await tx.session.execute(statement)).first()
    return None if row is None else _entry(tx, row)


def _entry(tx: Transaction, row: Any) -> AdviceEntry:
    body = tx.vault.unseal("advice", "body_sealed", row.advice_id, row.body_sealed, row.patient_id)
    return AdviceEntry(
        advice_id=row.advice_id,
        patient_id=row.patient_id,
        assessment_id=row.assessment_id,
        status=row.status,
        offered_at=row.offered_at,
        expires_at=row.expires_at,
        closed_at=row.closed_at,
        outcome=row.outcome,
        body=documents.load(AdviceBody, body),
    )
