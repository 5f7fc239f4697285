"""What the wearable says of a patient, from stored window features: context, never a reading.

PostgreSQL adds the windows up: who wears three streams has 60,000 of them in a week, and an
assessment must not carry them. Only features of this program's version count, so that one mean
never holds two meanings; windows of another version are as good as not measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import select, text

from services.clinical.readings import CLOCK_AHEAD
from services.signals.circadian import COURSES, course_features
from services.signals.features import FEATURE_VERSION
from services.signals.wearable import WEARABLE_VERSION
from services.store.patient_clock import PatientClock
from services.store.tables.measurements import FEATURE_NAMES
from services.store.transaction import Transaction

CONTEXT = timedelta(hours=24)
FLAG_LOOK_BACK = timedelta(days=14)
COURSE_LOOK_BACK = timedelta(days=7)
# Windows are averaged by quarter hour, so that one long recording is not a whole day. Source: the
# interval of ambulatory monitoring, 15-30 min (ESH 2014); the least counts are of such moments.
COURSE_STEP = timedelta(minutes=15)

# At most so many windows are looked at in each: some minutes of one or several streams.
MOST_IN_A_STEP = 12
# A grade names the purposes that a window is fit for, joined by "+" (workflows/window_features.py).
IRREGULAR = "irregular_rhythm"

_MEANS = text("""
SELECT place, avg(value) AS mean
  FROM window_features, unnest(features) WITH ORDINALITY AS measured(value, place)
 WHERE subject_id = :subject_id AND started_at >= :since AND started_at < :until
   AND feature_version = :version AND value IS NOT NULL
 GROUP BY place""")
_MOMENTS = """
SELECT began, {means}
  FROM generate_series(CAST(:since AS timestamptz), CAST(:until AS timestamptz), :step) AS began
 CROSS JOIN LATERAL (
   SELECT features FROM window_features
    WHERE subject_id = :subject_id AND started_at >= began AND started_at < began + :step
      AND feature_version = :version
    ORDER BY started_at LIMIT :most) AS seen
 GROUP BY began"""
_FLAG = """
SELECT max(started_at) FROM window_features
 WHERE subject_id = :subject_id AND started_at >= :since AND ({irregular})
   AND 'rhythm' = ANY (string_to_array(grade, '+'))"""


@dataclass(frozen=True, slots=True)
class Worn:
    """Context for a snapshot. `features`: by name, in order of the names; empty: not worn.

    `version` says what the names mean; None without features.
    """

    features: tuple[tuple[str, float], ...]
    version: str | None
    irregular_at: datetime | None


async def worn(tx: Transaction, patient_id: str, *, clock: PatientClock, now: datetime) -> Worn:
    """Return the means of the last day, the course of the last week, and the rhythm flag."""
    orders = await feature_orders(tx)
    flagged = await _irregular_at(tx, patient_id, orders, since=now - FLAG_LOOK_BACK)
    names = orders.get(FEATURE_VERSION)
    if names is None:
        return Worn((), None, flagged)
    found = {
        **await _means(tx, patient_id, names, now=now),
        **await _course(tx, patient_id, names, clock=clock, now=now),
    }
    return Worn(tuple(sorted(found.items())), WEARABLE_VERSION if found else None, flagged)


async def feature_orders(tx: Transaction) -> dict[str, list[str]]:
    """Return the names of the features of every version that was ever stored, in their order."""
    rows = (await tx.session.execute(select(FEATURE_NAMES))).all()
    return {row.feature_version: row.names for row in rows}


def column(names: Sequence[str], name: str, *, of: str = "") -> str:
    """Return the SQL of one feature; a version that lacks it has NULL there."""
    return f"{of}features[{names.index(name) + 1}]" if name in names else "NULL::float8"


async def _irregular_at(
    tx: Transaction, patient_id: str, orders: Mapping[str, Sequence[str]], *, since: datetime
) -> datetime | None:
    """When a window fit for judging rhythm last showed an irregular one, in any version."""
    versions = [version for version, names in orders.items() if IRREGULAR in names]
    if not versions:
        return None
    irregular = " OR ".join(
        f"(feature_version = :v{place} AND {column(orders[version], IRREGULAR)} = 1.0)"
        for place, version in enumerate(versions)
    )
    given = {
        "subject_id": tx.subject_id(patient_id),
        "since": since,
        **{f"v{place}": version for place, version in enumerate(versions)},
    }
    query = text(_FLAG.format(irregular=irregular))
    at: datetime | None = (await tx.session.execute(query, given)).scalar()
    return at


async def _means(
    tx: Transaction, patient_id: str, names: Sequence[str], *, now: datetime
) -> Mapping[str, float]:
    """The mean of each feature over the last day; what could not be trusted has no value."""
    rows = (await tx.session.execute(_MEANS, _span(tx, patient_id, CONTEXT, now))).all()
    return {names[row.place - 1]: row.mean for row in rows}


async def _course(
    tx: Transaction,
    patient_id: str,
    names: Sequence[str],
    *,
    clock: PatientClock,
    now: datetime,
) -> Mapping[str, float]:
    """The course of the last days on the patient's own clock, from means of quarter hours."""
    means = ", ".join(f"avg({column(names, name)}) AS {name}" for name in COURSES)
    span = _span(tx, patient_id, COURSE_LOOK_BACK, now)
    given = {**span, "step": COURSE_STEP, "most": MOST_IN_A_STEP}
    query = text(_MOMENTS.format(means=means))
    rows = (await tx.session.execute(query, given)).all()
    hours = np.array([clock.local_hour(row.began) for row in rows], dtype=np.float64)
    measures = {
        name: np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in COURSES
    }
    return dict(course_features(measures, hours))


def _span(
    tx: Transaction, patient_id: str, look_back: timedelta, now: datetime
) -> dict[str, object]:
    return {
        "subject_id": tx.subject_id(patient_id),
        "since": now - look_back,
        "until": now + CLOCK_AHEAD,
        "version": FEATURE_VERSION,
    }
