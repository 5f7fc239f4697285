"""Reviews: listed, shown with everything that a decision needs, claimed."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from clinician_app.api.arguments import arguments
from clinician_app.api.bodies import ReviewLine, ReviewList, ReviewOut
from clinician_app.api.caller import Asking
from clinician_app.api.care_bodies import ClaimOut
from clinician_app.api.explanation import explanation
from clinician_app.api.proposals import (
    checks_out,
    clinician_findings,
    options,
    proposal_out,
    ranked_move,
)
from clinician_app.api.reading import Id, Reading, note_read, patient_shown
from clinician_app.api.trend import course_of, summarise
from clinician_app.api.worklist import review_cause
from clinician_app.words import due_words, plain
from services.audit.actions import Action
from services.clinical import guard
from services.clinical.verdict import Strength
from services.ids import new_id
from services.problems import ProblemCode, ProblemRaised
from services.store import assessments, reviews
from services.store.entries import AssessmentDocument, DecisionEntry, ReviewEntry
from workflows.client import LoopUnavailable, NotOpen, Rejected

router = APIRouter(prefix="/v1/reviews", tags=["reviews"])

TREND_DAYS = 30
# Rules of strength autonomy bind the patient alone: a clinician is not told that they passed.
CHECKS = tuple(rule for rule in guard.RULES if rule.strength is not Strength.AUTONOMY)
Status = Annotated[Literal["open", "closed"], Query()]


@router.get("", operation_id="reviews")
async def list_reviews(caller: Asking, status: Status = "open") -> ReviewList:
    """Return open reviews, soonest due first, or closed ones, last closed first."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        found = await (reviews.list_open(tx) if status == "open" else reviews.list_closed(tx))
        await note_read(
            tx, caller, "Task", new_id(), patient_id=None, action=Action.RECORD_SEARCHED
        )
    return ReviewList(reviews=[line(review) for review in found])


@router.get("/{review_id}", operation_id="review")
async def show(review_id: Id, caller: Asking, response: Response) -> ReviewOut:
    """Return one review. Its ETag is what a decision has to match."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        patient_id = (await reviews.get(tx, review_id)).patient_id
    async with patient_shown(caller, patient_id, "Task", review_id) as shown:
        review = await reviews.get(shown.tx, review_id)
        document = await assessments.document(shown.tx, review.assessment_id)
        decided = await reviews.decisions(shown.tx, review_id)
    response.headers["ETag"] = etag(review.version)
    return _out(review, document, shown, decided, caller)


@router.post("/{review_id}/claim", operation_id="claimReview")
async def claim(review_id: Id, caller: Asking) -> ClaimOut:
    """Take a review, so that colleagues see that it is in hand."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        await reviews.get(tx, review_id)
    try:
        outcome = await caller.door.loops.claim(review_id, caller.clinician_id)
    except LoopUnavailable as err:
        raise ProblemRaised(ProblemCode.TEMPORARILY_UNAVAILABLE) from err
    except NotOpen as err:
        raise ProblemRaised(ProblemCode.NO_LONGER_OPEN) from err
    except Rejected as err:
        raise ProblemRaised(ProblemCode.REJECTED) from err
    return ClaimOut(status=outcome.status.value, claimed_by=outcome.claimed_by)


def etag(version: int) -> str:
    """Return the ETag of a review's version."""
    return f'"{version}"'


def line(review: ReviewEntry) -> ReviewLine:
    """Return a review in a line. Decided is still open until the step is enacted."""
    return ReviewLine(
        review_id=review.review_id,
        patient_id=review.patient_id,
        status=review.status,
        opened_at=review.opened_at,
        due_at=review.due_at,
        claimed_by=review.claimed_by,
    )


def _out(
    review: ReviewEntry,
    document: AssessmentDocument,
    shown: Reading,
    decided: tuple[DecisionEntry, ...],
    caller: Asking,
) -> ReviewOut:
    """The proposal is the assessment's; what speaks against it is read from the record of now."""
    now, snapshot, envelope = caller.now, shown.snapshot, shown.envelope
    move, ranking = document.assessment.proposal.move, document.assessment.ranking
    checks = checks_out(clinician_findings(move, snapshot, envelope, now=now))
    pro, contra = arguments(move, ranked_move(ranking, move), snapshot, now=now)
    return ReviewOut(
        as_of=now,
        line=line(review),
        due=due_words(review.due_at, now),
        cause=review_cause(document),
        header=shown.header,
        proposal=proposal_out(document.assessment.proposal),
        options=options(move, ranking, snapshot, envelope, now=now),
        explanation=explanation(ranking, move),
        pro=pro,
        contra=contra,
        checks_passed=len(CHECKS) - len(checks),
        checks=checks,
        snapshot_as_of=document.snapshot.as_of,
        feature_version=None if ranking is None else ranking.feature_version,
        trend=summarise(course_of(snapshot), days=TREND_DAYS, now=now),
        decision=_decision_words(review, decided[-1] if decided else None),
        decided_at=decided[-1].decided_at if decided else None,
    )


def _decision_words(review: ReviewEntry, decision: DecisionEntry | None) -> str | None:
    outcome = "" if review.outcome is None else f" Outcome: {plain(review.outcome).lower()}."
    if decision is None:
        return None if review.closed_at is None else f"Closed without a decision.{outcome}"
    signature, reason = decision.body.signature, decision.body.reason_code
    because = "" if reason is None else f", because: {plain(reason).lower()}"
    signed = (
        ""
        if signature is None
        else (
            f" Signed by {signature.printed_name}, {signature.signed_at:%Y-%m-%d %H:%M} UTC: "
            f"{signature.meaning}."
        )
    )
    return f"{plain(decision.kind)}{because}.{signed}{outcome}"
