"""Reviews: a proposal put to a clinician, claimed, decided under a signature, closed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from services.audit.actions import Action
from services.ids import new_id
from services.loop_results import ClaimOutcome, ClaimStatus
from services.outbox_messages import decision_recorded
from services.store import assessments, documents
from services.store.entries import DecisionBody, DecisionEntry, NewDecision, ReviewEntry
from services.store.errors import Changed, NotInRecord, NotOpen
from services.store.tables.treatment import REVIEW_DECISIONS, REVIEWS
from services.store.transaction import Transaction

_DECIDABLE = ("open", "claimed", "deferred")


async def open_review(
    tx: Transaction, patient_id: str, assessment_id: str, *, answer_within: timedelta, now: datetime
) -> ReviewEntry:
    """Open a review of an assessment; the caller knows that none is open."""
    review = ReviewEntry(
        review_id=new_id(),
        patient_id=patient_id,
        assessment_id=assessment_id,
        status="open",
        version=1,
        rung=0,
        opened_at=now,
        due_at=now + answer_within,
        claimed_by=None,
        claimed_at=None,
        closed_at=None,
        outcome=None,
    )
    await tx.session.execute(
        insert(REVIEWS).values(
            review_id=review.review_id,
            patient_id=patient_id,
            assessment_id=assessment_id,
            status=review.status,
            version=1,
            rung=0,
            opened_at=now,
            due_at=review.due_at,
        )
    )
    await _note(tx, Action.REVIEW_OPENED, review, now=now)
    return review


async def get(tx: Transaction, review_id: str) -> ReviewEntry:
    """Return one review; binds the transaction to its patient. Raises: NotInRecord."""
    return await _one(tx, select(REVIEWS).where(REVIEWS.c.review_id == review_id), review_id)


async def open_for(tx: Transaction, patient_id: str) -> ReviewEntry | None:
    """Return the patient's review that is not closed, if any."""
    statement = select(REVIEWS).where(
        REVIEWS.c.patient_id == patient_id, REVIEWS.c.closed_at.is_(None)
    )
    row = (await tx.session.execute(statement)).first()
    return None if row is None else ReviewEntry(*row)


async def last_closed(tx: Transaction, patient_id: str) -> ReviewEntry | None:
    """Return the patient's review that closed last, if any."""
    statement = (
        select(REVIEWS)
        .where(REVIEWS.c.patient_id == patient_id, REVIEWS.c.closed_at.is_not(None))
        .order_by(REVIEWS.c.closed_at.desc())
        .limit(1)
    )
    row = (await tx.session.execute(statement)).first()
    return None if row is None else ReviewEntry(*row)


async def list_open(tx: Transaction) -> tuple[ReviewEntry, ...]:
    """Return every open review that the one who acts may see, soonest due first."""
    statement = select(REVIEWS).where(REVIEWS.c.closed_at.is_(None)).order_by(REVIEWS.c.due_at)
    return tuple(ReviewEntry(*row) for row in (await tx.session.execute(statement)).all())


async def list_closed(tx: Transaction, *, limit: int = 100) -> tuple[ReviewEntry, ...]:
    """Return closed reviews that the one who acts may see, last closed first."""
    statement = (
        select(REVIEWS)
        .where(REVIEWS.c.closed_at.is_not(None))
        .order_by(REVIEWS.c.closed_at.desc())
        .limit(limit)
    )
    return tuple(ReviewEntry(*row) for row in (await tx.session.execute(statement)).all())


async def list_of(tx: Transaction, patient_id: str) -> tuple[ReviewEntry, ...]:
    """Return every review of a patient, oldest first."""
    statement = (
        select(REVIEWS)
        .where(REVIEWS.c.patient_id == patient_id)
        .order_by(REVIEWS.c.opened_at, REVIEWS.c.review_id)
    )
    return tuple(ReviewEntry(*row) for row in (await tx.session.execute(statement)).all())


async def record(tx: Transaction, review_id: str) -> bytes:
    """Return the bytes that a signature is over: the assessment that the review is about."""
    return await assessments.body(tx, (await get(tx, review_id)).assessment_id)


async def supersede(
    tx: Transaction, review: ReviewEntry, assessment_id: str, *, now: datetime
) -> ReviewEntry:
    """Put another proposal in an open review: whoever has the old one before them is refused."""
    changed = replace(review, assessment_id=assessment_id, version=review.version + 1)
    await _change(tx, review.review_id, assessment_id=assessment_id, version=changed.version)
    await _note(tx, Action.REVIEW_OPENED, changed, now=now)
    return changed


