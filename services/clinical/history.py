"""What readings, changes and rhythm say, flattened for the rules."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from services.clinical.averaging import (
    DAYS_ABOVE_TO_COUNT,
    Average,
    InsufficientAverage,
    SufficientAverage,
    average_of,
    first_day_of_latest,
    oldest_counted,
    two_windows_of,
)
from services.clinical.formulary import FORMULARY, Drug
from services.clinical.patient import Condition, Snapshot, Target
from services.clinical.readings import CLOCK_AHEAD, BloodPressure, Posture
from services.clinical.regimen import last_change_at
from services.clinical.windows import TAKEN_AT, Sifted, covers, sift

# "No change on record" as a number of days: the loop's own record is complete.
NEVER_DAYS = 36_500
RECENT = timedelta(days=14)
# Source: AHA25 p3 severe, >180/120 [S]; taken as >= [D].
CRISIS_SYSTOLIC_MMHG = 180
CRISIS_DIASTOLIC_MMHG = 120
CRISIS_WINDOW = timedelta(hours=24)
# Standing pressure belongs to the sitting pressure of the same half hour; it is good for 90 days
# [D]. Source of the measurement: within 3 min of standing, at 1 and 3 min [V].
STANDING_SESSION = timedelta(minutes=30)
STANDING_MAX_AGE = timedelta(days=90)
# An irregular-rhythm flag stands until somebody has felt the pulse; in known atrial fibrillation
# that check lasts four weeks [D].
RHYTHM_CHECK_MAX_AGE = timedelta(days=28)
# Orthostatic hypotension: a fall of 20/10 within 3 min of standing, or a standing systolic under
# 90. Source: definition [V]; AHA25 p66 [S].
STANDING_FALL_MMHG = (20, 10)
STANDING_SYSTOLIC_MMHG = 90
IRREGULAR_READINGS_TO_FLAG = 2


_SITTING = Posture.SITTING


class History(NamedTuple):
    """Facts from readings and changes. Means and bounds are tenths of mmHg, others mmHg."""

    average: Average
    average_known: bool
    mean_systolic: int | None
    mean_diastolic: int | None
    lower_systolic: int | None
    lower_diastolic: int | None
    two_windows: bool
    typed_readings: int | None
    lowest_systolic: int | None
    crisis_recent: bool
    heart_rate: int | None
    standing_drop_systolic: int | None
    standing_drop_diastolic: int | None
    standing_systolic: int | None
    irregular_rhythm: bool
    rhythm_confirmed: bool
    device_changed: bool
    days_since_change: int
    days_since_slow_change: int


def in_order(readings: Sequence[BloodPressure]) -> list[BloodPressure]:
    """Return the readings oldest first."""
    return sorted(readings, key=TAKEN_AT)


def read_history(
    snapshot: Snapshot, now: datetime, ordered: list[BloodPressure] | None = None
) -> History:
    """Return the facts that readings and changes give. `ordered`: the readings, oldest first."""
    if ordered is None:
        ordered = in_order(snapshot.readings)
    changed_at = last_change_at(snapshot)
    mean, two_windows = _windows(ordered, now, changed_at, snapshot.target)
    known = mean if isinstance(mean, SufficientAverage) else None
    recent = ordered[bisect_left(ordered, now - RECENT, key=TAKEN_AT) :]
    until = now + CLOCK_AHEAD
    sitting = [r for r in recent if r.posture is Posture.SITTING and r.taken_at <= until]
    pulses = [r.pulse_bpm for r in sitting if r.pulse_bpm is not None]
    drop_systolic, drop_diastolic, standing = _standing(ordered, now)
    return History(
        average=mean,
        average_known=known is not None,
        mean_systolic=None if known is None else known.systolic_tenths,
        mean_diastolic=None if known is None else known.diastolic_tenths,
        lower_systolic=None if known is None else known.systolic_lower_tenths,
        lower_diastolic=None if known is None else known.diastolic_lower_tenths,
        two_windows=two_windows,
        typed_readings=None if known is None else known.typed_readings,
        lowest_systolic=min([r.systolic_mmhg for r in sitting], default=None),
        crisis_recent=_crisis_recent(sitting, now),
        heart_rate=sum(pulses) // len(pulses) if pulses else None,
        standing_drop_systolic=drop_systolic,
        standing_drop_diastolic=drop_diastolic,
        standing_systolic=standing,
        irregular_rhythm=_irregular(snapshot, sitting),
        rhythm_confirmed=_rhythm_confirmed(snapshot, now),
        device_changed=len({r.device_id for r in sitting}) > 1,
        days_since_change=_days_since(changed_at, now),
        days_since_slow_change=_days_since(_last_slow_change_at(snapshot), now),
    )


# A whole window and its slack, and two that follow one another: who measures every day for months
# is judged on these, and on all readings only where they do not hold what is looked for.
_ONE_WINDOW = timedelta(days=9)
_TWO_WINDOWS = timedelta(days=17)


def _windows(
    ordered: list[BloodPressure], now: datetime, changed_at: datetime | None, target: Target | None
) -> tuple[Average, bool]:
    """Return the average of the latest window, and whether two windows are above the target."""
    oldest = oldest_counted(now, changed_at)
    reach = _reach(ordered, oldest, now, _ONE_WINDOW)
    if not reach.complete and not covers(reach.sifted, reach.since):
        reach = _reach(ordered, oldest, now)
    mean = average_of(reach.sifted, now=now, last_change_at=changed_at, target=target)
    if isinstance(mean, InsufficientAverage):
        if not reach.complete:  # what it lacks is read from all that might have counted
            reach = _reach(ordered, oldest, now)
            mean = average_of(reach.sifted, now=now, last_change_at=changed_at, target=target)
        return mean, False
    # The rule can only act on a window that is itself above on four days.
    if target is None or (mean.days_above or 0) < DAYS_ABOVE_TO_COUNT:
        return mean, False
    if not reach.complete:
        reach = _reach(ordered, oldest, now, _TWO_WINDOWS)
    if not reach.complete and not reach.holds_earlier():
        reach = _reach(ordered, oldest, now)
    return mean, two_windows_of(reach.sifted, target, now)


class _Reach(NamedTuple):
    """Readings sifted from `since` on."""

    sifted: Sifted
    since: datetime
    complete: bool
    """No reading that may count lies before."""

    def holds_earlier(self) -> bool:
        """Say whether the window before the latest lies here as a whole, too."""
        start = first_day_of_latest(self.sifted)
        newest = max((day for day in self.sifted.days if day < start), default=None)
        return newest is not None and covers(self.sifted, self.since, newest=newest)


def _reach(
    ordered: list[BloodPressure], oldest: datetime, now: datetime, back: timedelta | None = None
) -> _Reach:
    """Sift the readings from `back` before the last one on; without it all that may count."""
    last_at = min(ordered[-1].taken_at, now) if ordered else now
    since = oldest if back is None else max(oldest, last_at - back)
    first = bisect_left(ordered, since, key=TAKEN_AT)
    sifted = sift(ordered[first:], Posture.SITTING, since, now)
    return _Reach(sifted, since, since == oldest or first == 0)


def _crisis_recent(sitting: list[BloodPressure], now: datetime) -> bool:
    day_ago = now - CRISIS_WINDOW
    return any([is_crisis(r) for r in sitting[bisect_left(sitting, day_ago, key=TAKEN_AT) :]])


def is_crisis(reading: BloodPressure) -> bool:
    """Say whether the reading is 180 systolic, 120 diastolic, or higher."""
    return (
        reading.systolic_mmhg >= CRISIS_SYSTOLIC_MMHG
        or reading.diastolic_mmhg >= CRISIS_DIASTOLIC_MMHG
    )


def _standing(
    readings: Sequence[BloodPressure], now: datetime
) -> tuple[int | None, int | None, int | None]:
    """Return the largest falls on standing and the lowest standing systolic of the last session."""
    standing = [
        r
        for r in readings
        if r.posture is not _SITTING
        and r.posture is not Posture.LYING
        and now - STANDING_MAX_AGE <= r.taken_at <= now + CLOCK_AHEAD
    ]
    if not standing:
        return None, None, None
    last_at = max(r.taken_at for r in standing)
    session = [r for r in standing if last_at - r.taken_at <= STANDING_SESSION]
    first_at = min(r.taken_at for r in session)
    sitting = [
        r
        for r in readings
        if r.posture is Posture.SITTING and first_at - STANDING_SESSION <= r.taken_at <= first_at
    ]
    lowest = min(r.systolic_mmhg for r in session)
    if not sitting:
        return None, None, lowest
    base = max(sitting, key=lambda r: r.taken_at)
    return (
        base.systolic_mmhg - lowest,
        base.diastolic_mmhg - min(r.diastolic_mmhg for r in session),
        lowest,
    )


def falls_on_standing(readings: Sequence[BloodPressure], now: datetime) -> bool:
    """Say whether the last standing session showed orthostatic hypotension."""
    fall_systolic, fall_diastolic, lowest = _standing(readings, now)
    systolic, diastolic = STANDING_FALL_MMHG
    return (
        (fall_systolic is not None and fall_systolic >= systolic)
        or (fall_diastolic is not None and fall_diastolic >= diastolic)
        or (lowest is not None and lowest < STANDING_SYSTOLIC_MMHG)
    )


def _irregular(snapshot: Snapshot, sitting: list[BloodPressure]) -> bool:
    """Say whether a rhythm flag, or two irregular pulses, came after the last manual check."""
    checked_at = snapshot.rhythm_checked_manually_at
    flags = [r.taken_at for r in sitting if r.irregular_pulse]
    flagged = len(flags) >= IRREGULAR_READINGS_TO_FLAG and (
        checked_at is None or max(flags) > checked_at
    )
    flag_at = snapshot.irregular_rhythm_flag_at
    return flagged or (flag_at is not None and (checked_at is None or flag_at > checked_at))


def _rhythm_confirmed(snapshot: Snapshot, now: datetime) -> bool:
    """Say whether a known atrial fibrillation, if any, was checked by hand of late."""
    checked_at = snapshot.rhythm_checked_manually_at
    return Condition.ATRIAL_FIBRILLATION not in snapshot.conditions or (
        checked_at is not None and timedelta() <= now - checked_at <= RHYTHM_CHECK_MAX_AGE
    )


def _last_slow_change_at(snapshot: Snapshot) -> datetime | None:
    """Return the last change of chlorthalidone or an MRA, which take four weeks."""
    moments = [c.effective_at for c in snapshot.changes if _is_slow(c.drug)]
    moments += [item.since for item in snapshot.regimen if _is_slow(item.drug)]
    return max(moments, default=None)


def _is_slow(drug: Drug) -> bool:
    return FORMULARY[drug].min_interval_days > 14


def _days_since(moment: datetime | None, now: datetime) -> int:
    return NEVER_DAYS if moment is None else (now - moment).days
