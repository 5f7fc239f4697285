"""What readings, changes and rhythm say, flattened for the rules."""

from datetime import datetime, timedelta
from typing import NamedTuple

from services.clinical.averaging import (
    DAYS_ABOVE_TO_COUNT,
    Average,
    SufficientAverage,
    average_of,
    reach_back,
    two_windows_of,
)
from services.clinical.formulary import FORMULARY, Drug
from services.clinical.patient import Condition, Snapshot, Target
from services.clinical.readings import CLOCK_AHEAD, BloodPressure, Posture
from services.clinical.regimen import last_change_at
from services.clinical.windows import Sifted

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


def read_history(snapshot: Snapshot, now: datetime) -> History:
    """Return the facts that readings and changes give."""
    changed_at = last_change_at(snapshot)
    sifted = reach_back(snapshot.readings, now=now, last_change_at=changed_at)
    mean = average_of(sifted, now=now, last_change_at=changed_at, target=snapshot.target)
    known = mean if isinstance(mean, SufficientAverage) else None
    since = now - RECENT
    until = now + CLOCK_AHEAD
    sitting = [
        r
        for r in snapshot.readings
        if since <= r.taken_at <= until and r.posture is Posture.SITTING
    ]
    pulses = [r.pulse_bpm for r in sitting if r.pulse_bpm is not None]
    day_ago = now - CRISIS_WINDOW
    drop_systolic, drop_diastolic, standing = _standing(snapshot.readings, now)
    return History(
        average=mean,
        average_known=known is not None,
        mean_systolic=None if known is None else known.systolic_tenths,
        mean_diastolic=None if known is None else known.diastolic_tenths,
        lower_systolic=None if known is None else known.systolic_lower_tenths,
        lower_diastolic=None if known is None else known.diastolic_lower_tenths,
        two_windows=_two_windows(sifted, known, snapshot.target, now),
        typed_readings=None if known is None else known.typed_readings,
        lowest_systolic=min([r.systolic_mmhg for r in sitting], default=None),
        crisis_recent=any([r.taken_at >= day_ago and is_crisis(r) for r in sitting]),
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


def is_crisis(reading: BloodPressure) -> bool:
    """Say whether the reading is 180 systolic, 120 diastolic, or higher."""
    return (
        reading.systolic_mmhg >= CRISIS_SYSTOLIC_MMHG
        or reading.diastolic_mmhg >= CRISIS_DIASTOLIC_MMHG
    )


def _two_windows(
    sifted: Sifted, known: SufficientAverage | None, target: Target | None, now: datetime
) -> bool:
    # The rule can only act on a window that is itself above on four days.
    if known is None or target is None or (known.days_above or 0) < DAYS_ABOVE_TO_COUNT:
        return False
    return two_windows_of(sifted, target, now)


def _standing(
    readings: tuple[BloodPressure, ...], now: datetime
) -> tuple[int | None, int | None, int | None]:
    """Return the largest falls on standing and the lowest standing systolic of the last session."""
    standing = [
        r
        for r in readings
        if r.posture is not Posture.SITTING
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


def falls_on_standing(readings: tuple[BloodPressure, ...], now: datetime) -> bool:
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
