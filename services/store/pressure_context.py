"""The wearable's pressure estimate from the record: context for a clinician, never a reading.

It is worked out when it is asked for and stored nowhere, so that nothing can take it for a
measurement. At most `LOG_LENGTH` sittings with the cuff and `MOST_BESIDE` windows beside each are
looked at. A wearable does not know the posture: at rest by day is taken for sitting awake, which
is one more reason why the estimate may ask for a cuff reading and no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.clinical.readings import CLOCK_AHEAD, BloodPressure
from services.signals.circadian import DAY_HOURS
from services.signals.cuff_sessions import (
    CuffSession,
    SeenWindow,
    calibrated,
    moment_of,
    regimen_key,
    sessions,
)
from services.signals.features import FEATURE_VERSION
from services.signals.pressure import Abstained, CuffOnly, Estimated, Moment, Tracker, estimate
from services.store import patients, readings, regimen
from services.store.patient_clock import PatientClock
from services.store.transaction import Transaction
from services.store.wearable import column, feature_orders

READINGS_LOOK_BACK = timedelta(days=90)
RECENT = timedelta(hours=24)
TREND_LOOK_BACK = timedelta(days=14)
# Five minutes of rest come before a cuff reading, and a reading lasts a minute (CLINICAL §2).
BESIDE_BEFORE, BESIDE_AFTER = timedelta(minutes=10), timedelta(minutes=5)
MOST_BESIDE = 30
STEP = timedelta(minutes=15)
# A day's median needs so many quarter hours. [D]
LEAST_OF_A_DAY = 3

_BESIDE = """
SELECT span.place, seen.*
  FROM unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
       WITH ORDINALITY AS span(began, ended, place)
 CROSS JOIN LATERAL (
   SELECT f.started_at, w.clock_id, {arrival} AS arrival, {rate} AS rate, {quality} AS quality,
          {irregular} AS irregular, {rest} AS rest
     FROM window_features f JOIN windows w ON w.window_id = f.window_id
    WHERE f.subject_id = :subject_id AND f.started_at >= span.began AND f.started_at < span.ended
      AND f.feature_version = :version AND w.signal = 'ppg'
    ORDER BY f.started_at LIMIT :most) AS seen
 ORDER BY span.place, seen.started_at"""
_LATEST = """
SELECT max(started_at) AS at FROM window_features
 WHERE subject_id = :subject_id AND started_at > :since AND started_at < :until
   AND feature_version = :version AND {rest} = 1.0 AND {rate} IS NOT NULL
 GROUP BY date_bin(:step, started_at, TIMESTAMPTZ '2000-01-01Z') ORDER BY at DESC"""
_ARRIVALS = """
SELECT date_bin(:step, f.started_at, TIMESTAMPTZ '2000-01-01Z') AS began, w.clock_id,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY {arrival}) AS arrival_ms
  FROM window_features f JOIN windows w ON w.window_id = f.window_id
 WHERE f.subject_id = :subject_id AND f.started_at >= :since AND f.started_at < :until
   AND f.feature_version = :version AND w.signal = 'ppg' AND {arrival} IS NOT NULL
 GROUP BY began, w.clock_id ORDER BY began"""


@dataclass(frozen=True, slots=True)
class ArrivalDay:
    """The median pulse arrival time of one of the patient's days, on the device worn now."""

    day: date
    arrival_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class PressureContext:
    """What the wearable says beyond the last cuff reading; `tracker` holds how it did so far."""

    outcome: Estimated | CuffOnly | Abstained
    tracker: Tracker
    last_session: CuffSession
    at: datetime


@dataclass(frozen=True, slots=True)
class _Patient:
    """What the estimate takes from the record beside the windows."""

    patient_id: str
    names: Sequence[str]
    clock: PatientClock
    taken: tuple[BloodPressure, ...]


async def read(tx: Transaction, patient_id: str, *, now: datetime) -> PressureContext | None:
    """Return the estimate at the latest daytime rest since the last cuff reading.

    None when there is nothing newer than the cuff: no sitting, or no rest by day worn since, in
    the last `RECENT`.
    """
    patient = await _patient(tx, patient_id, now=now)
    held = () if patient is None else sessions(patient.taken)
    if patient is None or not held:
        return None
    at = await _latest_rest(tx, patient, since=max(held[-1].at, now - RECENT), now=now)
    if at is None:
        return None
    orders = await regimen.current(tx, patient_id), await regimen.changes(tx, patient_id)
    spans = [(item.at - BESIDE_BEFORE, item.at + BESIDE_AFTER) for item in held]
    beside = await _beside(tx, patient, spans)
    course: list[tuple[CuffSession, Moment]] = []
    worn_before: str | None = None
    for session, seen in zip(held, beside, strict=True):
        key = regimen_key(session.at, *orders)
        moment = moment_of(seen, session.at, key, worn_before=worn_before)
        worn_before = moment.circumstances.device_id
        course.append((session, moment))
    tracker = calibrated(course)
    end = at + timedelta(microseconds=1)
    [seen] = await _beside(tx, patient, [(at - BESIDE_BEFORE, end)], at_rest=True)
    moment = moment_of(seen, at, regimen_key(at, *orders), worn_before=worn_before)
    return PressureContext(estimate(tracker, moment), tracker, held[-1], at)


