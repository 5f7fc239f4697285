"""A mark is the same for the same text of one patient, and tells nothing without the key."""

import pytest

from services.store.errors import KeyUnknown
from services.store.vault import Vault


def vault(key: bytes) -> Vault:
    held = Vault("p")
    held.admit({"p": key})
    return held


def test_a_mark_depends_on_the_text_the_purpose_and_the_key() -> None:
    one = vault(b"1" * 32)
    assert one.mark("device", "a") == one.mark("device", "a", "p")
    others = {one.mark("device", "b"), one.mark("clock", "a"), vault(b"2" * 32).mark("device", "a")}
    assert len(others | {one.mark("device", "a")}) == 4
    assert one.mark("device", "a") != "a"


def test_without_the_key_there_is_no_mark() -> None:
    with pytest.raises(KeyUnknown):
        vault(b"1" * 32).mark("device", "a", "q")
