"""The decision: checked, signed again, recorded, then carried out by the review's loop."""

from typing import Annotated

from fastapi import APIRouter, Header

from clinician_app.api.bodies import DecisionBody, DecisionOut, SignatureOut
from clinician_app.api.caller import Asking, Caller
from clinician_app.api.once import IdempotencyKey, once
from clinician_app.api.reading import Id, bound
from clinician_app.api.signing import DECISION_MEANING, prove_again, signature, signature_out
from clinician_app.api.wire import Out
from clinician_app.words import describe_move, plain
from services.clinical import guard
from services.clinical.moves import KEEP, Move, Path, legal_moves
from services.clinical.proposal import Override
from services.clinical.verdict import Strength
from services.ids import new_id
from services.problems import FieldError, ProblemCode, ProblemRaised
from services.store import Transaction, assessments, reviews, snapshots
from services.store.entries import DecisionBody as SealedBody
from services.store.entries import NewDecision, ReviewEntry
from services.store.rows import ClinicianRow
from workflows.client import LoopUnavailable, NotOpen, Rejected
from workflows.messages import DecisionOutcome, DecisionStatus

router = APIRouter(prefix="/v1/reviews/{review_id}", tags=["reviews"])

IfMatch = Annotated[str | None, Header(alias="If-Match", pattern=r'^"\d{1,9}"$')]


class Recorded(Out):
    """What is kept under the idempotency key: the loop is asked again, and answers the same."""

    decision_id: str
    signature: SignatureOut
    words: str


