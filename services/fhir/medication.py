"""Proposal, order and what was swallowed: three records, none of which overwrites another."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from services.clinical.formulary import Drug
from services.clinical.moves import DoseChange, MoveKind
from services.clinical.units import Micrograms, format_dose
from services.fhir import codes
from services.fhir.coding import Coding
from services.fhir.resource import (
    Authority,
    Proposer,
    Resource,
    Subject,
    concept,
    instant,
    meta,
    milligrams,
    quantity,
    reference,
    references,
)

RequestStatus = Literal["active", "on-hold", "cancelled", "completed", "stopped", "draft"]


class StopReason(StrEnum):
    """Why an order or a proposal ended."""

    REPLACED = "replaced"
    STOPPED = "stopped"
    PAUSED = "paused"
    RESUMED = "resumed"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    EXPIRED = "expired"
    DECLINED = "declined"
    ENACTED = "enacted"
    WITHDRAWN = "withdrawn"


def proposal(
    *,
    request_id: str,
    subject: Subject,
    change: DoseChange,
    move_kind: MoveKind,
    times_a_day: int,
    proposed_by: Proposer,
    prior_order_id: str | None,
    supporting: Sequence[str],
) -> Resource:
    """Return one change of a move as a draft that orders nothing: one resource for each change.

    `supporting` are relative addresses ("Observation/1") of what the proposal rests on. A change
    to 0 (stop or pause) proposes not to take the drug.
    """
    ordered = change.to_ug if change.to_ug > 0 else change.from_ug
    return (
        _request(request_id, subject, change.drug, "draft", "proposal", proposed_by.at)
        | meta(simulated=subject.simulated, ai_asserted=True)
        | {
            "extension": [{"url": codes.EXTENSION_MOVE, "valueCode": move_kind.value}],
            "requester": reference("Device", proposed_by.ai_device_id),
            "dosageInstruction": [_dosage(ordered, times_a_day, tablet_ug=None)],
        }
        | ({"supportingInformation": references(supporting)} if supporting else {})
        | ({"doNotPerform": True} if change.to_ug == 0 else {})
        | _prior(prior_order_id)
    )


def order(
    *,
    order_id: str,
    subject: Subject,
    change: DoseChange,
    times_a_day: int,
    tablet_ug: Micrograms | None,
    based_on: Sequence[str],
    authority: Authority,
    prior_order_id: str | None,
) -> Resource:
    """Return the live order of one drug, one fixed dose.

    `based_on`: the proposal's address, or the envelope's ("CarePlan/x/_history/2") for a step
    inside it; then the authority's `ai_device_id` is the performer. A clinician always requests.

    Raises:
        ValueError: a change to 0 is no order; stop or hold the old one.
    """
    if change.to_ug <= 0:
        raise ValueError("a change to 0 is not an order: stop or hold the old one")
    proposals = [target for target in based_on if target.startswith("MedicationRequest/")]
    plans = [target for target in based_on if not target.startswith("MedicationRequest/")]
    return (
        _request(order_id, subject, change.drug, "active", "order", authority.at)
        | meta(simulated=subject.simulated)
        | {
            "requester": reference("Practitioner", authority.clinician_id),
            "dosageInstruction": [_dosage(change.to_ug, times_a_day, tablet_ug)],
        }
        | ({"basedOn": references(sorted(proposals + plans))} if based_on else {})
        | _performer(authority)
        | _prior(prior_order_id)
    )


def imported_order(
    *,
    order_id: str,
    subject: Subject,
    drug: Drug,
    daily_dose_ug: Micrograms,
    times_a_day: int,
    since: datetime,
    clinician_id: str,
) -> Resource:
    """Return the order of a drug that a clinician reconciled from the record."""
    return (
        _request(order_id, subject, drug, "active", "order", since)
        | meta(simulated=subject.simulated)
        | {
            "requester": reference("Practitioner", clinician_id),
            "dosageInstruction": [_dosage(daily_dose_ug, times_a_day, tablet_ug=None)],
        }
    )


def with_status(
    request: Mapping[str, object], *, status: RequestStatus, reason: StopReason
) -> Resource:
    """Return the next version of a stored request: only its status and its reason differ."""
    return dict(request) | {
        "status": status,
        "statusReason": concept(
            Coding(codes.SYSTEM_REASON, reason.value, reason.value.replace("_", " "))
        ),
    }


def taken(
    *,
    statement_id: str,
    subject: Subject,
    drug: Drug,
    intake_dose_ug: Micrograms,
    taken_at: datetime,
    was_taken: bool,
    order_id: str | None,
) -> Resource:
    """Return the patient's own word that a dose was swallowed or left out."""
    return (
        {
            "resourceType": "MedicationStatement",
            "id": statement_id,
            "status": "completed" if was_taken else "not-taken",
            "medicationCodeableConcept": drug_concept(drug),
            "subject": reference("Patient", subject.patient_id),
            "effectiveDateTime": instant(taken_at),
            "informationSource": reference("Patient", subject.patient_id),
            "dosage": [{"doseAndRate": [{"doseQuantity": milligrams(intake_dose_ug)}]}],
        }
        | meta(simulated=subject.simulated)
        | ({"basedOn": [reference("MedicationRequest", order_id)]} if order_id is not None else {})
    )


