"""From an outbox row to a workflow's start and a signal's payload, or to a clear refusal."""

from dataclasses import replace

import pytest

from services.loop_results import Answer
from services.outbox_messages import (
    OutboxMessage,
    Signal,
    alarm_raised,
    answer_recorded,
    careplan_changed,
    decision_recorded,
    halt_changed,
    monitoring_changed,
    recorded,
    repeat_recorded,
    windows_waiting,
)
from tests.workflows.clinic import wall_clock
from workflows import messages as msg
from workflows.starts import Undeliverable, signal_of, start_of

ALL = (
    recorded("p", "readings"),
    halt_changed("p"),
    monitoring_changed("p"),
    careplan_changed("p"),
    alarm_raised("a", "p"),
    repeat_recorded("a", "p"),
    decision_recorded("r", "p", "d"),
    answer_recorded("p", "advice", Answer.ACCEPT),
    windows_waiting(),
)


@pytest.mark.parametrize("message", ALL, ids=lambda message: message.signal.value)
def test_every_message_that_the_store_can_write_can_be_delivered(message: OutboxMessage) -> None:
    assert start_of(message, "epoch")
    assert signal_of(message, wall_clock())


@pytest.mark.parametrize("message", ALL, ids=lambda message: message.signal.value)
def test_a_payload_that_does_not_fit_is_named_not_guessed(message: OutboxMessage) -> None:
    broken = replace(message, payload={**message.payload, "surprise": "x"})
    with pytest.raises(Undeliverable):
        signal_of(broken, wall_clock())


def test_readings_carry_when_they_were_stored() -> None:
    at = wall_clock()
    assert signal_of(recorded("p", "readings"), at) == msg.Recorded("p", "readings", at)


def test_a_start_without_the_id_it_needs_is_refused() -> None:
    with pytest.raises(Undeliverable, match="patient_id"):
        start_of(replace(recorded("p", "readings"), payload={}), "epoch")


def test_a_signal_that_only_loops_send_is_not_taken_from_the_outbox() -> None:
    with pytest.raises(Undeliverable):
        signal_of(replace(recorded("p", "readings"), signal=Signal.REVIEW_CLOSED), wall_clock())


def test_an_answer_that_is_none_is_refused_here_and_not_in_the_loop() -> None:
    said = answer_recorded("p", "advice", Answer.ACCEPT)
    assert signal_of(said, wall_clock()) == msg.AnswerRecorded("p", "advice", Answer.ACCEPT)
    with pytest.raises(Undeliverable):
        signal_of(replace(said, payload={**said.payload, "answer": "perhaps"}), wall_clock())
