"""Home pressures as they really scatter: days that resemble their neighbours, restless readings.

Everything here is made up by a seeded generator and labelled simulated wherever it goes.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import sqrt
from typing import Final

# Source: Ohasama, 1,215 people, 4 weeks: day-to-day SD of home morning systolic 8.6 mmHg [V].
DAY_SD_SYSTOLIC: Final = 8.6
# Source: day-to-day autocorrelation 0.3, as the averaging rules assume [D].
DAY_AUTOCORRELATION: Final = 0.3
# Source: Oxford, 2,122 people: the first day is 2.8/1.4 mmHg higher [V].
FIRST_DAY_SYSTOLIC: Final = 2.8
FIRST_DAY_DIASTOLIC: Final = 1.4
# Two readings a minute apart differ by a few mmHg, and the second is a little lower [K].
READING_SD_SYSTOLIC: Final = 4.0
READING_SD_DIASTOLIC: Final = 2.5
SECOND_READING: Final = -1.5
# Evening after the tablets' day: a little lower than the morning [K].
EVENING_SYSTOLIC: Final = -2.0
DIASTOLIC_SHARE: Final = 0.55
PULSE_SD: Final = 4.0

_MORNING: Final = time(7, 10)
_EVENING: Final = time(19, 40)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Level:
    """A person's long-term home mean, in mmHg and beats per minute."""

    systolic_mmhg: float
    diastolic_mmhg: float
    pulse_bpm: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What a monitor showed; `taken_at` is on the patient's own clock."""

    systolic_mmhg: int
    diastolic_mmhg: int
    pulse_bpm: int
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class DayEffect:
    """How far one day lies from the person's mean, in mmHg systolic."""

    day: date
    systolic: float


def day_effects(days: list[date], *, seed: str) -> tuple[DayEffect, ...]:
    """Return a first-order autoregressive series over consecutive days.

    The same seed and number of days always give the same series, whatever the dates.
    """
    chance = random.Random(f"{seed}/days")
    kept = sqrt(1 - DAY_AUTOCORRELATION**2) * DAY_SD_SYSTOLIC
    effects: list[DayEffect] = []
    here = chance.gauss(0, DAY_SD_SYSTOLIC)
    for day in days:
        effects.append(DayEffect(day, here))
        here = DAY_AUTOCORRELATION * here + chance.gauss(0, kept)
    return tuple(effects)


def week(
    level: Level, effects: tuple[DayEffect, ...], *, seed: str, zone: tzinfo
) -> Iterator[Measured]:
    """Yield one protocol week: twice in the morning before the tablets, twice in the evening."""
    chance = random.Random(f"{seed}/week/{len(effects)}")
    for place, effect in enumerate(effects):
        first = place == 0
        for start, shift in ((_MORNING, 0.0), (_EVENING, EVENING_SYSTOLIC)):
            at = datetime.combine(effect.day, start, tzinfo=zone)
            at += timedelta(minutes=chance.randrange(0, 25), seconds=chance.randrange(0, 60))
            for repeat in (0, 1):
                offset = effect.systolic + shift + SECOND_READING * repeat
                offset += FIRST_DAY_SYSTOLIC if first else 0.0
                yield _shown(level, offset, first, at + repeat * _MINUTE, chance)


def now_pair(level: Level, *, seed: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return (systolic, diastolic, pulse) of the two readings of this moment."""
    chance = random.Random(f"{seed}/now")
    effect = chance.gauss(0, DAY_SD_SYSTOLIC / 2)
    moment = datetime.min.replace(tzinfo=UTC)
    first = _shown(level, effect, False, moment, chance)
    second = _shown(level, effect + SECOND_READING, False, moment, chance)
    return _triple(first), _triple(second)


def _triple(one: Measured) -> tuple[int, int, int]:
    return one.systolic_mmhg, one.diastolic_mmhg, one.pulse_bpm


def _shown(
    level: Level, offset: float, first: bool, at: datetime, chance: random.Random
) -> Measured:
    systolic = level.systolic_mmhg + offset + chance.gauss(0, READING_SD_SYSTOLIC)
    diastolic = level.diastolic_mmhg + DIASTOLIC_SHARE * offset
    diastolic += chance.gauss(0, READING_SD_DIASTOLIC)
    if first:
        diastolic += FIRST_DAY_DIASTOLIC - DIASTOLIC_SHARE * FIRST_DAY_SYSTOLIC
    pulse = level.pulse_bpm + chance.gauss(0, PULSE_SD)
    # A monitor shows whole numbers and never a diastolic near the systolic.
    return Measured(
        systolic_mmhg=round(systolic),
        diastolic_mmhg=min(round(diastolic), round(systolic) - 15),
        pulse_bpm=max(40, round(pulse)),
        taken_at=at,
    )
