"""Charts: the fixed axis, the broken line, bands, diamonds, rules and last values."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from clinician_app import charts

DAYS: list[dict[str, Any]] = [
    {
        "day": f"2026-03-{day:02d}",
        "count": 0 if day == 4 else 4,
        "systolic_median": 140 + day,
        "systolic_p10": 130,
        "systolic_p90": 150,
        "diastolic_median": 85,
        "diastolic_p10": 80,
        "diastolic_p90": 90,
    }
    for day in range(1, 8)
]
TREND: dict[str, Any] = {
    "days": DAYS,
    "cuff": [{"at": "2026-03-01T07:00:00", "systolic": 141, "diastolic": 85}],
    "changes": [{"at": "2026-03-03T09:00:00", "label": "amlodipine 5→10 mg", "by_patient": False}],
    "target": {
        "systolic_from": 110,
        "systolic_below": 130,
        "diastolic_from": 65,
        "diastolic_below": 80,
    },
    "profile": [
        {
            "hour": 7,
            "count": 9,
            "systolic_median": 141,
            "diastolic_median": 85,
            "systolic_p05": 130,
            "systolic_p25": 135,
            "systolic_p75": 145,
            "systolic_p95": 150,
        }
    ],
}


def values(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [point for layer in spec["layer"] for point in layer["data"]["values"]]


def test_the_pressure_axis_is_fixed_at_50_to_190_and_clamped_in_every_layer() -> None:
    for spec in (
        charts.pressure_chart(TREND, height_px=300),
        charts.profile_chart(TREND, height_px=100),
    ):
        scales = [
            layer["encoding"]["y"]["scale"] for layer in spec["layer"] if "y" in layer["encoding"]
        ]
        assert scales
        assert all(s["domain"] == [50, 190] and s["clamp"] and not s["nice"] for s in scales)


def test_a_day_without_readings_breaks_the_line() -> None:
    medians = [v for v in values(charts.pressure_chart(TREND, height_px=300)) if "run" in v]
    runs = {v["noon"][:10]: v["run"] for v in medians}
    assert "2026-03-04" not in runs
    assert runs["2026-03-03"] != runs["2026-03-05"] == runs["2026-03-06"]


def test_the_last_value_stands_at_the_right_and_each_change_has_its_drug() -> None:
    labels = {
        v["label"] for v in values(charts.pressure_chart(TREND, height_px=300)) if "label" in v
    }
    assert labels == {
        "systolic 147",
        "diastolic 85",
        "target 110–129",
        "target 65–79",
        "amlodipine 5→10 mg",
    }


def test_without_target_or_changes_there_is_no_band_and_no_rule() -> None:
    bare = {**TREND, "target": None, "changes": []}
    labels = {
        v["label"] for v in values(charts.pressure_chart(bare, height_px=300)) if "label" in v
    }
    assert labels == {"systolic 147", "diastolic 85"}


def test_a_specification_is_plain_json() -> None:
    for spec in (
        charts.pressure_chart(TREND, height_px=300),
        charts.profile_chart(TREND, height_px=100),
    ):
        assert json.loads(json.dumps(spec, allow_nan=False)) == spec


def test_the_room_for_last_values_grows_with_the_days_shown() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    many = [{**DAYS[0], "day": f"{first + timedelta(days=d):%Y-%m-%d}"} for d in range(64)]
    spec = charts.pressure_chart({**TREND, "days": many}, height_px=300)
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"][1] == "2026-03-14T00:00:00"
