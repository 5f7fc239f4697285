"""Starts: the first argument of each workflow, and the type of each signal's payload."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from services.loop_results import Answer
from services.outbox_messages import OutboxMessage, Signal, Workflow
from workflows import messages as msg

Start = msg.PatientStart | msg.ReviewStart | msg.AlarmStart | msg.CareplanStart | msg.IngestStart

_STARTS: Mapping[Workflow, Callable[[Mapping[str, str], str], Start]] = {
    Workflow.PATIENT: lambda ids, epoch: msg.PatientStart(ids["patient_id"], epoch),
    Workflow.REVIEW: lambda ids, epoch: msg.ReviewStart(ids["review_id"]),
    Workflow.ALARM: lambda ids, epoch: msg.AlarmStart(ids["alarm_id"]),
    Workflow.CAREPLAN: lambda ids, epoch: msg.CareplanStart(ids["patient_id"], epoch),
    Workflow.INGEST: lambda ids, epoch: msg.IngestStart(),
}

_SIGNALS: Mapping[Signal, type] = {
    Signal.RECORDED: msg.Recorded,
    Signal.HALT_CHANGED: msg.HaltChanged,
    Signal.MONITORING_CHANGED: msg.MonitoringChanged,
    Signal.MODEL_PROMOTED: msg.ModelPromoted,
    Signal.ANSWER_RECORDED: msg.AnswerRecorded,
    Signal.DECISION_RECORDED: msg.DecisionRecorded,
    Signal.ALARM_RAISED: msg.AlarmRaised,
    Signal.REPEAT_RECORDED: msg.RepeatRecorded,
    Signal.CAREPLAN_CHANGED: msg.CareplanChanged,
    Signal.WINDOWS_WAITING: msg.WindowsWaiting,
}


class Undeliverable(ValueError):
    """The message cannot be what it says. Trying again cannot help: a person has to look."""


def start_of(message: OutboxMessage, epoch: str) -> Start:
    """Return what the message's workflow is started with.

    Raises:
        Undeliverable: an id that the workflow needs is missing.
    """
    try:
        return _STARTS[message.workflow](message.payload, epoch)
    except KeyError as err:
        raise Undeliverable(f"{message.workflow.value} needs {err}") from err


def signal_of(message: OutboxMessage, written_at: datetime) -> object:
    """Return the payload as the signal's own type, so that a wrong one is found here.

    A worker would drop a signal that it cannot read.

    Raises:
        Undeliverable: the payload does not fit the signal.
    """
    try:
        return _typed(_SIGNALS[message.signal](**message.payload), written_at)
    except (KeyError, TypeError, ValueError) as err:
        raise Undeliverable(f"payload does not fit signal {message.signal.value}") from err


def _typed(payload: object, written_at: datetime) -> object:
    """Return the payload with what is no text in the outbox. Raises: ValueError."""
    match payload:
        case msg.Recorded():
            return replace(payload, written_at=written_at)
        case msg.AnswerRecorded():
            return replace(payload, answer=Answer(payload.answer))
        case _:
            return payload
