"""What guard and ranker said: GuidanceResponse, RiskAssessment, a DetectedIssue a finding."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.clinical.proposal import Override, RankedMove, Ranking
from services.clinical.verdict import Finding, FindingKind, NeedsData, Strength, Verdict
from services.fhir import codes, issues
from services.fhir.coding import Coding
from services.fhir.resource import (
    Proposer,
    Resource,
    Subject,
    concept,
    instant,
    meta,
    quantity,
    reference,
    references,
    tenths,
)

_SEVERITY: Final[dict[Strength, str]] = {
    Strength.HARD: "high",
    Strength.CLINICIAN: "moderate",
    Strength.AUTONOMY: "low",
}

# What must be had before the guard can judge, as the resource type that carries it.
_INPUT_TYPES: Final[dict[str, str]] = {
    "readings": "Observation",
    "standing": "Observation",
    "adherence": "MedicationStatement",
    "regimen": "MedicationRequest",
    "medicines": "MedicationRequest",
    "conditions": "Condition",
    "pregnancy": "Condition",
    "intolerances": "AllergyIntolerance",
    "consent": "Consent",
    "target": "Goal",
}


@dataclass(frozen=True, slots=True)
class Mitigation:
    """A clinician passed a rule, with a coded reason and a signature."""

    override: Override
    clinician_id: str
    signed_at: datetime


def guidance_response(
    *,
    response_id: str,
    assessment_id: str,
    subject: Subject,
    verdict: Verdict,
    judged_by: Proposer,
    ranking: Ranking | None,
) -> Resource:
    """Return the judgement: its verdict and its reasons, and the inputs that were missing."""
    missing = verdict.missing if isinstance(verdict, NeedsData) else ()
    body: Resource = {
        "resourceType": "GuidanceResponse",
        "id": response_id,
        "requestIdentifier": {"system": f"{codes.OWN}/sid/assessment", "value": assessment_id},
        "moduleUri": codes.PROTOCOL_URL,
        "status": "data-required" if missing else "success",
        "subject": reference("Patient", subject.patient_id),
        "occurrenceDateTime": instant(judged_by.at),
        "performer": reference("Device", judged_by.ai_device_id),
        "reasonCode": [_verdict_concept(verdict), *(_rule(f) for f in verdict.findings)],
    }
    if missing:
        body["dataRequirement"] = [_requirement(name) for name in missing]
    return body | meta(simulated=subject.simulated, ai_asserted=True) | _confidence(ranking)


def risk_assessment(
    *,
    risk_id: str,
    subject: Subject,
    ranked: RankedMove,
    ranking: Ranking,
    judged_by: Proposer,
    basis: Sequence[str],
) -> Resource:
    """Return what the ranker expects of one move, with its 80 % bounds. `basis`: addresses."""
    return (
        {
            "resourceType": "RiskAssessment",
            "id": risk_id,
            "status": "final",
            "subject": reference("Patient", subject.patient_id),
            "occurrenceDateTime": instant(judged_by.at),
            "performer": reference("Device", judged_by.ai_device_id),
            "method": concept(
                Coding(codes.SYSTEM_MODEL, ranking.model_id, ranking.model_id),
                text=f"{ranking.model_id} {ranking.model_version}",
            ),
            "prediction": [
                _probability("in-target", "Home average in target", ranked.in_target_percent),
                _probability(
                    "low-pressure", "Mean systolic below 105 mmHg", ranked.low_pressure_percent
                ),
            ],
            "note": [{"text": _expected_change(ranked)}],
        }
        | meta(simulated=subject.simulated, ai_asserted=True)
        | ({"basis": references(basis)} if basis else {})
        | _confidence(ranking)
    )


def detected_issue(
    *,
    issue_id: str,
    subject: Subject,
    finding: Finding,
    description: str,
    implicated: Sequence[str],
    judged_by: Proposer,
    mitigation: Mitigation | None,
) -> Resource:
    """Return one finding of the guard; a rule that a clinician passed carries its mitigation."""
    body: Resource = {
        "resourceType": "DetectedIssue",
        "id": issue_id,
        "status": "final",
        "code": concept(
            codes.ISSUE_CODES[issues.issue_code(finding.rule_id)],
            Coding(codes.SYSTEM_RULE, finding.rule_id, finding.rule_id.replace("_", " ")),
        ),
        "severity": _SEVERITY[finding.strength],
        "patient": reference("Patient", subject.patient_id),
        "identifiedDateTime": instant(judged_by.at),
        "author": reference("Device", judged_by.ai_device_id),
        "detail": description,
        **meta(simulated=subject.simulated, ai_asserted=True),
    }
    if implicated:
        body["implicated"] = references(implicated)
    if mitigation is not None:
        body["mitigation"] = [_mitigation(mitigation)]
    return body


def _mitigation(mitigation: Mitigation) -> Resource:
    reason = mitigation.override.reason_code
    return {
        "action": concept(Coding(codes.SYSTEM_REASON, reason, reason.replace("_", " "))),
        "date": instant(mitigation.signed_at),
        "author": reference("Practitioner", mitigation.clinician_id),
    }


def _verdict_concept(verdict: Verdict) -> Resource:
    return concept(
        Coding(codes.SYSTEM_VERDICT, verdict.kind, verdict.kind.replace("_", " ")), text="verdict"
    )


def _rule(finding: Finding) -> Resource:
    spoken = Coding(codes.SYSTEM_RULE, finding.rule_id, finding.rule_id.replace("_", " "))
    return concept(spoken, text=FindingKind(finding.kind).value)


def _requirement(name: str) -> Resource:
    return {
        "type": _INPUT_TYPES.get(name, "Observation"),
        "codeFilter": [
            {"path": "code", "code": [{"system": f"{codes.OWN}/CodeSystem/input", "code": name}]}
        ],
    }


def _probability(code: str, display: str, percent: int) -> Resource:
    return {
        "outcome": concept(Coding(f"{codes.OWN}/CodeSystem/outcome", code, display)),
        "probabilityDecimal": Decimal(percent) / 100,
    }


def _expected_change(ranked: RankedMove) -> str:
    """R4 predicts outcomes by probability; an expected change in mmHg can only be said in words."""
    low, high = tenths(ranked.expected_low_tenths), tenths(ranked.expected_high_tenths)
    middle = tenths(ranked.expected_systolic_change_tenths)
    return f"Home systolic average: {middle} mmHg, 80 % between {low} and {high} mmHg"


def _confidence(ranking: Ranking | None) -> Resource:
    if ranking is None:
        return {}
    certainty = quantity(ranking.certainty_percent, "%", "%")
    return {"extension": [{"url": codes.AI_CONFIDENCE, "valueQuantity": certainty}]}
