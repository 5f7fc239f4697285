"""Work for a person: a review with its deadline, a lab to order, a patient to call."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

from services.fhir import codes
from services.fhir.coding import Coding
from services.fhir.resource import Resource, Subject, concept, instant, meta, reference, references

TaskKind = Literal[
    "review", "lab-order", "call-patient", "prescription", "check-list", "renew-envelope",
    "late-crisis", "adherence-talk",
]  # fmt: skip
TaskStatus = Literal[
    "requested", "accepted", "in-progress", "completed", "rejected", "on-hold", "cancelled"
]

_NAMES: Final[dict[TaskKind, str]] = {
    "review": "Review a proposed change",
    "lab-order": "Order a laboratory test",
    "call-patient": "Call the patient",
    "prescription": "Write a prescription",
    "check-list": "Complete the check list",
    "renew-envelope": "Renew the envelope",
    "late-crisis": "Look at a crisis reading that came late",
    "adherence-talk": "Talk about taking the tablets",
}


def task(
    *,
    task_id: str,
    subject: Subject,
    kind: TaskKind,
    opened_at: datetime,
    deadline: datetime | None,
    owner_id: str | None,
    focus: Sequence[str],
) -> Resource:
    """Return an open task. `focus`: relative addresses; the first one is what it is about."""
    body: Resource = {
        "resourceType": "Task",
        "id": task_id,
        "status": "requested",
        "intent": "order" if kind != "review" else "proposal",
        "code": concept(Coding(codes.SYSTEM_TASK, kind, _NAMES[kind])),
        "for": reference("Patient", subject.patient_id),
        "authoredOn": instant(opened_at),
        "lastModified": instant(opened_at),
        **meta(simulated=subject.simulated),
    }
    if owner_id is not None:
        body["owner"] = reference("Practitioner", owner_id)
    if focus:
        body["focus"] = {"reference": focus[0]}
    if len(focus) > 1:
        body["basedOn"] = references(focus[1:])  # the other proposals of one move
    if deadline is not None:
        body["restriction"] = {"period": {"end": instant(deadline)}}
    return body


def with_status(
    task: Mapping[str, object],
    *,
    status: TaskStatus,
    now: datetime,
    reason_code: str | None,
    reason_text: str | None,
) -> Resource:
    """Return the next version of a stored task: its status, why, and when; all else stays."""
    reason: Resource = {}
    if reason_code is not None:
        coded = Coding(codes.SYSTEM_REASON, reason_code, reason_code.replace("_", " "))
        reason = {"statusReason": concept(coded, text=reason_text)}
    return dict(task) | {"status": status, "lastModified": instant(now)} | reason
