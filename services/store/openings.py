"""What an assessment opens: a review for a clinician or advice for the patient, one at a time.

A move that a person turned down, or let pass, is not put to them again at once: it rests.
"""

from datetime import datetime, timedelta

from services.clinical.envelope import Envelope
from services.clinical.ladders import REVIEW_LADDER
from services.clinical.moves import MoveKind, Path
from services.clinical.verdict import Advise, Ask
from services.store import advice, assessments, resources, reviews
from services.store.assessment_resources import Judged, review_task
from services.store.entries import AdviceBody, AdviceEntry, ReviewEntry
from services.store.transaction import Transaction

# How long the same move rests after an outcome. Every reading is assessed; a question that comes
# back within days is overridden unread. Source: fewer, better alerts, Ancker 2017 [V]; days [D].
REST = {
    "rejected": timedelta(days=14),
    "declined": timedelta(days=14),
    "no_change": timedelta(days=7),
    "expired": timedelta(days=7),
    "refused": timedelta(days=1),
    "withdrawn": timedelta(0),
    "enacted": timedelta(0),
}
# Advice rests on readings that grow old. The loop expires it sooner; this is the last limit [D].
ADVICE_LASTS = timedelta(days=7)


async def open_for(
    tx: Transaction, judged: Judged, envelope: Envelope | None
) -> tuple[ReviewEntry | None, AdviceEntry | None]:
    """Return the review and the advice that are open once this assessment has its say."""
    patient_id = judged.subject.patient_id
    review = await reviews.open_for(tx, patient_id)
    offered = await advice.open_for(tx, patient_id)
    made = judged.assessment
    if made.proposal.move.kind is MoveKind.KEEP:
        return review, offered
    by_patient = made.proposal.path is Path.PATIENT
    if isinstance(made.verdict, Advise) and by_patient and envelope is not None:
        return review, await _advise(tx, judged, envelope, offered)
    if isinstance(made.verdict, Ask | Advise):
        return await _ask(tx, judged, review, offered)
    return review, offered


async def _advise(
    tx: Transaction, judged: Judged, envelope: Envelope, offered: AdviceEntry | None
) -> AdviceEntry | None:
    patient_id, move = judged.subject.patient_id, judged.assessment.proposal.move
    stands = offered is not None and offered.body.envelope_id == envelope.envelope_id
    if offered is not None and stands and offered.body.move == move:
        return offered
    if offered is not None:
        await advice.close(tx, offered.advice_id, outcome="withdrawn", now=judged.now)
    last = await advice.last_closed(tx, patient_id)
    if last is not None and last.body.move == move and _rests(last, judged.now):
        return None
    ranked = [item for item in judged.assessment.ranking.moves if item.move == move]
    body = AdviceBody(
        move=move,
        envelope_id=envelope.envelope_id,
        envelope_version=envelope.version,
        ranked=ranked[0] if ranked else None,
    )
    return await advice.offer(
        tx,
        patient_id,
        judged.assessment_id,
        body,
        expires_at=judged.now + ADVICE_LASTS,
        now=judged.now,
    )


async def _ask(
    tx: Transaction, judged: Judged, review: ReviewEntry | None, offered: AdviceEntry | None
) -> tuple[ReviewEntry | None, AdviceEntry | None]:
    """Put the move to a clinician; what was offered to the patient is theirs to decide now."""
    patient_id, move = judged.subject.patient_id, judged.assessment.proposal.move
    if offered is not None:
        await advice.close(tx, offered.advice_id, outcome="withdrawn", now=judged.now)
    if review is not None:
        before = await assessments.document(tx, review.assessment_id)
        same = before.assessment.proposal.move == move
        if same or review.status == "decided":
            return review, None
        return await reviews.supersede(tx, review, judged.assessment_id, now=judged.now), None
    last = await reviews.last_closed(tx, patient_id)
    if last is not None and _rests(last, judged.now):
        before = await assessments.document(tx, last.assessment_id)
        if before.assessment.proposal.move == move:
            return None, None
    opened = await reviews.open_review(
        tx, patient_id, judged.assessment_id, answer_within=REVIEW_LADDER[0], now=judged.now
    )
    about = review_task(judged, opened.review_id, opened.due_at)
    await resources.put_new(tx, patient_id, [about], now=judged.now)
    return opened, None


def _rests(closed: AdviceEntry | ReviewEntry, now: datetime) -> bool:
    if closed.closed_at is None or closed.outcome is None:
        return False
    return now < closed.closed_at + REST[closed.outcome]
