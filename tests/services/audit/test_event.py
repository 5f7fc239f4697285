"""The leaf: exact bytes, a strict way back, and no room for a name or a value."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.audit.actions import Action
from services.audit.event import (
    ActorKind,
    AuditEvent,
    InvalidEvent,
    Outcome,
    commitment,
    leaf_bytes,
    parse_leaf,
    pseudonym,
)

KEY = bytes(range(32))
EVENT = AuditEvent(
    event_id="8f3b2c10-6a1e-4d55-9c0a-2f6f0e1d7b42",
    occurred_at=datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC),
    action=Action.ORDER_ENACTED,
    actor_kind=ActorKind.WORKER,
    actor_pseudonym=pseudonym(KEY, "worker-1"),
    patient_pseudonym=pseudonym(KEY, "patient-1"),
    subject_type="MedicationRequest",
    subject_id="0b6f@3",
    payload_commitment=commitment(bytes(32), b"payload"),
    outcome=Outcome.SUCCESS,
    details=(("automatic", True), ("rule", "guard.R07"), ("version", 3)),
)

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
codes = st.text("abcXYZ019._:/@+|,#=-", max_size=30)
detail_values = codes | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans()
events = st.builds(
    AuditEvent,
    event_id=st.uuids().map(str),
    occurred_at=st.datetimes(timezones=st.just(UTC)),
    action=st.sampled_from(Action),
    actor_kind=st.sampled_from(ActorKind),
    actor_pseudonym=digests,
    patient_pseudonym=st.none() | digests,
    subject_type=st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True),
    subject_id=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,20}", fullmatch=True),
    payload_commitment=st.none() | digests,
    outcome=st.sampled_from(Outcome),
    details=st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True), detail_values, max_size=5
    ).map(lambda entries: tuple(sorted(entries.items()))),
)


@given(events)
def test_every_event_comes_back_from_its_leaf(event: AuditEvent) -> None:
    leaf = leaf_bytes(event)
    assert parse_leaf(leaf) == event
    assert leaf == rfc8785.dumps(json.loads(leaf))
    assert b"\n" not in leaf


def test_the_bytes_of_a_leaf_never_change() -> None:
    actor, patient = EVENT.actor_pseudonym, EVENT.patient_pseudonym
    assert leaf_bytes(EVENT).decode() == (
        '{"action":"order.enacted","actor_kind":"worker",'
        f'"actor_pseudonym":"{actor}",'
        '"details":{"automatic":true,"rule":"guard.R07","version":3},'
        '"event_id":"8f3b2c10-6a1e-4d55-9c0a-2f6f0e1d7b42",'
        '"occurred_at":"2026-03-04T05:06:07.000089Z","outcome":"success",'
        f'"patient_pseudonym":"{patient}",'
        f'"payload_commitment":"{EVENT.payload_commitment}",'
        '"schema":"audit-event/1","subject_id":"0b6f@3","subject_type":"MedicationRequest"}'
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_id", "8F3B2C10-6A1E-4D55-9C0A-2F6F0E1D7B42"),
        ("event_id", "1"),
        ("occurred_at", datetime(2026, 3, 4)),  # noqa: DTZ001 (naive on purpose)
        ("occurred_at", datetime(2026, 3, 4, tzinfo=timezone(timedelta(hours=2)))),
        ("actor_pseudonym", "Dr Jones"),
        ("actor_pseudonym", "a" * 63),
        ("patient_pseudonym", "Ann Example"),
        ("patient_pseudonym", "A" * 64),
        ("subject_type", "Medication Request"),
        ("subject_id", ""),
        ("subject_id", "Ann Example"),
        ("subject_id", "a" * 129),
        ("subject_id", "a\n"),
        ("payload_commitment", "00"),
        ("details", (("note", "feels dizzy since Tuesday"),)),
        ("details", (("note", "naïve"),)),
        ("details", (("note", "a" * 201),)),
        ("details", (("Rule", "R07"),)),
        ("details", (("b", 1), ("a", 1))),
        ("details", (("a", 1), ("a", 2))),
        ("details", tuple((f"k{number:02}", number) for number in range(17))),
    ],
)
def test_a_field_of_another_form_is_refused(field: str, value: Any) -> None:
    with pytest.raises(InvalidEvent):
        replace(EVENT, **{field: value})


def changed(**fields: Any) -> bytes:
    return rfc8785.dumps(json.loads(leaf_bytes(EVENT)) | fields)


@pytest.mark.parametrize(
    "leaf",
    [
        b"",
        b"[]",
        b"{}",
        leaf_bytes(EVENT) + b"\n",
        leaf_bytes(EVENT).replace(b'"action"', b' "action"'),
        changed(schema="audit-event/2"),
        changed(extra=1),
        changed(action="order.invented"),
        changed(actor_kind="robot"),
        changed(outcome="maybe"),
        changed(event_id=7),
        changed(occurred_at="2026-03-04T05:06:07Z"),
        changed(occurred_at="2026-13-04T05:06:07.000000Z"),
        changed(occurred_at="2026-03-04T05:06:07.000000+00:00"),
        changed(patient_pseudonym=False),
        changed(details=[]),
        changed(details={"a": None}),
        changed(details={"a": [1]}),
    ],
)
def test_a_leaf_of_another_form_is_refused(leaf: bytes) -> None:
    with pytest.raises(InvalidEvent):
        parse_leaf(leaf)


@pytest.mark.parametrize("name", sorted(json.loads(leaf_bytes(EVENT))))
def test_a_leaf_without_one_of_its_fields_is_refused(name: str) -> None:
    fields = json.loads(leaf_bytes(EVENT))
    del fields[name]
    with pytest.raises(InvalidEvent):
        parse_leaf(rfc8785.dumps(fields))


@given(st.integers(0, len(leaf_bytes(EVENT)) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_another_event(position: int, flip: int) -> None:
    leaf = bytearray(leaf_bytes(EVENT))
    leaf[position] ^= flip
    try:
        event = parse_leaf(bytes(leaf))
    except InvalidEvent:
        return
    assert event != EVENT
    assert leaf_bytes(event) == bytes(leaf)


def test_a_commitment_hides_without_its_salt_and_binds_with_it() -> None:
    one, two = bytes(32), bytes([1] * 32)
    assert commitment(one, b"a") == commitment(one, b"a")
    assert len({commitment(one, b"a"), commitment(two, b"a"), commitment(one, b"b")}) == 3
    with pytest.raises(InvalidEvent):
        commitment(b"short", b"a")


def test_a_pseudonym_depends_on_the_key_and_on_who() -> None:
    other = bytes([7] * 32)
    assert pseudonym(KEY, "ann") == pseudonym(KEY, "ann")
    assert len({pseudonym(KEY, "ann"), pseudonym(other, "ann"), pseudonym(KEY, "bob")}) == 3
    with pytest.raises(InvalidEvent):
        pseudonym(b"", "ann")