async def arrival_days(
    tx: Transaction, patient_id: str, *, now: datetime
) -> tuple[ArrivalDay, ...]:
    """Return the daytime arrival time of each of the last days, of the device worn last.

    Another device's delay is another, so that its days are not compared. Days with too few
    quarter hours are left out.
    """
    patient = await _patient(tx, patient_id, now=now)
    if patient is None:
        return ()
    query = text(_ARRIVALS.format(arrival=column(patient.names, "pulse_arrival_ms", of="f.")))
    given = _given(tx, patient, since=now - TREND_LOOK_BACK, now=now)
    rows = (await tx.session.execute(query, {**given, "step": STEP})).all()
    by_day = [
        (patient.clock.local(row.began).date(), row.arrival_ms)
        for row in rows
        if row.clock_id == rows[-1].clock_id and _is_day(patient.clock, row.began)
    ]
    days = [(day, [ms for _, ms in each]) for day, each in groupby(by_day, lambda item: item[0])]
    return tuple(ArrivalDay(d, median(ms)) for d, ms in days if len(ms) >= LEAST_OF_A_DAY)


async def _patient(tx: Transaction, patient_id: str, *, now: datetime) -> _Patient | None:
    names = (await feature_orders(tx)).get(FEATURE_VERSION)
    if names is None:
        return None
    zone = ZoneInfo((await patients.get(tx, patient_id)).timezone)
    taken = await readings.between(
        tx, patient_id, now - READINGS_LOOK_BACK, now + timedelta(microseconds=1)
    )
    return _Patient(patient_id, names, PatientClock(taken, zone), taken)


def _is_day(clock: PatientClock, at: datetime) -> bool:
    return DAY_HOURS[0] <= clock.local_hour(at) < DAY_HOURS[1]


async def _latest_rest(
    tx: Transaction, patient: _Patient, *, since: datetime, now: datetime
) -> datetime | None:
    """When the patient last rested by day with a measured heart rate, after `since`."""
    wanted = {"rest": "rest", "rate": "heart_rate_bpm"}
    query = text(_LATEST.format(**{k: column(patient.names, n) for k, n in wanted.items()}))
    given = {**_given(tx, patient, since=since, now=now), "step": STEP}
    rows = (await tx.session.execute(query, given)).all()
    return next((row.at for row in rows if _is_day(patient.clock, row.at)), None)


async def _beside(
    tx: Transaction,
    patient: _Patient,
    spans: Sequence[tuple[datetime, datetime]],
    *,
    at_rest: bool = False,
) -> list[list[SeenWindow]]:
    """Return the PPG windows of each span [start, end), a few of them at most."""
    wanted = {
        "arrival": "pulse_arrival_ms",
        "rate": "heart_rate_bpm",
        "quality": "quality_rate",
        "irregular": "irregular_rhythm",
        "rest": "rest",
    }
    columns = {key: column(patient.names, name, of="f.") for key, name in wanted.items()}
    given = {
        "subject_id": tx.subject_id(patient.patient_id),
        "version": FEATURE_VERSION,
        "starts": [start for start, _ in spans],
        "ends": [end for _, end in spans],
        "most": MOST_BESIDE,
    }
    found: list[list[SeenWindow]] = [[] for _ in spans]
    for row in (await tx.session.execute(text(_BESIDE.format(**columns)), given)).all():
        if not at_rest or row.rest == 1.0:
            found[row.place - 1].append(
                SeenWindow(
                    row.started_at,
                    row.clock_id,
                    row.arrival,
                    row.rate,
                    row.quality,
                    row.irregular,
                )
            )
    return found


def _given(
    tx: Transaction, patient: _Patient, *, since: datetime, now: datetime
) -> dict[str, object]:
    return {
        "subject_id": tx.subject_id(patient.patient_id),
        "since": since,
        "until": now + CLOCK_AHEAD,
        "version": FEATURE_VERSION,
    }
