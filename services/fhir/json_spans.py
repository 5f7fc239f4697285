"""A Bundle read once, each resource with the very bytes it came in.

fhir.resources and every JSON library change what they read (4.10 becomes 4.1, long numbers become
floats), so the record keeps and hashes the original bytes of each resource, cut out here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from json import JSONDecodeError, JSONDecoder
from typing import Final, Literal, NoReturn

# The deepest of 60 vendored records has 14 levels; hostile input has thousands.
DEPTH_LIMIT: Final = 64
BYTES_LIMIT: Final = 64 * 1024 * 1024

BadJson = Literal["not_utf8", "malformed_json", "duplicate_key", "too_deep", "too_large"]

_WHITESPACE: Final = " \t\n\r"


class UnreadableJson(ValueError):
    """The bytes are not JSON that can be trusted. `code` says why; ask the sender to repair it."""

    def __init__(self, code: BadJson, detail: str) -> None:
        """`detail` names a place, never a value."""
        super().__init__(f"{code}: {detail}")
        self.code: BadJson = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: where it says it lives, the resource as read (decimals exact) and as it came."""

    full_url: str | None
    resource: dict[str, object]
    body: bytes


@dataclass(frozen=True, slots=True)
class ReadBundle:
    """The Bundle's own fields without its entries, and the entries that hold a resource."""

    header: dict[str, object]
    entries: tuple[Entry, ...]


class _DuplicateKey(ValueError):
    """Two readers may take different ones of two equal keys."""


def read_entries(raw: bytes) -> ReadBundle:
    """Return the document's top object and the resources of its "entry" array.

    Raises:
        UnreadableJson: not UTF-8, not one JSON object, a key twice, too deep, or too large.
    """
    if len(raw) > BYTES_LIMIT:
        raise UnreadableJson("too_large", f"{len(raw)} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as err:
        raise UnreadableJson("not_utf8", f"byte {err.start}") from err
    try:
        return _Scan(text).bundle()
    except RecursionError as err:
        raise UnreadableJson("too_deep", f"more than {DEPTH_LIMIT} levels") from err
    except _DuplicateKey as err:
        raise UnreadableJson("duplicate_key", "an object names a key twice") from err
    except JSONDecodeError as err:
        raise UnreadableJson("malformed_json", f"line {err.lineno} column {err.colno}") from err


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _DuplicateKey
    return fields


def _no_constant(_: str) -> NoReturn:
    raise JSONDecodeError("NaN and Infinity are not JSON", "", 0)


_DECODER: Final = JSONDecoder(
    object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_no_constant
)


class _Scan:
    """Walks the top object and the entries by hand; everything below is read by the decoder."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def bundle(self) -> ReadBundle:
        header: list[tuple[str, object]] = []
        entries: list[Entry] = []
        self._skip()
        for key in self._keys():
            if key == "entry" and self._peek() == "[":
                entries.extend(self._entries())
                header.append((key, []))
            else:
                header.append((key, self._value()[0]))
        self._skip()
        if self._at != len(self._text):
            self._fail("something follows the document")
        return ReadBundle(_unique(header), tuple(entries))

    def _entries(self) -> Iterator[Entry]:
        for _ in self._items():
            fields: list[tuple[str, object]] = []
            body = b""
            for key in self._keys():
                value, span = self._value()
                fields.append((key, value))
                body = span.encode("utf-8") if key == "resource" else body
            entry = _unique(fields)
            resource, full_url = entry.get("resource"), entry.get("fullUrl")
            if isinstance(resource, dict):
                yield Entry(full_url if isinstance(full_url, str) else None, resource, body)

    def _keys(self) -> Iterator[str]:
        """Yield each key of the object here, standing before its value."""
        self._expect("{")
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            key, _ = self._value()
            if not isinstance(key, str):
                self._fail("a key is not text")
            self._expect(":")
            yield key
            if not self._another("}"):
                return

    def _items(self) -> Iterator[None]:
        """Stand before each item of the array here."""
        self._expect("[")
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield None
            if not self._another("]"):
                return

    def _another(self, closing: str) -> bool:
        if self._peek() == ",":
            self._at += 1
            return True
        self._expect(closing)
        return False

    def _value(self) -> tuple[object, str]:
        """Return the value here and the exact text of it."""
        self._skip()
        start = self._at
        value, self._at = _DECODER.raw_decode(self._text, start)
        _require_shallow(value)
        return value, self._text[start : self._at]

    def _expect(self, mark: str) -> None:
        if self._peek() != mark:
            self._fail(f"expected {mark}")
        self._at += 1

    def _peek(self) -> str:
        self._skip()
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in _WHITESPACE:
            self._at += 1

    def _fail(self, reason: str) -> NoReturn:
        raise JSONDecodeError(reason, self._text, self._at)


def _require_shallow(value: object) -> None:
    """Raise RecursionError below DEPTH_LIMIT levels, without recursing."""
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise RecursionError("too deep")


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [item for item in value.values() if isinstance(item, dict | list)]
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict | list)]
    return []