def drug_concept(drug: Drug) -> Resource:
    """Return the drug by its RxNorm ingredient."""
    return concept(Coding(codes.RXNORM, codes.INGREDIENTS[drug], drug.value), text=drug.value)


def _request(
    request_id: str, subject: Subject, drug: Drug, status: str, intent: str, authored_at: datetime
) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": request_id,
        "status": status,
        "intent": intent,
        "category": [concept(codes.COMMUNITY)],
        "medicationCodeableConcept": drug_concept(drug),
        "subject": reference("Patient", subject.patient_id),
        "authoredOn": instant(authored_at),
    }


def _performer(authority: Authority) -> Resource:
    if authority.ai_device_id is None:
        return {}
    return {"performer": reference("Device", authority.ai_device_id)}


def _prior(prior_order_id: str | None) -> Resource:
    if prior_order_id is None:
        return {}
    return {"priorPrescription": reference("MedicationRequest", prior_order_id)}


def _dosage(daily_dose_ug: Micrograms, times_a_day: int, tablet_ug: Micrograms | None) -> Resource:
    """One fixed dose. Never a range here: a pharmacy would read it as a variable dose.

    Raises ValueError when the daily dose does not divide into whole micrograms.
    """
    intake, remainder = divmod(daily_dose_ug, times_a_day)
    if remainder:
        raise ValueError("the daily dose does not divide by the times a day")
    return {
        "text": _dosage_text(Micrograms(intake), times_a_day, tablet_ug),
        "timing": {"repeat": {"frequency": times_a_day, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": milligrams(Micrograms(intake))}],
    }


def _dosage_text(intake_ug: Micrograms, times_a_day: int, tablet_ug: Micrograms | None) -> str:
    how_often = "once a day" if times_a_day == 1 else f"{times_a_day} times a day"
    text = f"{format_dose(intake_ug)} by mouth {how_often}"
    if tablet_ug is None:
        return text
    tablets = (Decimal(intake_ug) / tablet_ug).normalize()
    return f"{text}: {tablets:f} of the {format_dose(tablet_ug)} tablets"


def dose_range(rungs_ug: Sequence[Micrograms]) -> Resource:
    """Return the lowest and highest rung as a Range: for options of a plan, never for an order."""
    low, high = milligrams(rungs_ug[0]), milligrams(rungs_ug[-1])
    return {"low": low, "high": high}


def tablets(count: int) -> Resource:
    """Return a number of tablets."""
    return quantity(count, "tablet", "{tbl}")