@router.post("/decision", operation_id="decideReview")
async def decide(
    review_id: Id,
    body: DecisionBody,
    caller: Asking,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> DecisionOut:
    """Sign a decision on a review as it was shown, and carry it out.

    Refused when the review changed since (412), was decided already (409), a field is missing
    (422) or the password is wrong (403). What was signed is kept whatever becomes of the loops.
    """
    if if_match is None:
        raise ProblemRaised(ProblemCode.VERSION_MISSING)
    check_fields(body)
    async with caller.door.store.transaction(caller.acting()) as tx:
        review = await reviews.get(tx, review_id)
    signer = await prove_again(caller, body.password)
    async with bound(caller, review.patient_id) as tx:

        async def carry_out() -> Recorded:
            return await _record(tx, caller, signer, review, body, int(if_match.strip('"')))

        asked = (f"decide/{review_id}/{if_match}", body)
        kept = await once(tx, caller, idempotency_key, asked, Recorded, carry_out)
    return await _enacted(caller, review_id, kept)


def check_fields(body: DecisionBody) -> None:
    """Hold a decision to the fields of its kind.

    Raises:
        ProblemRaised: a field is missing, or there where it means nothing.
    """
    other = body.reason_code == "other"
    table = (
        (
            "/move_id",
            "names the move that is signed instead",
            _wrong(body.move_id, body.kind == "modify"),
        ),
        (
            "/reason_code",
            "is needed for everything but accept",
            _wrong(body.reason_code, body.kind != "accept"),
        ),
        (
            "/reason_text",
            "is needed when the reason is other, and only then",
            _wrong(body.reason_text, other),
        ),
        (
            "/defer_until",
            "says until when, for defer only",
            _wrong(body.defer_until, body.kind == "defer"),
        ),
        (
            "/overrides",
            "belong to accept and modify",
            bool(body.overrides) and body.kind not in ("accept", "modify"),
        ),
    )
    errors = tuple(FieldError(pointer, detail) for pointer, detail, is_wrong in table if is_wrong)
    if errors:
        raise ProblemRaised(ProblemCode.INVALID_INPUT, errors=errors)


def _wrong(value: object, is_wanted: bool) -> bool:
    return (value is not None) != is_wanted


async def _record(
    tx: Transaction,
    caller: Caller,
    signer: ClinicianRow,
    review: ReviewEntry,
    body: DecisionBody,
    version: int,
) -> Recorded:
    move = await _move(tx, caller, review, body)
    signed = signature(caller, signer, await reviews.record(tx, review.review_id), DECISION_MEANING)
    new = NewDecision(
        decision_id=new_id(),
        review_id=review.review_id,
        review_version=version,
        kind=body.kind,
        clinician_id=caller.clinician_id,
        dwell_s=body.dwell_s,
        body=SealedBody(
            move_id=None if move is None else move.move_id,
            reason_code=body.reason_code,
            reason_text=body.reason_text,
            overrides=_overrides(body),
            defer_until=body.defer_until,
            signature=signed,
        ),
    )
    entry = await reviews.record_decision(tx, new, now=caller.now)
    words = plain(body.kind) if move is None else f"{plain(body.kind)}: {describe_move(move)}"
    return Recorded(decision_id=entry.decision_id, signature=signature_out(signed), words=words)


async def _move(
    tx: Transaction, caller: Caller, review: ReviewEntry, body: DecisionBody
) -> Move | None:
    """The move that is signed: the proposal itself, or another legal one; None for no move."""
    if body.kind not in ("accept", "modify"):
        return None
    document = await assessments.document(tx, review.assessment_id)
    proposed = document.assessment.proposal.move
    if body.kind == "accept":
        if proposed == KEEP:
            raise _invalid("/kind", "there is no proposal to accept")
        return proposed
    snapshot, envelope = await snapshots.build(tx, review.patient_id, now=caller.now)
    legal = legal_moves(snapshot, path=Path.CLINICIAN, now=caller.now, envelope=envelope)
    for move in legal:
        if move.move_id == body.move_id and move not in (KEEP, proposed):
            return move
    raise _invalid("/move_id", "is not a legal move for this patient now")


def _overrides(body: DecisionBody) -> tuple[Override, ...]:
    """Rules passed with a reason; only rules of strength clinician can be passed at all."""
    for place, override in enumerate(body.overrides):
        rule = guard.REASONS.get(override.rule_id)
        if rule is None or rule.strength is not Strength.CLINICIAN:
            raise _invalid(f"/overrides/{place}/rule_id", "is no rule that a clinician can pass")
    return tuple(Override(item.rule_id, item.reason_code) for item in body.overrides)


def _invalid(pointer: str, detail: str) -> ProblemRaised:
    return ProblemRaised(ProblemCode.INVALID_INPUT, errors=(FieldError(pointer, detail),))


async def _enacted(caller: Caller, review_id: str, kept: Recorded) -> DecisionOut:
    """Wait for the loop. It has the decision from the outbox as well: away is not lost."""
    try:
        outcome = await caller.door.loops.decide(review_id, kept.decision_id)
    except LoopUnavailable:
        return _out(kept, "pending", "Signed. It will be carried out as soon as the loops answer.")
    except NotOpen as err:
        raise ProblemRaised(ProblemCode.NO_LONGER_OPEN) from err
    except Rejected as err:
        raise ProblemRaised(ProblemCode.REJECTED, str(err.reason)) from err
    return _out(kept, outcome.status.value, _message(kept, outcome), outcome)


def _message(kept: Recorded, outcome: DecisionOutcome) -> str:
    signed = f"Signed by {kept.signature.printed_name}. {kept.words}."
    if outcome.status is DecisionStatus.ENACTED:
        return f"{signed} The order is enacted."
    if outcome.status is DecisionStatus.REFUSED:
        reasons = " ".join(_reason(rule_id) for rule_id in outcome.reasons)
        return f"{signed} NOT carried out, the record changed: {reasons} The review stays open."
    return signed


def _reason(rule_id: str) -> str:
    return guard.describe(rule_id) if rule_id in guard.REASONS else plain(rule_id)


def _out(
    kept: Recorded, outcome: str, message: str, result: DecisionOutcome | None = None
) -> DecisionOut:
    return DecisionOut(
        decision_id=kept.decision_id,
        outcome=outcome,
        order_ids=[] if result is None else list(result.order_ids),
        reasons=[] if result is None else list(result.reasons),
        signature=kept.signature,
        message=message,
    )
