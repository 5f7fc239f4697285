"""Dose text: nothing is rounded, no unit is assumed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clinical.units import Micrograms, UnreadableDose, format_dose, parse_dose


@pytest.mark.parametrize(
    ("text", "dose_ug"),
    [
        ("5 mg", 5000),
        ("12.5 mg", 12_500),
        ("0.625mg", 625),
        (" 250 µg ", 250),
        ("250 μg", 250),
        ("250 mcg", 250),
        ("250 micrograms", 250),
        ("2.0 µg", 2),
        ("5 MG", 5000),
    ],
)
def test_a_dose_with_its_unit_is_read(text: str, dose_ug: int) -> None:
    assert parse_dose(text) == dose_ug


@pytest.mark.parametrize(
    "text", ["5", "mg", "", "5 g", "5 IU", "-5 mg", "1.2345 mg", "5,5 mg", "5 mg/d"]
)
def test_what_is_no_dose_is_refused(text: str) -> None:
    with pytest.raises(UnreadableDose, match="mg or µg"):
        parse_dose(text)


def test_finer_than_a_microgram_is_refused() -> None:
    with pytest.raises(UnreadableDose, match="finer"):
        parse_dose("0.5 µg")


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_back(dose_ug: int) -> None:
    assert parse_dose(format_dose(Micrograms(dose_ug))) == dose_ug


def test_a_dose_is_written_as_a_clinician_writes_it() -> None:
    doses = [5000, 2500, 625, 12_500, 0]
    assert [format_dose(Micrograms(dose)) for dose in doses] == [
        "5 mg",
        "2.5 mg",
        "0.625 mg",
        "12.5 mg",
        "0 mg",
    ]
