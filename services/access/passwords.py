"""Clinicians' passwords: argon2id, and an equal cost for a name that nobody has."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_PASSWORD_CHARACTERS = 12
# Argon2 hashes any length; a limit keeps one request from costing megabytes.
MAX_PASSWORD_CHARACTERS = 256

# One lane: a sign-in must not take both cores from the crisis path.
# Source: RFC 9106 §4, second recommended option (64 MiB, 3 passes).
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


class PasswordUnfit(ValueError):
    """Too short or too long. Ask for another one."""


def hash_password(password: str) -> str:
    """Return the argon2id hash to store, with its salt and costs. About 0.1-0.3 s of CPU.

    Raises:
        PasswordUnfit: shorter than 12 or longer than 256 characters.
    """
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise PasswordUnfit(
            f"use {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters"
        )
    return _HASHER.hash(password)


def password_matches(stored_hash: str | None, password: str) -> bool:
    """Return whether `password` is the one hashed; a None hash costs as much and is never it.

    Without that cost, the time of a refusal would tell which user names exist.
    """
    if len(password) > MAX_PASSWORD_CHARACTERS:
        return False
    try:
        matches = _HASHER.verify(_nobodys_hash() if stored_hash is None else stored_hash, password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored_hash is not None


def hash_is_outdated(stored_hash: str) -> bool:
    """Return whether the hash was made with other costs than today's: hash again at sign-in."""
    return _HASHER.check_needs_rehash(stored_hash)


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash("nobody has this password")
