"""Looking into other people's resources: what is not there or not right is None."""

from decimal import Decimal

import pytest

from services.fhir import fields


@pytest.mark.parametrize(
    ("value", "found"),
    [({"v": 1}, Decimal(1)), ({"v": "1"}, None), ({"v": True}, None), ({}, None), (None, None)],
)
def test_a_number_is_a_number(value: object, found: Decimal | None) -> None:
    assert fields.number(value, "v") == found


@pytest.mark.parametrize(
    ("value", "utc", "offset"),
    [
        ("2026-02-01T08:00:00+01:00", "2026-02-01T07:00:00+00:00", 60),
        ("2026-02-01T08:00:00Z", "2026-02-01T08:00:00+00:00", 0),
        ("2026-02-01T08:00:00.123-05:30", "2026-02-01T13:30:00.123000+00:00", -330),
    ],
)
def test_a_moment_keeps_its_own_offset(value: str, utc: str, offset: int) -> None:
    found = fields.moment(value)
    assert found is not None
    assert (found[0].isoformat(), found[1]) == (utc, offset)


@pytest.mark.parametrize("value", [None, "2026", "2026-02-01", "2026-02-01T08:00:00", "soonT"])
def test_half_a_moment_is_none(value: str | None) -> None:
    assert fields.moment(value) is None


def test_a_path_goes_through_the_first_of_a_list() -> None:
    value = {"a": [{"b": "x"}, {"b": "y"}], "c": []}
    assert fields.text(value, "a", "b") == "x"
    assert fields.text(value, "c", "b") is None
    assert fields.text("x", "a") is None


def test_a_concept_without_codes_has_no_code() -> None:
    assert fields.first_coding({"text": "said"}) == ("", "said")
    assert fields.day("2026-02") is None
