"""Home readings of one week, and the averages that the guard's facts are made of.

A week ends the evening before a decision: two readings each morning and evening, some missed, and
a check of standing pressure beside a sitting one. The sums follow `services.clinical.averaging`
to the digit; a test compares them on the same readings.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.simulation.body import Body
from models.simulation.people import Bools, Floats, Ints
from models.simulation.sickness import DRY_STANDING_MMHG
from services.clinical.averaging import (
    DAYS_ABOVE_TO_COUNT,
    MAX_GAP_BETWEEN_WINDOWS_DAYS,
    SETTLING,
)
from services.clinical.readings import BloodPressure
from services.clinical.windows import MIN_COUNTED_DAYS, MIN_COUNTED_READINGS, WINDOW_DAYS

READINGS_A_DAY: Final = 4
# Two readings a minute apart differ by about this much [A].
_READING_SD_MMHG: Final = 4.0
_EVENING_MMHG: Final = -2.0
_EVENING: Final = np.array([0.0, 0.0, _EVENING_MMHG, _EVENING_MMHG])
# Source: day 1 is higher by 2.8/1.4 mmHg (Oxford, n = 2,122) [V].
_FIRST_DAY_MMHG: Final = (2.8, 1.4)
_SE_FACTOR_HUNDREDTHS: Final = 136
_BOUND_HUNDREDTHS: Final = 164


class Week:
    """Readings of one week; shapes (patients, 7, 4) and, for the standing check, (patients,)."""

    def __init__(self, count: int, first_day: int) -> None:
        shape = (count, WINDOW_DAYS, READINGS_A_DAY)
        self.first_day = first_day
        self.systolic: Ints = np.zeros(shape, dtype=np.int64)
        self.diastolic: Ints = np.zeros(shape, dtype=np.int64)
        self.present: Bools = np.zeros(shape, dtype=np.bool_)
        self.pulse: Ints = np.zeros(count, dtype=np.int64)
        self.checked: Bools = np.zeros(count, dtype=np.bool_)
        self.sitting: tuple[Ints, Ints] = (self.pulse, self.pulse)
        self.standing: tuple[Ints, Ints] = (self.pulse, self.pulse)
        self._skipped: Bools = np.zeros(count, dtype=np.bool_)
        self.charted: dict[int, list[BloodPressure]] = {}
        """Readings by patient as the chart has them, oldest first, once the week is over."""

    @property
    def check_day(self) -> int:
        """The day of the standing check."""
        return self.first_day + 4

    def measure(self, body: Body) -> None:
        """Take today's readings. Draws the same number of random values whatever happened."""
        chance, place, count = body.chance, body.place, len(self.checked)
        at = body.day - 1 - self.first_day
        missed = chance.random((count, READINGS_A_DAY), dtype=np.float32)
        if at == 0:
            self._skipped = chance.random(count) < body.world.week_missed
        self.present[:, at] = (missed >= body.world.reading_missed) & ~self._skipped[:, None]
        noise = place.of(chance.standard_normal((2, count, READINGS_A_DAY), dtype=np.float32))
        first = _FIRST_DAY_MMHG if at == 0 else (0.0, 0.0)
        evening = place.of(_EVENING)
        day = body.day_here() + body.here.cuff_bias + first[0]
        systolic = day[:, None] + evening + _READING_SD_MMHG * noise[0]
        self.systolic[:, at] = _within(place.whole(systolic))
        level = body.diastolic_here() + 0.6 * (day - body.latent_here())
        low = level[:, None] + 0.6 * evening + 0.6 * _READING_SD_MMHG * noise[1]
        diastolic = _within(place.whole(low), least=35)
        self.diastolic[:, at] = np.minimum(diastolic, self.systolic[:, at] - 8)
        if body.day - 1 == self.check_day:
            self._stand_up(body, place.host(day), place.host(level))

    def _stand_up(self, body: Body, systolic: Floats, diastolic: Floats) -> None:
        chance, people, count = body.chance, body.people, len(systolic)
        noise = chance.normal(0.0, 3.0, (2, count))
        self.pulse = np.rint(body.pulse() + noise[0]).astype(np.int64).clip(40, 130)
        self.checked = ~self._skipped
        sitting = _cuff(systolic)
        self.sitting = (sitting, np.minimum(_cuff(diastolic, least=35), sitting - 8))
        drop = people.standing_drop + DRY_STANDING_MMHG * body.sickness.dry + noise[1]
        standing = _cuff(sitting - drop, least=60)
        self.standing = (
            standing,
            np.minimum(_cuff(self.sitting[1] - 0.3 * drop, least=30), standing - 8),
        )


def _cuff(pressure: Floats, least: int = 70) -> Ints:
    return _within(np.rint(pressure).astype(np.int64), least)


def _within(shown: Ints, least: int = 70) -> Ints:
    """Return what a cuff shows at all."""
    return shown.clip(least, 250)


