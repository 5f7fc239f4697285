"""Passwords: hashed with today's costs, matched exactly, refused at an equal price."""

import pytest
from argon2 import PasswordHasher

from services.access.passwords import (
    PasswordUnfit,
    hash_is_outdated,
    hash_password,
    password_matches,
)


def test_a_password_matches_its_own_hash_only() -> None:
    stored = hash_password("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert password_matches(stored, "correct horse battery")
    assert not password_matches(stored, "correct horse batterY")
    assert not hash_is_outdated(stored)


def test_two_hashes_of_one_password_differ() -> None:
    assert hash_password("correct horse battery") != hash_password("correct horse battery")


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 257])
def test_an_unfit_password_is_not_hashed(password: str) -> None:
    with pytest.raises(PasswordUnfit):
        hash_password(password)


@pytest.mark.parametrize("stored", [None, "", "not a hash"])
def test_without_a_hash_nothing_matches(stored: str | None) -> None:
    assert not password_matches(stored, "nobody has this password")


def test_a_megabyte_is_refused_without_hashing() -> None:
    assert not password_matches(None, "x" * 1_000_000)


def test_a_hash_of_lower_cost_is_outdated() -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("old password 1")
    assert hash_is_outdated(cheap)
