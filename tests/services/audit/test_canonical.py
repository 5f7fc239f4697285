"""Canonical bytes: the RFC's, and nothing outside the profile."""

import json
import unicodedata
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.audit.canonical import (
    INTEGER_LIMIT,
    NotCanonical,
    OutsideProfile,
    canonical_bytes,
    parse_canonical,
)

texts = st.text().map(lambda text: unicodedata.normalize("NFC", text))
keys = st.text(st.characters(max_codepoint=127))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_LIMIT, INTEGER_LIMIT) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_inside_the_profile_the_bytes_are_the_rfcs(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(values)
def test_parsing_gives_the_value_back(value: Any) -> None:
    assert parse_canonical(canonical_bytes(value)) == value


def deep(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (0.5, "$"),
        (float("nan"), "$"),
        (2**53, "$"),
        (-(2**53), "$"),
        ({"a": [1, 1.0]}, "$.a[1]"),
        ({"é": 1}, "$"),
        ({1: 1}, "$"),
        ("e\u0301", "$"),
        ("\ud800", "$"),
        (b"bytes", "$"),
        ({1, 2}, "$"),
        (object(), "$"),
    ],
)
def test_outside_the_profile_is_refused_by_place(value: Any, path: str) -> None:
    with pytest.raises(OutsideProfile) as refusal:
        canonical_bytes(value)
    assert refusal.value.path == path


def test_nesting_is_bounded_both_ways() -> None:
    assert parse_canonical(canonical_bytes(deep(32))) == deep(32)
    with pytest.raises(OutsideProfile):
        canonical_bytes(deep(33))
    for levels in (33, 100_000):
        with pytest.raises(NotCanonical):
            parse_canonical(b"[" * levels + b"0" + b"]" * levels)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a": 1}',
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'"\\u0061"',
        b'"\\/"',
        b"1.0",
        b"1e2",
        b"-0",
        b"NaN",
        b"1\n",
        b"9007199254740992",
        b"1" * 5000,
        b"\xff",
        b'"\\ud800"',
        b"\xef\xbb\xbf1",
    ],
)
def test_other_bytes_for_a_value_are_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse_canonical(data)


@given(st.binary(max_size=40) | values.map(lambda value: json.dumps(value).encode()))
def test_whatever_parses_has_exactly_these_bytes(data: bytes) -> None:
    try:
        value = parse_canonical(data)
    except NotCanonical:
        return
    assert canonical_bytes(value) == data
