"""Sealed documents: clinical values to JSON bytes and back, by type, nothing guessed.

Pydantic's `TypeAdapter` reads and writes the frozen dataclasses as they are declared: unknown
fields, wrong types and unknown enum members are refused.
"""

import hashlib
from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

T = TypeVar("T")


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))


def dump(kind: type[T], value: T) -> bytes:
    """Return the JSON bytes of a value of this declared type."""
    return _adapter(cast(Hashable, kind)).dump_json(value)


def load(kind: type[T], body: bytes) -> T:
    """Return the value in `body`. Raises: pydantic.ValidationError, a defect of the writer."""
    value: T = _adapter(cast(Hashable, kind)).validate_json(body)
    return value


def sha256(body: bytes) -> str:
    """Return the hash of stored bytes, 64 hex digits."""
    return hashlib.sha256(body).hexdigest()
