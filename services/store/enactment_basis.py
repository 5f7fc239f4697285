"""On what an order rests: accepted advice or a signed decision, as a proposal to judge again."""

from dataclasses import dataclass
from datetime import datetime

from services.clinical.moves import KEEP, Move, Path
from services.clinical.patient import Snapshot
from services.clinical.proposal import Override, Proposal
from services.loop_results import Answer, EnactBasis
from services.store import advice, assessments, envelopes, reviews
from services.store.entries import AssessmentDocument, DecisionEntry
from services.store.errors import NotInRecord
from services.store.moved_regimen import MoveDoesNotFit, parse_move
from services.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Basis:
    """What is to be carried out, and who answers for it.

    `refusal` names why it may not even be judged; `envelope_id` is set for the patient's step.
    """

    move: Move
    path: Path
    overrides: tuple[Override, ...]
    clinician_id: str
    signed_at: datetime
    asked_at: datetime
    """When a person was last asked: the advice's offer, or the decision itself."""
    assessment: AssessmentDocument
    envelope_id: str | None = None
    envelope_version: int | None = None
    review_id: str | None = None
    refusal: str | None = None

    def proposal(self, snapshot: Snapshot, proposal_id: str) -> Proposal:
        """Return the proposal that the guard judges, on fresh data."""
        decided = self.path is Path.CLINICIAN
        return Proposal(
            proposal_id=proposal_id,
            patient_id=snapshot.patient_id,
            move=self.move,
            path=self.path,
            ranking=self.assessment.assessment.ranking,
            snapshot_as_of=snapshot.as_of,
            made_at=self.asked_at,
            overrides=self.overrides,
            decided_by_clinician=decided,
        )


async def read(
    tx: Transaction, patient_id: str, basis: EnactBasis, basis_id: str, *, now: datetime
) -> Basis:
    """Return the basis. Raises: NotInRecord: no such advice or decision of this patient."""
    if basis is EnactBasis.ADVICE:
        return await _of_advice(tx, patient_id, basis_id, now)
    return await _of_decision(tx, patient_id, basis_id)


async def _of_advice(tx: Transaction, patient_id: str, advice_id: str, now: datetime) -> Basis:
    entry = await advice.get(tx, advice_id)
    if entry.patient_id != patient_id:
        raise NotInRecord(f"no advice {advice_id} of this patient")
    history = await envelopes.history(tx, patient_id)
    signed = [
        version for version in history if version.envelope.envelope_id == entry.body.envelope_id
    ]
    if not signed:
        raise NotInRecord(f"advice {advice_id} rests on no signed envelope")
    refusal = None
    if await advice.answer_of(tx, advice_id) is not Answer.ACCEPT:
        refusal = "advice_not_accepted"
    elif entry.closed_at is not None or now >= entry.expires_at:
        refusal = "advice_not_open"
    elif history[0].envelope.envelope_id != entry.body.envelope_id:
        # The step would count against a plan that no longer holds, and against none that does.
        refusal = "envelope_replaced"
    return Basis(
        move=entry.body.move,
        path=Path.PATIENT,
        overrides=(),
        clinician_id=signed[0].signature.clinician_id,
        signed_at=signed[0].signature.signed_at,
        asked_at=entry.offered_at,
        assessment=await assessments.document(tx, entry.assessment_id),
        envelope_id=entry.body.envelope_id,
        envelope_version=entry.body.envelope_version,
        refusal=refusal,
    )


async def _of_decision(tx: Transaction, patient_id: str, decision_id: str) -> Basis:
    entry = await reviews.decision(tx, decision_id)
    if entry.patient_id != patient_id:
        raise NotInRecord(f"no decision {decision_id} of this patient")
    review = await reviews.get(tx, entry.review_id)
    document = await assessments.document(tx, review.assessment_id)
    move, refusal = KEEP, None
    if entry.kind not in ("accept", "modify") or entry.body.signature is None:
        refusal = "decision_moves_no_dose"
    elif review.closed_at is not None:
        refusal = "review_closed"
    else:
        try:
            move = decided_move(entry, document)
        except MoveDoesNotFit:
            refusal = "move_unreadable"
    return Basis(
        move=move,
        path=Path.CLINICIAN,
        overrides=entry.body.overrides,
        clinician_id=entry.clinician_id,
        signed_at=entry.decided_at,
        asked_at=entry.decided_at,
        assessment=document,
        review_id=entry.review_id,
        refusal=refusal,
    )


def decided_move(entry: DecisionEntry, document: AssessmentDocument) -> Move:
    """Return the move that a decision is for. Raises: MoveDoesNotFit: its id is unreadable."""
    move_id = entry.body.move_id
    return document.assessment.proposal.move if move_id is None else parse_move(move_id)
