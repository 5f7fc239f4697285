"""Cuff sessions: what a wearable may be calibrated on, and what it saw beside each of them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, median

from services.clinical.patient import DoseChangeRecord, Prescription
from services.clinical.readings import BloodPressure, Posture, ReadingSource
from services.clinical.windows import fault, once_each
from services.signals.pressure import (
    LOG_LENGTH,
    Circumstances,
    Moment,
    Tracker,
    observe,
)

# Readings of one sitting are a minute or two apart: together they are one reference, or the second
# of a pair would make the first look well predicted. Source: CLINICAL §2, duplicates.
SITTING_LASTS = timedelta(minutes=10)
UNKNOWN = float("nan")


@dataclass(frozen=True, slots=True)
class CuffSession:
    """Readings of one sitting: when the first was taken, and their mean in mmHg."""

    at: datetime
    systolic_mmhg: float
    diastolic_mmhg: float


@dataclass(frozen=True, slots=True)
class SeenWindow:
    """One PPG window's features; None where one could not be measured."""

    at: datetime
    clock_id: str
    pulse_arrival_ms: float | None
    heart_rate_bpm: float | None
    quality: float | None
    irregular_rhythm: float | None


def sessions(readings: Iterable[BloodPressure]) -> tuple[CuffSession, ...]:
    """Return the latest sittings with the cuff, oldest first, `LOG_LENGTH` of them at most.

    Only what an average would count, and only what the monitor sent itself: one typed figure in
    seven is not the monitor's (CLINICAL §5, TASMIN-SR fidelity).
    """
    fit = [
        reading
        for reading in once_each(readings)
        if fault(reading, Posture.SITTING) is None and reading.source is ReadingSource.DEVICE
    ]
    sittings: list[list[BloodPressure]] = []
    for reading in fit:
        if sittings and reading.taken_at - sittings[-1][0].taken_at < SITTING_LASTS:
            sittings[-1].append(reading)
        else:
            sittings.append([reading])
    return tuple(
        CuffSession(
            sitting[0].taken_at,
            fmean(reading.systolic_mmhg for reading in sitting),
            fmean(reading.diastolic_mmhg for reading in sitting),
        )
        for sitting in sittings[-LOG_LENGTH:]
    )


def regimen_key(
    at: datetime, regimen: Sequence[Prescription], changes: Sequence[DoseChangeRecord]
) -> str:
    """Return what names the drugs and doses taken at a moment: when they last changed.

    A start, a dose, a pause or a stop is a change; none known before that moment: "".
    """
    moments = [change.effective_at for change in changes]
    moments += [item.since for item in regimen]
    moments += [item.paused_since for item in regimen if item.paused_since is not None]
    return max((moment for moment in moments if moment <= at), default=at.min).isoformat()


def moment_of(
    seen: Sequence[SeenWindow], at: datetime, regimen: str, *, worn_before: str | None
) -> Moment:
    """Return what the wearable saw at a moment of a patient who sits awake.

    Of several devices the one with most arrival times counts. Nothing seen: every feature is
    unknown, and the device is taken for the one worn before: it is not known to be another.
    """
    if not seen:
        here = Circumstances(regimen, worn_before or "", Posture.SITTING)
        return Moment(at, here, UNKNOWN, UNKNOWN, UNKNOWN, None, asleep=False)
    device = _device(seen)
    worn = [window for window in seen if window.clock_id == device]
    flags = [w.irregular_rhythm for w in worn if w.irregular_rhythm is not None]
    return Moment(
        at,
        Circumstances(regimen, device, Posture.SITTING),
        _median(window.pulse_arrival_ms for window in worn),
        _median(window.heart_rate_bpm for window in worn),
        _median(window.quality for window in worn),
        any(flag == 1.0 for flag in flags) if flags else None,
        asleep=False,
    )


def calibrated(course: Iterable[tuple[CuffSession, Moment]]) -> Tracker:
    """Return what was learned from sittings with the cuff, each predicted before it was used."""
    tracker = Tracker()
    for session, moment in course:
        tracker = observe(tracker, moment, (session.systolic_mmhg, session.diastolic_mmhg))
    return tracker


def _device(seen: Sequence[SeenWindow]) -> str:
    arrivals = Counter(w.clock_id for w in seen if w.pulse_arrival_ms is not None)
    windows = Counter(w.clock_id for w in seen)
    return max(windows, key=lambda clock_id: (arrivals[clock_id], windows[clock_id], clock_id))


def _median(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return median(known) if known else UNKNOWN
