"""Enrolment codes and refresh tokens: random text that is stored only as its digest."""

import hashlib
from base64 import urlsafe_b64encode

from services.ids import new_secret

# Crockford's alphabet: no I, L, O or U, so that a code can be read out over the telephone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", " ": "", "-": ""})
CODE_CHARACTERS = 12


def new_enrolment_code() -> str:
    """Return a code of 60 random bits such as "7K3M-Q0ZD-94TB", shown once to the clinician."""
    symbols = [_ALPHABET[byte % 32] for byte in new_secret(CODE_CHARACTERS)]
    return "-".join("".join(symbols[i : i + 4]) for i in range(0, CODE_CHARACTERS, 4))


def enrolment_code_digest(code: str) -> str:
    """Return the digest (64 hex digits) of a code as typed: case, spaces, dashes do not matter.

    60 random bits, single use and an expiry: a plain digest resists guessing as well as argon2.
    """
    return _digest("enrolment-code", code.upper().translate(_ALIKE))


def new_refresh_token() -> str:
    """Return a refresh token of 256 random bits, URL-safe."""
    return urlsafe_b64encode(new_secret(32)).rstrip(b"=").decode()


def refresh_token_digest(token: str) -> str:
    """Return the digest (64 hex digits) under which a refresh token is stored."""
    return _digest("refresh-token", token)


def _digest(domain: str, text: str) -> str:
    return hashlib.sha256(f"{domain}/v1\n{text}".encode()).hexdigest()
