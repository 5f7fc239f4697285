"""Instants need their offset; units and codes are exact."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from patient_gateway.items import read_one
from patient_gateway.schemas import MessageRequest
from patient_gateway.wire import offset_minutes, parse_instant
from services.problems import ProblemRaised

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


FIRST, LAST = datetime(2000, 1, 3), datetime(2100, 1, 1)  # noqa: DTZ001 - hypothesis adds it


@given(st.datetimes(FIRST, LAST, timezones=OFFSETS))
def test_an_instant_comes_back_with_the_offset_that_was_written(moment: datetime) -> None:
    parsed = parse_instant(moment.isoformat())
    assert parsed == moment
    assert offset_minutes(parsed) == moment.utcoffset() // timedelta(minutes=1)  # type: ignore[operator]


@given(st.text(max_size=40) | st.integers() | st.none() | st.booleans())
def test_anything_else_is_refused_and_nothing_else_happens(value: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_instant(value)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T07:00:00",
        "2026-03-02 07:00:00Z",
        "2026-03-02T07:00:00+0100",
        "2026-03-02T07:00:00+14:01",
        "2026-02-29T07:00:00Z",
        "2026-03-02T24:00:00Z",
        "2026-03-02T07:00:60Z",
        "1999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "２０２６-03-02T07:00:00Z",
        "2026-W10-1T07:00:00Z",
        "2026-03-02",
    ],
)
def test_near_misses_are_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        parse_instant(text)


def test_z_and_fractions_are_read() -> None:
    assert parse_instant("2026-03-02T07:00:00.250Z") == datetime(
        2026, 3, 2, 7, 0, 0, 250_000, tzinfo=UTC
    )
    assert parse_instant("2026-03-02T07:00Z") == datetime(2026, 3, 2, 7, tzinfo=UTC)


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[2J", "a\ud800b", "x" * 2001, " \n "])
def test_text_that_a_record_cannot_keep_is_refused(text: str) -> None:
    with pytest.raises(ProblemRaised):
        read_one({"text": text}, MessageRequest)


def test_text_keeps_its_lines_and_its_language() -> None:
    assert read_one({"text": " 早上头晕。\nBetter now. "}, MessageRequest).text == (
        "早上头晕。\nBetter now."
    )