async def claim(
    tx: Transaction, review_id: str, *, clinician_id: str, now: datetime, take_over: bool = False
) -> ClaimOutcome:
    """Give the review to a clinician, unless another holds it. It keeps its version."""
    review = await _locked(tx, review_id)
    if review.status not in _DECIDABLE:
        return ClaimOutcome(ClaimStatus.NOT_OPEN, review.claimed_by)
    if review.claimed_by == clinician_id:
        return ClaimOutcome(ClaimStatus.CLAIMED, clinician_id)
    if review.claimed_by is not None and not take_over:
        return ClaimOutcome(ClaimStatus.TAKEN, review.claimed_by)
    status = "claimed" if review.status == "open" else review.status
    await _change(tx, review_id, status=status, claimed_by=clinician_id, claimed_at=now)
    await _note(tx, Action.REVIEW_CLAIMED, review, now=now)
    return ClaimOutcome(ClaimStatus.CLAIMED, clinician_id)


async def record_decision(tx: Transaction, new: NewDecision, *, now: datetime) -> DecisionEntry:
    """Keep a signed decision and tell the review's loop. The same decision id again: as it stands.

    Raises:
        Changed: the review is another version than the one shown, or the signature another's.
        NotOpen: decided or closed already.
        NotInRecord: there is no such review.
    """
    review = await _locked(tx, new.review_id)
    earlier = await _decision_or_none(tx, new.decision_id)
    if earlier is not None:
        return earlier
    if review.status not in _DECIDABLE:
        raise NotOpen(f"review {new.review_id} is {review.status}")
    if review.version != new.review_version:
        raise Changed(f"review {new.review_id} is version {review.version} now")
    signature = new.body.signature
    if signature is not None:
        body = await assessments.body(tx, review.assessment_id)
        if signature.record_sha256 != documents.sha256(body):
            raise Changed(f"the signature is over another record than review {new.review_id}")
    entry = _entry_of(new, review.patient_id, now)
    await _insert_decision(tx, entry)
    await _change(
        tx,
        new.review_id,
        status="deferred" if new.kind == "defer" else "decided",
        version=review.version + 1,
        claimed_by=new.clinician_id,
        claimed_at=review.claimed_at or now,
    )
    await tx.event(
        Action.REVIEW_DECIDED,
        now=now,
        subject_type="Task",
        subject_id=new.review_id,
        payload={
            "decision_id": new.decision_id,
            "move_id": new.body.move_id,
            "reason_code": new.body.reason_code,
            "signed_sha256": None if signature is None else signature.record_sha256,
        },
        details=(("decision", new.kind), ("dwell_s", int(new.dwell_s))),
        patient_id=review.patient_id,
    )
    message = decision_recorded(new.review_id, review.patient_id, new.decision_id)
    await tx.send(message, now=now)
    return entry


async def decision(tx: Transaction, decision_id: str) -> DecisionEntry:
    """Return one decision. Raises: NotInRecord."""
    found = await _decision_or_none(tx, decision_id)
    if found is None:
        raise NotInRecord(f"no decision {decision_id}")
    return found


async def decisions(tx: Transaction, review_id: str) -> tuple[DecisionEntry, ...]:
    """Return every decision on a review, oldest first."""
    await get(tx, review_id)
    statement = (
        select(REVIEW_DECISIONS)
        .where(REVIEW_DECISIONS.c.review_id == review_id)
        .order_by(REVIEW_DECISIONS.c.decided_at)
    )
    return tuple(_decision(tx, row) for row in (await tx.session.execute(statement)).all())


async def escalate(tx: Transaction, review_id: str, *, rung: int, now: datetime) -> ReviewEntry:
    """Note the rung of the ladder that was reached. Raises: NotInRecord."""
    review = await _locked(tx, review_id)
    if review.closed_at is not None or review.rung >= rung:
        return review
    await _change(tx, review_id, rung=rung)
    await _note(tx, Action.REVIEW_ESCALATED, replace(review, rung=rung), now=now)
    return replace(review, rung=rung)


