"""The bytes that are kept are the bytes that came; what cannot be trusted is refused by name."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fhir.json_spans import DEPTH_LIMIT, UnreadableJson, read_entries

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.lists(st.dictionaries(st.text(), _JSON, max_size=4), max_size=5), st.sampled_from([None, 2])
)
def test_each_body_is_the_exact_substring(
    resources: list[dict[str, object]], indent: int | None
) -> None:
    document = {"a": [1, {"resource": 5}], "entry": [{"resource": r} for r in resources], "z": {}}
    raw = json.dumps(document, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        with pytest.raises(UnreadableJson, match="not_utf8"):
            read_entries(raw)
        return
    found = read_entries(raw)
    assert [json.loads(entry.body) for entry in found.entries] == resources
    assert all(entry.body in raw for entry in found.entries)


def test_numbers_keep_the_form_they_came_in() -> None:
    raw = b'{"entry":[{"resource":{"v": 4.10, "w": 1e3 }}]}'
    (entry,) = read_entries(raw).entries
    assert entry.body == b'{"v": 4.10, "w": 1e3 }'
    assert str(entry.resource["v"]) == "4.10"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"[]", "malformed_json"),
        (b'{"a":1} {"b":2}', "malformed_json"),
        (b'{"a":NaN}', "malformed_json"),
        (b'{"entry":[{"resource":{}},]}', "malformed_json"),
        (b'{"entry":[{"resource":{"a":1}}', "malformed_json"),
        (b"{1:2}", "malformed_json"),
        (b"\xff{}", "not_utf8"),
        (b'{"a":1,"a":2}', "duplicate_key"),
        (b'{"entry":[{"resource":{"a":1,"a":2}}]}', "duplicate_key"),
        (b'{"entry":[],"entry":[]}', "duplicate_key"),
        (b'{"a":' + b"[" * (DEPTH_LIMIT + 5) + b"]" * (DEPTH_LIMIT + 5) + b"}", "too_deep"),
        (b'{"a":' + b"[" * 200_000, "too_deep"),
    ],
)
def test_what_cannot_be_trusted_is_refused_by_name(raw: bytes, code: str) -> None:
    with pytest.raises(UnreadableJson) as caught:
        read_entries(raw)
    assert caught.value.code == code


def test_an_entry_without_a_resource_is_no_entry() -> None:
    assert read_entries(b'{"entry":[{"fullUrl":"x"},{"resource":[1]}]}').entries == ()
