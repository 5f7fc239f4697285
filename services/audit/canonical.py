"""One value, one byte string: RFC 8785 JSON in a narrow profile.

Inside the profile (ASCII keys, NFC text, booleans, null, integers within +-(2^53-1), lists and
objects) the standard library's encoder gives exactly the RFC's bytes. Everything outside it is
refused: two encoders may disagree there, and a leaf's hash must not depend on the encoder.

Source: RFC 8785 (JSON Canonicalization Scheme) sections 3.2.2 and 3.2.3.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn, TypeAlias, cast

CanonicalValue: TypeAlias = (
    "bool | int | str | Sequence[CanonicalValue] | Mapping[str, CanonicalValue] | None"
)

# Source: RFC 8785 section 3.2.2.3, integers that an IEEE 754 double holds exactly.
INTEGER_LIMIT: Final = 2**53 - 1
# Deeper nesting than any record needs; a bound keeps hostile input from exhausting the stack.
DEPTH_LIMIT: Final = 32


class OutsideProfile(ValueError):
    """The value has no agreed canonical form. Fix the value; never widen the profile."""

    def __init__(self, path: str, reason: str) -> None:
        """Name the place in the value (JSON-path like) and what is wrong there."""
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class NotCanonical(ValueError):
    """The bytes are not what `canonical_bytes` writes for the value that they hold."""


def canonical_bytes(value: CanonicalValue) -> bytes:
    """Return the RFC 8785 encoding of `value` in UTF-8, without a trailing newline.

    Raises:
        OutsideProfile: a float, a non-ASCII key, text not in NFC, a lone surrogate, an integer
            beyond +-(2^53-1), nesting deeper than 32, or any other type.
    """
    _check(value, "$", DEPTH_LIMIT)
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8")


def parse_canonical(data: bytes) -> CanonicalValue:
    """Return the value that `data` is the canonical encoding of.

    Raises:
        NotCanonical: `data` is not JSON, or not byte for byte what `canonical_bytes` writes
            (spaces, key order, duplicate keys, other escapes, floats).
    """
    try:
        value = cast(
            CanonicalValue,
            json.loads(data.decode("utf-8"), parse_float=_no_float, parse_constant=_no_float),
        )
        again = canonical_bytes(value)
    except (ValueError, RecursionError) as err:
        raise NotCanonical(f"not canonical JSON: {type(err).__name__}") from err
    if again != data:
        raise NotCanonical("the same value has other canonical bytes")
    return value


def _no_float(text: str) -> NoReturn:
    raise OutsideProfile("$", f"not an integer: {text[:40]}")


def _check(value: object, path: str, depth: int) -> None:
    if depth < 0:
        raise OutsideProfile(path, "nested too deeply")
    match value:
        case None | bool():
            return
        case int():
            if abs(value) > INTEGER_LIMIT:
                raise OutsideProfile(path, "integer beyond 2^53-1")
        case str():
            _check_text(value, path)
        case list() | tuple():
            for position, item in enumerate(value):
                _check(item, f"{path}[{position}]", depth - 1)
        case dict():
            for key, item in value.items():
                _check_key(key, path)
                _check(item, f"{path}.{key}", depth - 1)
        case _:
            raise OutsideProfile(path, f"type {type(value).__name__}")


def _check_text(text: str, path: str) -> None:
    if text.isascii():
        return
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise OutsideProfile(path, "lone surrogate")
    if not unicodedata.is_normalized("NFC", text):
        raise OutsideProfile(path, "text not in NFC")


def _check_key(key: object, path: str) -> None:
    # ASCII only: RFC 8785 sorts keys by UTF-16 units, Python by code points; they agree on ASCII.
    if not isinstance(key, str) or not key.isascii():
        raise OutsideProfile(path, "key that is not ASCII text")