async def close(tx: Transaction, review_id: str, *, outcome: str, now: datetime) -> bool:
    """Close a review; False when it was closed before. Raises: NotInRecord."""
    review = await _locked(tx, review_id)
    if review.closed_at is not None:
        return False
    await _change(
        tx, review_id, status="closed", outcome=outcome, closed_at=now, version=review.version + 1
    )
    await _note(tx, Action.REVIEW_CLOSED, replace(review, outcome=outcome), now=now)
    return True


async def decisions_beside(
    tx: Transaction, review_id: str, known_decision_ids: Sequence[str]
) -> tuple[str, ...]:
    """Return signed decisions of an open review other than the known ones.

    Locks the review, so that none is signed between this answer and the end of the transaction.
    """
    review = await _locked(tx, review_id)
    if review.closed_at is not None:
        return ()
    statement = select(REVIEW_DECISIONS.c.decision_id).where(
        REVIEW_DECISIONS.c.review_id == review_id,
        REVIEW_DECISIONS.c.decision_id.not_in(known_decision_ids),
    )
    return tuple((await tx.session.execute(statement)).scalars())


async def reopen(tx: Transaction, review_id: str) -> None:
    """The guard refused the decision on fresh data: another may be signed."""
    review = await _locked(tx, review_id)
    if review.status == "decided":
        await _change(tx, review_id, status="claimed", version=review.version + 1)


async def _locked(tx: Transaction, review_id: str) -> ReviewEntry:
    statement = select(REVIEWS).where(REVIEWS.c.review_id == review_id).with_for_update()
    return await _one(tx, statement, review_id)


async def _one(tx: Transaction, statement: Any, review_id: str) -> ReviewEntry:
    row = (await tx.session.execute(statement)).first()
    if row is None:
        raise NotInRecord(f"no review {review_id}")
    await tx.bind([row.patient_id])
    return ReviewEntry(*row)


async def _change(tx: Transaction, review_id: str, **values: object) -> None:
    await tx.session.execute(
        update(REVIEWS).where(REVIEWS.c.review_id == review_id).values(**values)
    )


async def _decision_or_none(tx: Transaction, decision_id: str) -> DecisionEntry | None:
    statement = select(REVIEW_DECISIONS).where(REVIEW_DECISIONS.c.decision_id == decision_id)
    row = (await tx.session.execute(statement)).first()
    if row is None:
        return None
    await tx.bind([row.patient_id])
    return _decision(tx, row)


async def _insert_decision(tx: Transaction, entry: DecisionEntry) -> None:
    body = documents.dump(DecisionBody, entry.body)
    await tx.session.execute(
        insert(REVIEW_DECISIONS).values(
            decision_id=entry.decision_id,
            review_id=entry.review_id,
            patient_id=entry.patient_id,
            review_version=entry.review_version,
            kind=entry.kind,
            clinician_id=entry.clinician_id,
            decided_at=entry.decided_at,
            dwell_ms=round(entry.dwell_s * 1000),
            body_sealed=tx.vault.seal(
                "review_decisions", "body_sealed", entry.decision_id, body, entry.patient_id
            ),
        )
    )


def _entry_of(new: NewDecision, patient_id: str, now: datetime) -> DecisionEntry:
    return DecisionEntry(
        decision_id=new.decision_id,
        review_id=new.review_id,
        patient_id=patient_id,
        review_version=new.review_version,
        kind=new.kind,
        clinician_id=new.clinician_id,
        decided_at=now,
        dwell_s=new.dwell_s,
        body=new.body,
    )


def _decision(tx: Transaction, row: Any) -> DecisionEntry:
    body = tx.vault.unseal(
        "review_decisions", "body_sealed", row.decision_id, row.body_sealed, row.patient_id
    )
    return DecisionEntry(
        decision_id=row.decision_id,
        review_id=row.review_id,
        patient_id=row.patient_id,
        review_version=row.review_version,
        kind=row.kind,
        clinician_id=row.clinician_id,
        decided_at=row.decided_at,
        dwell_s=row.dwell_ms / 1000,
        body=documents.load(DecisionBody, body),
    )


async def _note(tx: Transaction, action: Action, review: ReviewEntry, *, now: datetime) -> None:
    details: list[tuple[str, str | int | bool]] = [
        ("assessment", review.assessment_id),
        ("rung", review.rung),
        ("version", review.version),
    ]
    if review.outcome is not None:
        details.append(("outcome", review.outcome))
    await tx.event(
        action,
        now=now,
        subject_type="Task",
        subject_id=review.review_id,
        details=details,
        patient_id=review.patient_id,
    )