@dataclass(frozen=True, slots=True)
class Averages:
    """Of one week and what went before. Tenths of mmHg; meaningless where `known` is false."""

    known: Bools
    systolic: Ints
    diastolic: Ints
    systolic_lower: Ints
    diastolic_lower: Ints
    two_windows: Bools
    day_systolic: Ints
    """(patients, 7) means of each day."""
    day_present: Bools
    """(patients, 7): the day has readings, settled or not."""


@dataclass(frozen=True, slots=True)
class _Window:
    """Counted days of a week after a change has settled."""

    enough: Bools
    any: Bools
    counted: Bools
    newest: Ints
    days_systolic: Ints
    days_diastolic: Ints


def _window(week: Week, changed: Ints) -> _Window:
    days = week.first_day + np.arange(WINDOW_DAYS)
    settled = days >= (changed + SETTLING.days)[:, None]
    present = week.present & settled[:, :, None]
    has: Bools = np.asarray(present.any(2))
    # The first day with readings is dropped.
    counted = has & (np.cumsum(has, axis=1) > 1)
    kept = present & counted[:, :, None]
    mornings, evenings = kept[:, :, :2].sum((1, 2)), kept[:, :, 2:].sum((1, 2))
    enough = (
        (mornings + evenings >= MIN_COUNTED_READINGS)
        & (counted.sum(1) >= MIN_COUNTED_DAYS)
        & (mornings > 0)
        & (evenings > 0)
    )
    newest = week.first_day + WINDOW_DAYS - 1 - np.argmax(has[:, ::-1], axis=1)
    systolic, diastolic = (_day_means(v, week.present) for v in (week.systolic, week.diastolic))
    return _Window(np.asarray(enough), np.asarray(has.any(1)), counted, newest, systolic, diastolic)


def _day_means(values: Ints, present: Bools) -> Ints:
    count = np.maximum(present.sum(2), 1)
    total = (values * present).sum(2)
    return np.asarray((20 * total + count) // (2 * count))


def averages(weeks: list[Week], changed: Ints, target: tuple[int, int]) -> Averages:
    """Return the average of the last week; `changed` is the day of each patient's last change.

    `target` is systolic and diastolic in tenths of mmHg. Weeks lie 14 days apart or more.
    """
    window = _window(weeks[-1], changed)
    kept = weeks[-1].present & window.counted[:, :, None]
    systolic, diastolic = (_week_mean(v, kept) for v in (weeks[-1].systolic, weeks[-1].diastolic))
    lower = [
        mean - -(-_BOUND_HUNDREDTHS * _standard_error(days, window.counted) // 100)
        for mean, days in (
            (systolic, window.days_systolic),
            (diastolic, window.days_diastolic),
        )
    ]
    both = window.enough & _two_windows(window, weeks[:-1], changed, target)
    present: Bools = np.asarray(weeks[-1].present.any(2))
    return Averages(
        window.enough, systolic, diastolic, lower[0], lower[1], both, window.days_systolic, present
    )


def _week_mean(values: Ints, kept: Bools) -> Ints:
    count = np.maximum(kept.sum((1, 2)), 1)
    return np.asarray((20 * (values * kept).sum((1, 2)) + count) // (2 * count))


def _standard_error(days_tenths: Ints, counted: Bools) -> Ints:
    """SD of the daily means / √days × 1.36, rounded up to a tenth, in whole numbers."""
    days = np.maximum(counted.sum(1), 2)
    values = days_tenths * counted
    spread = days * (values**2).sum(1) - values.sum(1) ** 2
    numerator = _SE_FACTOR_HUNDREDTHS**2 * spread
    denominator = 100**2 * days * days * (days - 1)
    whole = np.floor(np.sqrt(np.maximum(numerator // denominator, 0))).astype(np.int64)
    return np.asarray(np.where(whole * whole * denominator == numerator, whole, whole + 1))


def _two_windows(
    latest: _Window, earlier: list[Week], changed: Ints, target: tuple[int, int]
) -> Bools:
    """Say whether this and the settled week before it each have four or more days above target."""
    start = latest.newest - WINDOW_DAYS + 1
    found = np.zeros(len(changed), dtype=np.bool_)
    searching = np.ones(len(changed), dtype=np.bool_)
    for week in reversed(earlier):
        window = _window(week, changed)
        newest_counted = week.first_day + WINDOW_DAYS - 1 - np.argmax(window.counted[:, ::-1], 1)
        near = start - newest_counted <= MAX_GAP_BETWEEN_WINDOWS_DAYS
        good = window.enough & near & _above(latest, window, target)
        found |= searching & window.any & good
        searching &= ~window.any
    return found


def _above(latest: _Window, earlier: _Window, target: tuple[int, int]) -> Bools:
    counts = [
        np.minimum(
            ((now > limit) & latest.counted).sum(1), ((then > limit) & earlier.counted).sum(1)
        )
        for now, then, limit in (
            (latest.days_systolic, earlier.days_systolic, target[0]),
            (latest.days_diastolic, earlier.days_diastolic, target[1]),
        )
    ]
    return np.asarray(np.maximum(*counts) >= DAYS_ABOVE_TO_COUNT)
