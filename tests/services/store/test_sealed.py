"""A sealed field opens at its own place, under its own key, and nowhere else."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.store.errors import KeyUnknown, Tampered
from services.store.sealed import KeyEncryptionKeys, Place, parse_key_set, seal, unseal

KEY, OTHER = b"k" * 32, b"o" * 32
PLACE = Place("patients", "identity_sealed", "row-1", "patient-1")


@given(st.binary(max_size=300))
def test_what_was_sealed_opens_to_the_same_bytes(plaintext: bytes) -> None:
    assert unseal(KEY, PLACE, seal(KEY, PLACE, plaintext)) == plaintext


@pytest.mark.parametrize("field", ["table", "column", "row", "patient_id"])
def test_a_ciphertext_moved_to_another_place_does_not_open(field: str) -> None:
    sealed = seal(KEY, PLACE, b"Ada")
    with pytest.raises(Tampered):
        unseal(KEY, replace(PLACE, **{field: "another"}), sealed)


@given(st.integers(min_value=0, max_value=200), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_noticed(place: int, change: int) -> None:
    sealed = bytearray(seal(KEY, PLACE, b"Ada Example"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(Tampered):
        unseal(KEY, PLACE, bytes(sealed))


def test_another_patients_key_does_not_open_it() -> None:
    with pytest.raises(Tampered):
        unseal(OTHER, PLACE, seal(KEY, PLACE, b"Ada"))


def test_equal_fields_look_different() -> None:
    assert seal(KEY, PLACE, b"Ada") != seal(KEY, PLACE, b"Ada")


def test_a_wrapped_key_belongs_to_one_patient_and_one_kek() -> None:
    keks = KeyEncryptionKeys("a", {"a": KEY, "b": OTHER})
    kek_id, wrapped = keks.wrap("patient-1", b"d" * 32)
    assert keks.unwrap("patient-1", kek_id, wrapped) == b"d" * 32
    with pytest.raises(Tampered):
        keks.unwrap("patient-2", kek_id, wrapped)
    with pytest.raises(Tampered):
        keks.unwrap("patient-1", "b", wrapped)
    with pytest.raises(KeyUnknown):
        keks.unwrap("patient-1", "gone", wrapped)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        json.dumps({"newest": "a", "keys": {}}).encode(),
        json.dumps({"newest": "a", "keys": {"a": "00"}}).encode(),
        json.dumps({"newest": "a", "keys": {"a": "zz"}}).encode(),
    ],
)
def test_a_key_file_of_another_form_is_refused(document: bytes) -> None:
    with pytest.raises(KeyUnknown):
        parse_key_set(document)
