"""Outbox messages: what a transaction asks of the loops, written in the same transaction.

Pure. The store builds them with the functions here; the relay delivers them at least once, in
order of priority. Names of workflows, signals, queues and priorities are fixed here so that the
writer and the loops cannot drift apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from services.loop_results import Answer


class Workflow(StrEnum):
    """Workflow types."""

    PATIENT = "PatientLoop"
    REVIEW = "ReviewLoop"
    CAREPLAN = "CareplanLoop"
    ALARM = "AlarmLoop"
    INGEST = "IngestLoop"


class Signal(StrEnum):
    """Signals: from machines, never refused. Updates are for people."""

    RECORDED = "recorded"
    HALT_CHANGED = "halt_changed"
    MONITORING_CHANGED = "monitoring_changed"
    REVIEW_CLOSED = "review_closed"
    MODEL_PROMOTED = "model_promoted"
    ANSWER_RECORDED = "answer_recorded"
    DECISION_RECORDED = "decision_recorded"
    ALARM_RAISED = "alarm_raised"
    REPEAT_RECORDED = "repeat_recorded"
    CAREPLAN_CHANGED = "careplan_changed"
    WINDOWS_WAITING = "windows_waiting"


class Queue(StrEnum):
    """Task queues, by resource and not by loop."""

    LOOPS = "loops"
    IO = "io"
    INFERENCE = "inference"
    INGEST = "ingest"
    PAGING = "paging"


class Priority(IntEnum):
    """1 is first."""

    ALARM = 1
    REVIEW = 2
    PATIENT = 3
    SWEEP = 4
    TRAINING = 5


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One signal for one workflow. `payload` holds ids, codes and times as text, no PHI.

    `start` True: signal-with-start, so the workflow need not run yet. Messages with the same
    `coalesce_key` (not None) say the same thing: delivering the newest delivers them all.
    """

    workflow: Workflow
    workflow_id: str
    signal: Signal
    payload: Mapping[str, str]
    start: bool
    queue: Queue
    priority: Priority
    coalesce_key: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message taken for delivery, with its number in the outbox and when it was written."""

    sequence: int
    message: OutboxMessage
    written_at: datetime
    attempts: int


def recorded(patient_id: str, what: str) -> OutboxMessage:
    """New facts about a patient were stored (`what`: readings, doses, symptoms, labs, facts…).

    The loop assesses. Write one a transaction, at enrolment too: it starts the loop.
    """
    return OutboxMessage(
        workflow=Workflow.PATIENT,
        workflow_id=f"patient/{patient_id}",
        signal=Signal.RECORDED,
        payload={"kind": "recorded", "patient_id": patient_id, "what": what},
        start=True,
        queue=Queue.LOOPS,
        priority=Priority.PATIENT,
        coalesce_key=f"recorded/{patient_id}",
    )


def halt_changed(patient_id: str) -> OutboxMessage:
    """A halt was set or lifted in the record: the patient's loop reads it again at once."""
    return OutboxMessage(
        workflow=Workflow.PATIENT,
        workflow_id=f"patient/{patient_id}",
        signal=Signal.HALT_CHANGED,
        payload={"kind": "halt_changed", "patient_id": patient_id},
        start=True,
        queue=Queue.LOOPS,
        priority=Priority.ALARM,
        coalesce_key=f"halt_changed/{patient_id}",
    )


def monitoring_changed(patient_id: str) -> OutboxMessage:
    """Consent to monitoring was given or taken back, or a death noted: the loop looks at once."""
    return OutboxMessage(
        workflow=Workflow.PATIENT,
        workflow_id=f"patient/{patient_id}",
        signal=Signal.MONITORING_CHANGED,
        payload={"kind": "monitoring_changed", "patient_id": patient_id},
        start=True,
        queue=Queue.LOOPS,
        priority=Priority.ALARM,
        coalesce_key=f"monitoring_changed/{patient_id}",
    )


def careplan_changed(patient_id: str) -> OutboxMessage:
    """Enrolment, a new envelope, goal or visit, or changed stability: the careplan loop looks."""
    return OutboxMessage(
        workflow=Workflow.CAREPLAN,
        workflow_id=f"careplan/{patient_id}",
        signal=Signal.CAREPLAN_CHANGED,
        payload={"kind": "careplan_changed", "patient_id": patient_id},
        start=True,
        queue=Queue.LOOPS,
        priority=Priority.PATIENT,
        coalesce_key=f"careplan_changed/{patient_id}",
    )


def alarm_raised(alarm_id: str, patient_id: str) -> OutboxMessage:
    """An alarm of urgency emergency, repeat or same_day was raised: its ladder starts.

    Write it again when the urgency of an open alarm rises.
    """
    return OutboxMessage(
        workflow=Workflow.ALARM,
        workflow_id=f"alarm/{alarm_id}",
        signal=Signal.ALARM_RAISED,
        payload={"kind": "alarm_raised", "alarm_id": alarm_id, "patient_id": patient_id},
        start=True,
        queue=Queue.LOOPS,
        priority=Priority.ALARM,
    )


def repeat_recorded(alarm_id: str, patient_id: str) -> OutboxMessage:
    """A cuff reading arrived while an alarm of urgency repeat was open."""
    return OutboxMessage(
        workflow=Workflow.ALARM,
        workflow_id=f"alarm/{alarm_id}",
        signal=Signal.REPEAT_RECORDED,
        payload={"kind": "repeat_recorded", "alarm_id": alarm_id, "patient_id": patient_id},
        start=True,
        queue=Queue.LOOPS,
        priority=Priority.ALARM,
        coalesce_key=f"repeat_recorded/{alarm_id}",
    )


def decision_recorded(review_id: str, patient_id: str, decision_id: str) -> OutboxMessage:
    """A clinician signed a decision: written with the decision, so that it survives its request.

    The update of the same decision may come first; the loop enacts each decision once.
    """
    return OutboxMessage(
        workflow=Workflow.REVIEW,
        workflow_id=f"review/{review_id}",
        signal=Signal.DECISION_RECORDED,
        payload={
            "kind": "decision_recorded",
            "review_id": review_id,
            "patient_id": patient_id,
            "decision_id": decision_id,
        },
        start=True,
        queue=Queue.LOOPS,
        priority=Priority.REVIEW,
    )


def answer_recorded(patient_id: str, advice_id: str, answer: Answer) -> OutboxMessage:
    """A patient answered advice: written with the answer, so that it survives its request.

    The update of the same answer may come first; the loop acts on each answer once.
    """
    return OutboxMessage(
        workflow=Workflow.PATIENT,
        workflow_id=f"patient/{patient_id}",
        signal=Signal.ANSWER_RECORDED,
        payload={
            "kind": "answer_recorded",
            "patient_id": patient_id,
            "advice_id": advice_id,
            "answer": answer.value,
        },
        start=True,
        queue=Queue.LOOPS,
        priority=Priority.REVIEW,
    )


def windows_waiting() -> OutboxMessage:
    """Windows were stored and wait for their features."""
    return OutboxMessage(
        workflow=Workflow.INGEST,
        workflow_id="ingest/windows",
        signal=Signal.WINDOWS_WAITING,
        payload={"kind": "windows_waiting"},
        start=True,
        queue=Queue.LOOPS,
        priority=Priority.SWEEP,
        coalesce_key="windows_waiting",
    )
