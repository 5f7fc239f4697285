"""Outbox messages: ids only, alarms first, and the same thing said twice is one message."""

import re

import pytest

from services.outbox_messages import (
    OutboxMessage,
    Priority,
    alarm_raised,
    careplan_changed,
    decision_recorded,
    halt_changed,
    recorded,
    repeat_recorded,
    windows_waiting,
)

MESSAGES = (
    recorded("p-1", "readings"),
    halt_changed("p-1"),
    careplan_changed("p-1"),
    alarm_raised("a-1", "p-1"),
    repeat_recorded("a-1", "p-1"),
    decision_recorded("r-1", "p-1", "d-1"),
    windows_waiting(),
)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.signal.value)
def test_the_payload_is_tagged_and_holds_ids_only(message: OutboxMessage) -> None:
    assert message.payload["kind"] == message.signal.value
    ids = {key: value for key, value in message.payload.items() if key not in ("kind", "what")}
    assert all(key.endswith("_id") for key in ids)
    assert all(re.fullmatch(r"[a-z]-1", value) for value in ids.values())


def test_alarms_and_halts_go_before_reviews_and_reviews_before_readings() -> None:
    priority = {message.signal.value: message.priority for message in MESSAGES}
    assert priority["alarm_raised"] == priority["halt_changed"] == Priority.ALARM
    assert Priority.ALARM < priority["decision_recorded"] < priority["recorded"]


def test_news_of_one_patient_is_one_message_and_of_two_patients_two() -> None:
    assert recorded("p", "readings").coalesce_key == recorded("p", "doses").coalesce_key
    assert recorded("p", "readings").coalesce_key != recorded("q", "readings").coalesce_key


@pytest.mark.parametrize(
    "message", [alarm_raised("a", "p"), decision_recorded("r", "p", "d")], ids=["alarm", "decision"]
)
def test_an_alarm_and_a_decision_are_never_merged_away(message: OutboxMessage) -> None:
    assert message.coalesce_key is None
