"""Wire types: strict scalars that refuse what other systems would guess at.

Each refusal carries the code of its problem, so that `items` needs no table of messages.
"""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from services.problems import ProblemCode

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(?P<offset>Z|[+-]\d\d:\d\d)?", re.ASCII
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Home monitors did not exist in this form before; an earlier date is a clock that was never set.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MAX_OFFSET = timedelta(hours=14)

EnumT = TypeVar("EnumT", bound=StrEnum)


class Wire(BaseModel):
    """Base of every body: strict types, no unknown field, no NaN."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def refusal(code: ProblemCode, expected: str) -> PydanticCustomError:
    """Return a validation error whose type is a problem code; `expected` says what would do."""
    return PydanticCustomError(code.value, expected)


def parse_instant(value: object) -> datetime:
    """Return the aware moment of RFC 3339 text, with the offset that was written.

    Raises:
        PydanticCustomError: not such text, no offset, no such date, or before the year 2000.
    """
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None or not isinstance(value, str):
        raise refusal(ProblemCode.INVALID_INPUT, "a time such as 2026-03-01T07:30:00+01:00")
    if match["offset"] is None:
        raise refusal(ProblemCode.TIME_WITHOUT_OFFSET, "a time with Z or an offset such as +01:00")
    try:
        moment = datetime.fromisoformat(value)
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise refusal(ProblemCode.INVALID_INPUT, "a date and time that exist") from err
    if abs(moment.utcoffset() or timedelta(0)) > _MAX_OFFSET or in_utc < _EARLIEST:
        raise refusal(ProblemCode.INVALID_INPUT, "a time after 1999, its offset within 14 hours")
    return moment


def offset_minutes(moment: datetime) -> int:
    """Return the offset from UTC that the phone wrote, in minutes."""
    offset = moment.utcoffset()
    assert offset is not None, "wire instants always carry an offset"
    return int(offset.total_seconds() // 60)


def code_of(kind: type[EnumT]) -> BeforeValidator:
    """Return a validator from text to a member of `kind`; an unknown code is refused by name."""

    def parse(value: object) -> EnumT:
        try:
            return kind(str(value))
        except ValueError as err:
            raise refusal(ProblemCode.UNKNOWN_CODE, "one of: " + ", ".join(kind)) from err

    return BeforeValidator(parse)


def unit_of(*units: str) -> BeforeValidator:
    """Return a validator for a unit: one of UCUM's `units`, exactly."""

    def check(value: object) -> object:
        if value not in units:
            raise refusal(ProblemCode.WRONG_UNIT, "the unit " + " or ".join(units))
        return value

    return BeforeValidator(check)


def _writable(text: str) -> str:
    """PostgreSQL keeps no NUL, and a terminal obeys what a log or a message should only show."""
    if _CONTROL.search(text) is not None:
        raise refusal(ProblemCode.INVALID_INPUT, "text without control characters")
    return text


Instant = Annotated[datetime, BeforeValidator(parse_instant)]
ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
"""The phone's own id of an item: the same id again is the same item."""
FreeText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000, strip_whitespace=True),
    AfterValidator(_writable),
]
Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=120, strip_whitespace=True),
    AfterValidator(_writable),
]
MmhgUnit = Annotated[Literal["mm[Hg]"], unit_of("mm[Hg]")]
