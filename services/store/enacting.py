"""One enactment as one transaction: judged again on fresh data, then written whole or refused."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.audit.actions import Action
from services.clinical import guard
from services.clinical.envelope import Stage
from services.clinical.formulary import drug_class
from services.clinical.moves import Path
from services.clinical.patient import DoseChangeRecord, Prescription
from services.clinical.regimen import DIURETIC_CLASSES, RAS_CLASSES
from services.clinical.verdict import Advise, Verdict
from services.fhir.resource import Subject
from services.ids import new_id
from services.loop_results import EnactBasis, EnactKind, EnactOutcome, FollowUp, FollowUpKind
from services.outbox_messages import recorded
from services.store import (
    enactment_basis,
    enactments,
    order_resources,
    patients,
    regimen,
    reviews,
    snapshots,
)
from services.store.assessing import lock_patient
from services.store.enactment_basis import Basis
from services.store.moved_regimen import Applied, MoveDoesNotFit, apply, regimen_after
from services.store.order_resources import Carried
from services.store.transaction import Transaction

# Source: titrator rule 7 [D]: symptom check at 7 d, labs at 14-28 d, next window at 28 d; a step
# of stage one_step is looked at by a clinician the next day.
_FOLLOW_UPS = {
    FollowUpKind.CLINICIAN_LOOKS_AT_STEP: timedelta(days=1),
    FollowUpKind.SYMPTOM_CHECK: timedelta(days=7),
    FollowUpKind.LABS_DUE: timedelta(days=14),
    FollowUpKind.NEXT_WINDOW: timedelta(days=28),
}


async def enact(
    tx: Transaction,
    patient_id: str,
    *,
    key: str,
    basis: EnactBasis,
    basis_id: str,
    now: datetime,
) -> EnactOutcome:
    """Carry out an accepted advice or a signed decision, once whoever asks and how often.

    Raises:
        NotInRecord: there is no such advice or decision of this patient.
    """
    await lock_patient(tx, patient_id)
    earlier = await enactments.earlier(tx, key=key, basis=basis, basis_id=basis_id)
    if earlier is not None:
        return earlier
    rests_on = await enactment_basis.read(tx, patient_id, basis, basis_id, now=now)
    outcome = await _judge_and_write(tx, patient_id, rests_on, key=key, now=now)
    if outcome.kind is EnactKind.REFUSED and basis is EnactBasis.DECISION:
        await reviews.reopen(tx, (await reviews.decision(tx, basis_id)).review_id)
    await enactments.save(tx, patient_id, outcome, key=key, basis=basis, basis_id=basis_id, now=now)
    await _note(tx, patient_id, rests_on, outcome, basis_id=basis_id, now=now)
    return outcome


async def _judge_and_write(
    tx: Transaction, patient_id: str, basis: Basis, *, key: str, now: datetime
) -> EnactOutcome:
    if basis.refusal is not None:
        return EnactOutcome(EnactKind.REFUSED, reasons=(basis.refusal,))
    snapshot, envelope = await snapshots.build(tx, patient_id, now=now)
    proposal = basis.proposal(snapshot, new_id())
    verdict = guard.judge(proposal, snapshot, envelope, now)
    if not isinstance(verdict, Advise):
        return EnactOutcome(EnactKind.REFUSED, reasons=_reasons(verdict))
    order_ids = {change.drug: new_id() for change in basis.move.changes}
    try:
        applied = apply(basis.move, snapshot.regimen, order_ids=order_ids, now=now)
    except MoveDoesNotFit:
        return EnactOutcome(EnactKind.REFUSED, reasons=("regimen_changed",))
    one_step = envelope is not None and envelope.stage is Stage.ONE_STEP
    written = await _write(tx, patient_id, basis, snapshot.regimen, applied, now=now)
    looked_at = one_step and basis.path is Path.PATIENT
    return EnactOutcome(
        EnactKind.ENACTED,
        order_ids=written,
        follow_ups=_follow_ups(key, applied, looked_at=looked_at, now=now),
    )


def _reasons(verdict: Verdict) -> tuple[str, ...]:
    """The rule ids that spoke, the binding one first."""
    binding = verdict.binding
    first = () if binding is None else (binding.rule_id,)
    return tuple(dict.fromkeys((*first, *(finding.rule_id for finding in verdict.findings))))


async def _write(
    tx: Transaction,
    patient_id: str,
    basis: Basis,
    before: Sequence[Prescription],
    applied: tuple[Applied, ...],
    *,
    now: datetime,
) -> tuple[str, ...]:
    row = await patients.get(tx, patient_id)
    carried = Carried(Subject(patient_id, row.simulated), basis, applied, now)
    order_ids = await order_resources.write(tx, carried)
    if not applied:
        return order_ids
    await regimen.replace_all(tx, patient_id, regimen_after(before, applied), now=now)
    records = [
        DoseChangeRecord(
            drug=item.change.drug,
            from_ug=item.change.from_ug,
            to_ug=item.change.to_ug,
            effective_at=now,
            by_patient=basis.path is Path.PATIENT,
            envelope_id=basis.envelope_id,
        )
        for item in applied
    ]
    await regimen.note_changes(tx, patient_id, records)
    return order_ids


def _follow_ups(
    key: str, applied: Sequence[Applied], *, looked_at: bool, now: datetime
) -> tuple[FollowUp, ...]:
    if not applied:
        return ()
    kinds = [FollowUpKind.SYMPTOM_CHECK, FollowUpKind.NEXT_WINDOW]
    classes = {drug_class(item.change.drug) for item in applied}
    if classes & (RAS_CLASSES | DIURETIC_CLASSES):
        kinds.append(FollowUpKind.LABS_DUE)
    if looked_at:
        kinds.append(FollowUpKind.CLINICIAN_LOOKS_AT_STEP)
    follow_ups = [FollowUp(f"{key}/{kind.value}", kind, now + _FOLLOW_UPS[kind]) for kind in kinds]
    return tuple(sorted(follow_ups, key=lambda item: item.due_at))


async def _note(
    tx: Transaction,
    patient_id: str,
    basis: Basis,
    outcome: EnactOutcome,
    *,
    basis_id: str,
    now: datetime,
) -> None:
    enacted = outcome.kind is EnactKind.ENACTED
    await tx.event(
        Action.ORDER_ENACTED if enacted else Action.ORDER_REFUSED,
        now=now,
        subject_type="MedicationRequest",
        subject_id=outcome.order_ids[0] if outcome.order_ids else basis_id,
        payload={
            "move_id": basis.move.move_id,
            "orders": list(outcome.order_ids),
            "reasons": list(outcome.reasons),
            "overrides": [item.rule_id for item in basis.overrides],
            "answers_for_it": basis.clinician_id,
        },
        outcome="success" if enacted else "refused",
        details=(
            ("basis", basis_id),
            ("path", basis.path.value),
            ("rule", outcome.reasons[0] if outcome.reasons else "none"),
        ),
        patient_id=patient_id,
    )
    await tx.send(recorded(patient_id, "order"), now=now)
