"""Reading other people's resources: every look-up may fail, and then it says None."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from services.fhir import codes


def items(value: object) -> list[dict[str, object]]:
    """Return the objects of a list; anything else has none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def part(value: object, *path: str) -> object:
    """Return what stands at `path`, or None; the first one where a list is in the way."""
    for name in path:
        if isinstance(value, list):
            value = value[0] if value else None
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text(value: object, *path: str) -> str | None:
    """Return the text at `path`, or None."""
    found = part(value, *path)
    return found if isinstance(found, str) else None


def number(value: object, *path: str) -> Decimal | None:
    """Return the number at `path`, exactly, or None; a number written as text is no number."""
    found = part(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | Decimal):
        return None
    return Decimal(found)


def codings(value: object, system: str) -> Iterator[tuple[str, str]]:
    """Yield (code, display) of a CodeableConcept's codings in one system."""
    for row in items(part(value, "coding")):
        code = text(row, "code")
        if text(row, "system") == system and code is not None:
            yield code, text(row, "display") or text(value, "text") or ""


def first_coding(value: object) -> tuple[str, str]:
    """Return code and wording of a concept for a person's eye; "" for what is not there."""
    row = next(iter(items(part(value, "coding"))), None)
    wording = text(row, "display") or text(value, "text") or ""
    return text(row, "code") or "", wording


def status_code(value: object) -> str | None:
    """Return the first code of a status that is a CodeableConcept."""
    return text(value, "coding", "code")


def moment(value: str | None) -> tuple[datetime, int] | None:
    """Return a full dateTime as UTC and its own offset in minutes; a bare date is no moment."""
    if value is None or "T" not in value:
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    offset = read.utcoffset()
    if offset is None:
        return None
    return read.astimezone(UTC), int(offset / timedelta(minutes=1))


def day(value: str | None) -> date | None:
    """Return a full date, or None for a year or a month alone."""
    try:
        return date.fromisoformat(value) if value is not None else None
    except ValueError:
        return None


def quantity(value: object, *path: str) -> tuple[Decimal, str] | None:
    """Return number and UCUM code of a Quantity; None without either, or with "<" before it."""
    found = part(value, *path)
    amount, unit = number(found, "value"), text(found, "code")
    if amount is None or unit is None or part(found, "comparator") is not None:
        return None
    return (amount, unit) if text(found, "system") == codes.UCUM else None
