"""Windows of home readings: which readings count, on which day, and which week they make.

A window is the seven calendar days (the patient's own) that end with the last counted reading.
Its first day with readings is dropped, mornings and evenings count apart, and at most two readings
of each half-day count, so that a run of repeats after a bad reading cannot carry the average.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from services.clinical.readings import BloodPressure, Posture, ReadingSource

# Source: ESH practice [V, PMC8030885 table 3]: 7 days, not fewer than 3, average at least 12
# readings after discarding day 1; AHA25 p17 [S]: two readings, morning and evening.
WINDOW_DAYS = 7
MIN_COUNTED_READINGS = 12
MIN_COUNTED_DAYS = 3
READINGS_PER_HALF_DAY = 2
# Morning is before the drugs, evening before dinner, on the patient's clock, in minutes of the day;
# the evening ends with the day. Source: CLINICAL §2 rules for code: 04:00-11:59, 16:00-23:59.
MORNING_MINUTES = (4 * 60, 12 * 60)
EVENING_FROM_MINUTE = 16 * 60

# A typed time is whole minutes: the same figures closer than this are one measurement sent twice
# [D]. A second measurement comes a minute later or more. Source: AHA25 p17 [S].
ONE_MEASUREMENT = timedelta(seconds=60)

_MINUTES_A_DAY = 24 * 60

TAKEN_AT = attrgetter("taken_at")
"""The order of readings."""


class Day(NamedTuple):
    """What was counted on one local day; `ordinal` counts local days."""

    ordinal: int
    mornings: list[BloodPressure]
    evenings: list[BloodPressure]


class Sifted(NamedTuple):
    """Readings that may count, by local day; why others may not; when the last was taken."""

    days: dict[int, Day]
    excluded: tuple[str, ...]
    last_at: datetime | None


def fault(reading: BloodPressure, posture: Posture) -> str | None:
    """Return why a reading may not count: "" for no named reason, None when it may."""
    if reading.posture is not posture:
        return ""
    if reading.device_validated is not True:
        return "validated_device"
    if reading.cuff_fits is not True:
        return "fitting_cuff"
    # Oscillometric averages are unreliable in an irregular pulse; many monitors say nothing of
    # the rhythm, so that only a reported irregularity excludes.
    return "regular_pulse" if reading.irregular_pulse else None


def once_each(readings: Iterable[BloodPressure]) -> list[BloodPressure]:
    """Return each measurement once, oldest first: sent by the monitor and typed, it is one.

    Readings of one posture, pressure and pulse (or a pulse left out) under a minute apart are one
    measurement; the monitor's own record of it is kept.
    """
    kept: list[BloodPressure] = []
    edge: datetime | None = None
    swapped = False
    for reading in sorted(readings, key=TAKEN_AT):
        # Most readings are a minute or more after the one before: no copy to look for.
        place = None if edge is None or reading.taken_at >= edge else _copy_of(reading, kept)
        if place is None:
            kept.append(reading)
            edge = reading.taken_at + ONE_MEASUREMENT
        elif kept[place].source is ReadingSource.TYPED and reading.source is ReadingSource.DEVICE:
            kept[place] = reading
            edge = reading.taken_at + ONE_MEASUREMENT
            swapped = True
    return sorted(kept, key=TAKEN_AT) if swapped else kept


def _copy_of(reading: BloodPressure, kept: list[BloodPressure]) -> int | None:
    """Return where among the last minute of kept readings the same measurement stands, or None."""
    for place in range(len(kept) - 1, -1, -1):
        if reading.taken_at - kept[place].taken_at >= ONE_MEASUREMENT:
            return None
        if _same_figures(reading, kept[place]):
            return place
    return None


def _same_figures(one: BloodPressure, other: BloodPressure) -> bool:
    pulses = {one.pulse_bpm, other.pulse_bpm} - {None}
    return (
        one.systolic_mmhg == other.systolic_mmhg
        and one.diastolic_mmhg == other.diastolic_mmhg
        and one.posture is other.posture
        and len(pulses) < 2
    )


def sift(
    readings: Iterable[BloodPressure], posture: Posture, oldest: datetime, now: datetime
) -> Sifted:
    """Sort the readings of [oldest, now] that may count into local days.

    A moment measured twice counts once, and so does one measurement uploaded twice.
    """
    days: dict[int, Day] = {}
    excluded: set[str] = set()
    last_at: datetime | None = None
    for reading in once_each([r for r in readings if oldest <= r.taken_at <= now]):
        if (
            reading.posture is posture
            and reading.device_validated is True
            and reading.cuff_fits is True
            and not reading.irregular_pulse
        ):
            if reading.taken_at != last_at:
                last_at = reading.taken_at
                _place(reading, days)
        else:
            excluded.add(fault(reading, posture) or "")
    return Sifted(days, tuple(sorted(excluded - {""})), last_at)


def _place(reading: BloodPressure, days: dict[int, Day]) -> None:
    """Put a reading into its half-day; those at other hours are casual and are left out."""
    minutes = int(reading.taken_at.timestamp() // 60)
    ordinal, minute = divmod(minutes + reading.utc_offset_minutes, _MINUTES_A_DAY)
    if MORNING_MINUTES[0] <= minute < MORNING_MINUTES[1]:
        _day(ordinal, days).mornings.append(reading)
    elif minute >= EVENING_FROM_MINUTE:
        _day(ordinal, days).evenings.append(reading)


def _day(ordinal: int, days: dict[int, Day]) -> Day:
    day = days.get(ordinal)
    if day is None:
        day = days[ordinal] = Day(ordinal, [], [])
    return day


def covers(sifted: Sifted, since: datetime, *, newest: int | None = None) -> bool:
    """Say whether readings sifted from `since` on hold the whole window that ends with `newest`.

    `newest` is a local day; None: the last one. Two days of slack, as a patient's own day may begin
    or end more than half a day before or after the universal one.
    """
    if newest is None:
        newest = max(sifted.days, default=None)
    if newest is None:
        return False
    return newest - WINDOW_DAYS + 1 - int(since.timestamp() // (60 * _MINUTES_A_DAY)) >= 2


def latest_window(sifted: Sifted, *, before: int | None = None) -> list[Day]:
    """Return the counted days of the latest window ending before `before`, newest first."""
    ordinals = [o for o in sifted.days if before is None or o < before]
    if not ordinals:
        return []
    ordinals.sort(reverse=True)
    start = ordinals[0] - WINDOW_DAYS + 1
    inside = [sifted.days[ordinal] for ordinal in ordinals if ordinal >= start]
    return [_capped(day) for day in inside[:-1]]


def _capped(day: Day) -> Day:
    """Return the day with the first two readings of each half."""
    if max(len(day.mornings), len(day.evenings)) <= READINGS_PER_HALF_DAY:
        return day
    return Day(day.ordinal, _first(day.mornings), _first(day.evenings))


def _first(readings: list[BloodPressure]) -> list[BloodPressure]:
    return sorted(readings, key=TAKEN_AT)[:READINGS_PER_HALF_DAY]


def shortfall(window: list[Day]) -> tuple[str, ...]:
    """Name what the counted days lack; empty when they make an average."""
    mornings = sum([len(day.mornings) for day in window])
    evenings = sum([len(day.evenings) for day in window])
    lacks = (
        (mornings + evenings < MIN_COUNTED_READINGS, "readings"),
        (len(window) < MIN_COUNTED_DAYS, "days"),
        (mornings == 0, "morning_readings"),
        (evenings == 0, "evening_readings"),
    )
    return tuple([name for lacking, name in lacks if lacking])


def is_stale(sifted: Sifted, now: datetime, max_age: timedelta) -> bool:
    """Say whether the last reading is older than `max_age`."""
    return sifted.last_at is not None and now - sifted.last_at > max_age
