"""JSON to the clinical types: strictly, and refused with the place."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.clinical.decoding import Decoder, Unreadable, read_datetime
from services.clinical.patient import Adherence, Sex, Snapshot, Target
from services.clinical.readings import BloodPressure
from services.clinical.units import Micrograms
from tests.services.clinical.examples import DAY, NOW

DECODER = Decoder(NOW)


@pytest.mark.parametrize(
    ("wanted", "value", "expected"),
    [
        (int, 3, 3),
        (str, "x", "x"),
        (bool, True, True),
        (float, 3, 3.0),
        (float, 2.5, 2.5),
        (date, "2026-05-20", date(2026, 5, 20)),
        (datetime, "2026-05-20T12:00:00+00:00", NOW),
        (datetime, "-2d", NOW - 2 * DAY),
        (datetime, "-48h", NOW - 2 * DAY),
        (datetime, "-2880m", NOW - 2 * DAY),
        (Micrograms, 5000, 5000),
        (Micrograms, "5 mg", 5000),
        (Sex, "male", Sex.MALE),
        (int | None, None, None),
        (int | None, 4, 4),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[str, float], ["a", 1], ("a", 1.0)),
        (frozenset[Sex], ["male"], frozenset({Sex.MALE})),
        (Adherence, {"taken": 1, "due": 2}, Adherence(1, 2)),
    ],
)
def test_what_is_right_is_read(wanted: Any, value: Any, expected: Any) -> None:
    found = DECODER.read(wanted, value, "here")
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("wanted", "value", "why"),
    [
        (int, True, "int is wanted"),
        (int, 3.0, "int is wanted"),
        (int, "3", "int is wanted"),
        (bool, 1, "bool is wanted"),
        (float, "1", "number is wanted"),
        (float, True, "number is wanted"),
        (date, "20 May", "no ISO 8601 date"),
        (datetime, "noon", "no ISO 8601 moment"),
        (datetime, "2026-05-20T12:00:00", "no offset"),
        (Micrograms, 2.5, "str is wanted"),
        (Micrograms, "5 g", "mg or µg"),
        (Sex, "m", "no Sex"),
        (tuple[int, ...], "12", "list is wanted"),
        (tuple[int, ...], [1, "2"], r"here\[1\]"),
        (tuple[str, float], ["a"], "2 values"),
        (Adherence, [1, 2], "dict is wanted"),
        (Adherence, {"taken": 1}, "due is missing"),
        (Adherence, {"taken": 1, "due": 2, "x": 3}, "unknown field x"),
        (Target, {"systolic_below_mmhg": 130, "diastolic_below_mmhg": None}, "here.diastolic"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(wanted: Any, value: Any, why: str) -> None:
    with pytest.raises(Unreadable, match=why) as caught:
        DECODER.read(wanted, value, "here")
    assert str(caught.value).startswith("here")


def test_a_value_that_refuses_itself_is_refused() -> None:
    impossible = {
        "reading_id": "r",
        "systolic_mmhg": 80,
        "diastolic_mmhg": 120,
        "pulse_bpm": 70,
        "taken_at": "-1h",
        "utc_offset_minutes": 0,
        "received_at": "-1h",
    }
    with pytest.raises(Unreadable, match="diastolic must be below systolic"):
        DECODER.read(BloodPressure, impossible, "reading")


def test_a_type_that_no_one_thought_of_is_a_defect() -> None:
    with pytest.raises(TypeError, match="no way"):
        DECODER.read(complex, 1, "here")


def test_a_moment_keeps_its_offset() -> None:
    assert read_datetime("2026-05-20T14:00:00+02:00", "now") == NOW.astimezone(UTC)
    assert Snapshot.__dataclass_fields__["as_of"].name == "as_of"
