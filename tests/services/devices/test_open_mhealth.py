from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from services.devices.open_mhealth import read_data_points
from services.devices.stream import DeviceFileRefused, Malformed, Misdeclared, NotDeclared


def heart_rate(**frame: Any) -> dict[str, Any]:
    return {
        "header": {
            "id": "one",
            "schema_id": {"namespace": "omh", "name": "heart-rate", "version": "2.0"},
            "acquisition_provenance": {"source_name": "Watch"},
        },
        "body": {
            "heart_rate": {"value": 61, "unit": "beats/min"},
            "effective_time_frame": frame or {"date_time": "2026-03-01T09:00:00+01:00"},
        },
    }


def test_a_heart_rate_comes_with_time_unit_and_source() -> None:
    (found,) = read_data_points([heart_rate()])
    assert (found.kind, found.unit, found.sources) == ("heart_rate", "/min", ("Watch",))
    assert found.times == (datetime(2026, 3, 1, 8, tzinfo=UTC),)


def test_an_interval_counts_at_its_end_and_points_are_put_in_order() -> None:
    late = heart_rate(
        time_interval={
            "start_date_time": "2026-03-01T08:00:00Z",
            "end_date_time": "2026-03-01T08:30:00Z",
        }
    )
    (found,) = read_data_points([late, heart_rate()])
    assert [time.minute for time in found.times] == [0, 30]


def test_a_blood_pressure_gives_both_measures() -> None:
    point = heart_rate()
    point["header"]["schema_id"] = {"namespace": "ieee", "name": "blood-pressure", "version": "1.0"}
    point["body"] |= {
        "systolic_blood_pressure": {"value": 131, "unit": "mmHg"},
        "diastolic_blood_pressure": {"value": 82, "unit": "mmHg"},
    }
    found = {measures.kind: measures.values.tolist() for measures in read_data_points([point])}
    assert found == {"systolic": [131.0], "diastolic": [82.0]}


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (("body", "heart_rate", "unit"), "beats/s", Misdeclared),
        (("body", "heart_rate", "unit"), None, NotDeclared),
        (("body", "heart_rate", "value"), "many", Malformed),
        (("body", "heart_rate"), None, NotDeclared),
        (("body", "effective_time_frame"), None, NotDeclared),
        (("body", "effective_time_frame", "date_time"), "2026-03-01T09:00:00", NotDeclared),
        (("body", "effective_time_frame", "date_time"), "yesterday", Malformed),
        (("header", "schema_id", "name"), "mood", Malformed),
        (("header",), None, NotDeclared),
    ],
)
def test_what_is_missing_or_wrong_is_refused_by_name(
    path: tuple[str, ...], value: Any, error: type[Exception]
) -> None:
    point = deepcopy(heart_rate())
    place = point
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(error):
        read_data_points([point])


def test_an_interval_of_start_and_duration_counts_at_its_end() -> None:
    start = {"start_date_time": "2026-03-01T08:00:00Z"}
    point = heart_rate(time_interval={**start, "duration": {"value": 1.5, "unit": "min"}})
    (found,) = read_data_points([point])
    assert found.times == (datetime(2026, 3, 1, 8, 1, 30, tzinfo=UTC),)
    for wrong in ({"value": 1, "unit": "Mo"}, {"value": -1, "unit": "min"}):
        with pytest.raises(Misdeclared):
            read_data_points([heart_rate(time_interval={**start, "duration": wrong})])


ODD: tuple[Any, ...] = (None, 7, "text", [], [{}], {}, True, float("nan"))


def places(held: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(held, dict):
        return [path]
    return [path, *(p for name in held for p in places(held[name], (*path, name)))]


@pytest.mark.parametrize("path", [path for path in places(heart_rate()) if path])
def test_an_odd_value_anywhere_is_read_or_refused_and_nothing_else(path: tuple[str, ...]) -> None:
    for odd in ODD:
        point = heart_rate()
        place = point
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = odd
        try:
            read_data_points([point])
        except DeviceFileRefused:
            continue
