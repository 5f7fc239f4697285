"""The FHIR resources of one assessment: guidance, proposals, risk, issues, task, provenance."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.clinical.assessment import Assessment
from services.clinical.formulary import FORMULARY
from services.clinical.guard import describe
from services.clinical.moves import MoveKind
from services.clinical.patient import Snapshot
from services.clinical.proposal import Ranking
from services.clinical.verdict import Finding
from services.fhir import device, guidance, medication, provenance, task
from services.fhir.checks import checked_bytes
from services.fhir.resource import Proposer, Resource, Subject
from services.ids import new_id

NewResource = tuple[str, str, bytes]
"""Type, id and bytes of a first version."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One assessment with whose it is and when it was made."""

    assessment_id: str
    subject: Subject
    snapshot: Snapshot
    assessment: Assessment
    now: datetime

    @property
    def proposer(self) -> Proposer:
        """The AI device that ranked, at this moment."""
        return Proposer(ai_device_id(self.subject.patient_id, self.assessment.ranking), self.now)


def ai_device_id(patient_id: str, ranking: Ranking) -> str:
    """Return the id of the ranker's Device in this patient's record: one a model version."""
    parts = (patient_id, ranking.model_id, ranking.model_version, ranking.feature_version)
    return "ai-" + hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


def proposal_id(assessment_id: str, place: int) -> str:
    """Return the id of the proposal of one change of the assessment's move."""
    return f"{assessment_id}-{place}"


def ai_device(patient_id: str, ranking: Ranking) -> NewResource:
    """Return the ranker as a Device."""
    device_id = ai_device_id(patient_id, ranking)
    resource = device.ai_device(
        device_id=device_id,
        model_id=ranking.model_id,
        model_version=ranking.model_version,
        feature_version=ranking.feature_version,
    )
    return "Device", device_id, checked_bytes(dict(resource))


def of_assessment(judged: Judged) -> list[NewResource]:
    """Return what an assessment writes: its guidance; for a move its proposals, risk and issues."""
    guided = guidance.guidance_response(
        response_id=f"{judged.assessment_id}-guidance",
        assessment_id=judged.assessment_id,
        subject=judged.subject,
        verdict=judged.assessment.verdict,
        judged_by=judged.proposer,
        ranking=judged.assessment.ranking,
    )
    resources = [guided]
    if judged.assessment.proposal.move.kind is not MoveKind.KEEP:
        resources += _proposals(judged)
        resources += _risk(judged)
        resources += [_issue(judged, finding) for finding in judged.assessment.verdict.findings]
    targets = [f"{item['resourceType']}/{item['id']}/_history/1" for item in resources]
    authorship = provenance.of_proposal(
        provenance_id=new_id(),
        targets=targets,
        ai_device_id=judged.proposer.ai_device_id,
        inputs=[],
        recorded_at=judged.now,
        simulated=judged.subject.simulated,
    )
    return [_new(item) for item in (*resources, authorship)]


def review_task(judged: Judged, review_id: str, deadline: datetime) -> NewResource:
    """Return the review as a Task about the proposals."""
    count = len(judged.assessment.proposal.move.changes)
    return _new(
        task.task(
            task_id=review_id,
            subject=judged.subject,
            kind="review",
            opened_at=judged.now,
            deadline=deadline,
            owner_id=None,
            focus=[
                f"MedicationRequest/{proposal_id(judged.assessment_id, place)}"
                for place in range(count)
            ],
        )
    )


def _proposals(judged: Judged) -> list[Resource]:
    move = judged.assessment.proposal.move
    regimen = {item.drug: item for item in judged.snapshot.regimen}
    proposals = []
    for place, change in enumerate(move.changes):
        known = regimen.get(change.drug)
        times = FORMULARY[change.drug].times_a_day if known is None else known.times_a_day
        proposals.append(
            medication.proposal(
                request_id=proposal_id(judged.assessment_id, place),
                subject=judged.subject,
                change=change,
                move_kind=move.kind,
                times_a_day=times,
                proposed_by=judged.proposer,
                prior_order_id=None if known is None else known.order_id,
                supporting=[f"GuidanceResponse/{judged.assessment_id}-guidance"],
            )
        )
    return proposals


def _risk(judged: Judged) -> list[Resource]:
    ranking, move = judged.assessment.ranking, judged.assessment.proposal.move
    return [
        guidance.risk_assessment(
            risk_id=f"{judged.assessment_id}-risk",
            subject=judged.subject,
            ranked=ranked,
            ranking=ranking,
            judged_by=judged.proposer,
            basis=[f"GuidanceResponse/{judged.assessment_id}-guidance"],
        )
        for ranked in ranking.moves
        if ranked.move == move
    ]


def _issue(judged: Judged, finding: Finding) -> Resource:
    count = len(judged.assessment.proposal.move.changes)
    return guidance.detected_issue(
        issue_id=new_id(),
        subject=judged.subject,
        finding=finding,
        description=describe(finding.rule_id),
        implicated=[
            f"MedicationRequest/{proposal_id(judged.assessment_id, place)}"
            for place in range(count)
        ],
        judged_by=judged.proposer,
        mitigation=None,
    )


def _new(resource: Mapping[str, object]) -> NewResource:
    return str(resource["resourceType"]), str(resource["id"]), checked_bytes(dict(resource))
