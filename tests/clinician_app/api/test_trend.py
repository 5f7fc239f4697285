"""The trend: daily medians, bands, gaps and figures, from sitting cuff readings only."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinician_app.api.trend import Course, percentile, sparkline, summarise, summary
from services.clinical.formulary import Drug
from services.clinical.patient import Adherence, DoseChangeRecord, Target
from services.clinical.readings import BloodPressure, Posture
from services.clinical.units import Micrograms, Mmhg

NOW = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)


def at(days_ago: int, hour: int, systolic: int, **more: object) -> BloodPressure:
    taken = (NOW - timedelta(days=days_ago)).replace(hour=hour)
    fields = {
        "reading_id": f"{days_ago}-{hour}-{systolic}",
        "systolic_mmhg": Mmhg(systolic),
        "diastolic_mmhg": Mmhg(systolic - 50),
        "pulse_bpm": 70,
        "taken_at": taken,
        "utc_offset_minutes": 0,
        "received_at": taken,
        "device_validated": True,
        "cuff_fits": True,
        "irregular_pulse": False,
    }
    return BloodPressure(**{**fields, **more})  # type: ignore[arg-type]


def course(*readings: BloodPressure, **more: object) -> Course:
    fields = {"changes": (), "target": Target(130, 80), "adherence": None}
    return Course(tuple(readings), **{**fields, **more})  # type: ignore[arg-type]


def test_a_day_without_readings_is_a_gap_and_not_a_zero() -> None:
    trend = summarise(course(at(1, 7, 140), at(3, 7, 150)), days=7, now=NOW)
    assert [day.systolic_median for day in trend.days] == [None, None, None, 150, None, 140, None]
    assert [day.count for day in trend.days] == [0, 0, 0, 1, 0, 1, 0]
    assert sparkline(course(at(1, 7, 140)).readings, days=3, now=NOW) == [None, 140, None]


def test_standing_readings_are_not_counted() -> None:
    standing = at(1, 7, 90, posture=Posture.STANDING_1_MIN)
    trend = summarise(course(standing, at(1, 8, 140)), days=7, now=NOW)
    assert [day.count for day in trend.days][-2:] == [1, 0]
    assert trend.summary.am_systolic == 140


def test_days_and_hours_are_the_patients_own() -> None:
    late = at(2, 23, 140, utc_offset_minutes=120)
    trend = summarise(course(late), days=7, now=NOW)
    assert [hour.hour for hour in trend.profile] == [1]
    counted = [day.day.day for day in trend.days if day.count]
    assert counted == [19]


def test_the_week_stands_beside_the_week_before() -> None:
    found = summary(
        course(at(1, 7, 128), at(1, 20, 132), at(9, 7, 140), adherence=Adherence(26, 28)), now=NOW
    )
    assert (found.am_systolic, found.pm_systolic, found.am_change) == (128, 132, -12)
    assert found.pm_change is None
    assert found.doses_taken_percent == 93
    assert found.in_target_before_percent == 0


def test_nothing_known_gives_nothing() -> None:
    found = summary(course(target=None), now=NOW)
    known = found.model_dump(exclude={"readings_7_days"})
    assert set(known.values()) == {None}
    assert summarise(course(target=None), days=7, now=NOW).target is None


def test_an_hour_with_few_readings_has_a_median_and_no_bands() -> None:
    few = summarise(course(at(1, 7, 140), at(2, 7, 150)), days=14, now=NOW).profile[0]
    many = summarise(course(*(at(d, 7, 130 + d) for d in range(1, 8))), days=14, now=NOW).profile[0]
    assert (few.systolic_median, few.systolic_p05) == (145, None)
    assert many.systolic_p05 is not None and many.systolic_p95 is not None
    assert many.systolic_p05 < many.systolic_median < many.systolic_p95


@pytest.mark.parametrize(
    ("from_ug", "to_ug", "label"),
    [
        (2_500, 5_000, "amlodipine 2.5→5 mg"),
        (0, 5_000, "+ amlodipine 5 mg"),
        (5_000, 0, "stop amlodipine"),
    ],
)
def test_a_dose_change_is_marked_with_its_drug(from_ug: int, to_ug: int, label: str) -> None:
    record = DoseChangeRecord(
        Drug.AMLODIPINE, Micrograms(from_ug), Micrograms(to_ug), NOW - timedelta(days=3), True, None
    )
    old = DoseChangeRecord(
        Drug.AMLODIPINE, Micrograms(0), Micrograms(2_500), NOW - timedelta(days=99), True, None
    )
    trend = summarise(course(at(1, 7, 140), changes=(old, record)), days=30, now=NOW)
    assert [mark.label for mark in trend.changes] == [label]


@given(st.lists(st.integers(60, 250), min_size=1, max_size=30), st.floats(0, 1))
def test_a_percentile_lies_between_the_extremes(values: list[int], share: float) -> None:
    assert min(values) <= percentile(values, share) <= max(values)
    assert percentile(values, 0) == min(values) and percentile(values, 1) == max(values)
