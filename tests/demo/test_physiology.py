"""The made-up pressures scatter as real ones do, and the same seed is the same person."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import mean, pstdev

import pytest

from demo.history import local_zone
from demo.physiology import (
    DAY_AUTOCORRELATION,
    DAY_SD_SYSTOLIC,
    FIRST_DAY_SYSTOLIC,
    Level,
    day_effects,
    now_pair,
    week,
)

_LEVEL = Level(140, 85, 70)
_ZONE = local_zone(datetime(2026, 3, 2, 9, tzinfo=UTC))


def _days(count: int) -> list[date]:
    return [date(2026, 1, 1) + timedelta(days=n) for n in range(count)]


def test_the_same_seed_is_the_same_person_on_any_date() -> None:
    first = [e.systolic for e in day_effects(_days(60), seed="a")]
    later = [d + timedelta(days=400) for d in _days(60)]
    assert first == [e.systolic for e in day_effects(later, seed="a")]
    assert first != [e.systolic for e in day_effects(_days(60), seed="b")]


def test_days_scatter_and_resemble_their_neighbours_as_measured() -> None:
    effects = [e.systolic for e in day_effects(_days(4000), seed="long")]
    spread = pstdev(effects)
    neighbours = mean(a * b for a, b in pairwise(effects)) / spread**2
    assert spread == pytest.approx(DAY_SD_SYSTOLIC, rel=0.06)
    assert neighbours == pytest.approx(DAY_AUTOCORRELATION, abs=0.05)


def test_a_week_is_two_readings_twice_a_day_a_minute_apart() -> None:
    shown = list(week(_LEVEL, day_effects(_days(7), seed="w"), seed="w", zone=_ZONE))
    assert len(shown) == 28
    gaps = {b.taken_at - a.taken_at for a, b in zip(shown[::2], shown[1::2], strict=True)}
    assert gaps == {timedelta(minutes=1)}
    hours = {m.taken_at.hour for m in shown}
    assert hours <= {7, 19, 20}
    assert all(m.diastolic_mmhg < m.systolic_mmhg for m in shown)


def test_the_first_day_is_higher() -> None:
    rises = []
    for seed in range(300):
        effects = day_effects(_days(7), seed=str(seed))
        shown = list(week(_LEVEL, effects, seed=str(seed), zone=_ZONE))
        expected = [e.systolic for e in effects for _ in range(4)]
        scatter = [
            m.systolic_mmhg - _LEVEL.systolic_mmhg - e for m, e in zip(shown, expected, strict=True)
        ]
        rises.append(mean(scatter[:4]) - mean(scatter[4:]))
    assert mean(rises) == pytest.approx(FIRST_DAY_SYSTOLIC, abs=0.4)


def test_the_pair_of_now_is_near_the_persons_mean() -> None:
    first, second = now_pair(_LEVEL, seed="n")
    assert now_pair(_LEVEL, seed="n") == (first, second)
    assert abs(first[0] - 140) < 30 and first[1] < first[0]
