"""Training windows from a real record: what was known at an assessment, and the week it led to.

As in the simulated trial: the regimen holds for 28 days, and the home mean of the week around day
24 is the outcome. Windows of a patient do not overlap. Numbers only; ages above 90 are given as 90.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import choice, cohort, dosage, features
from models.literature import ONSET_DAYS
from services.clinical.patient import DoseChangeRecord, Snapshot
from services.clinical.readings import BloodPressure, Posture
from services.clinical.regimen import age_years
from services.clinical.research import PatientRecord

Array = NDArray[np.float64]

INTERVAL: Final = timedelta(days=28)
WEEK_FROM, WEEK_TO = timedelta(days=21), timedelta(days=28)
MIDDLE_DAYS: Final = 24.0
FEWEST_DAYS: Final = 3
# Source: 45 CFR 164.514(b)(2)(i)(C): all ages over 89 are one.
OLDEST_YEARS: Final = 90


@dataclass(frozen=True, slots=True)
class RecordWindows:
    """Makes the lines that `models.cohort` reads."""

    def header(self) -> Mapping[str, object]:
        """Return the first line."""
        return cohort.header("deidentified", wearable=True)

    def of(self, record: PatientRecord) -> Mapping[str, object] | None:
        """Return a patient's windows; None without any."""
        windows = list(_windows(record))[: cohort.WINDOWS_REFUSED]
        return {"windows": windows} if windows else None


def _windows(record: PatientRecord) -> Iterator[dict[str, Any]]:
    after: datetime | None = None
    for snapshot in record.snapshots:
        begins = snapshot.as_of
        if after is not None and begins < after:
            continue
        if any(begins < c.effective_at <= begins + INTERVAL for c in record.changes):
            continue
        observed = week_mean(record.readings, begins)
        if observed is None:
            continue
        yield window(snapshot, observed)
        after = begins + INTERVAL


def week_mean(readings: tuple[BloodPressure, ...], begins: datetime) -> float | None:
    """Return the mean systolic of the outcome week in mmHg, its first day left out; None: too few.

    Sitting readings, a mean of each of the patient's own days, as the trial measures.
    """
    by_day: dict[date, list[int]] = {}
    for reading in readings:
        if reading.posture is Posture.SITTING and (
            begins + WEEK_FROM <= reading.taken_at < begins + WEEK_TO
        ):
            by_day.setdefault(reading.taken_local.date(), []).append(reading.systolic_mmhg)
    days = [float(np.mean(values)) for _, values in sorted(by_day.items())][1:]
    return float(np.mean(days)) if len(days) >= FEWEST_DAYS else None


def window(snapshot: Snapshot, observed_mmhg: float) -> dict[str, Any]:
    """Return one window: scaled features, what the filter expects and its SD, the outcome."""
    now = snapshot.as_of
    posterior = dosage.observe(snapshot, now=now)
    x = features.of_snapshot(_at_most_90(snapshot), posterior, now=now)[0]
    target = dosage.effects(dosage.exposure_of(dosage.doses_now(snapshot.regimen)))
    target = target * posterior.taken_share
    kept = float(np.exp(-MIDDLE_DAYS / ONSET_DAYS))
    built = target + kept * (built_up(snapshot, now) * posterior.taken_share - target)
    row = dosage.row(built, posterior.mean[0])
    spread = np.hypot(dosage.spread(row, posterior.covariance), choice.WINDOW_SD_MMHG)
    return {
        "x": np.round(x, 4).tolist(),
        "mean": round(float(row @ posterior.mean), 4),
        "sd": round(float(spread), 4),
        "y": round(observed_mmhg, 3),
    }


def built_up(snapshot: Snapshot, now: datetime) -> Array:
    """Return the effect by class (classes,) mmHg that today's and earlier doses have by now.

    Before the first recorded change the doses are taken to have had their full effect.
    """
    doses = dosage.doses_now(snapshot.regimen)
    changes = sorted((c for c in snapshot.changes if c.effective_at <= now), key=_effective_at)
    for undone in reversed(changes):
        doses[undone.drug] = int(undone.from_ug)
    level = dosage.effects(dosage.exposure_of(doses))
    ends = [*(c.effective_at for c in changes[1:]), now]
    for change, end in zip(changes, ends, strict=False):
        doses[change.drug] = int(change.to_ug)
        target = dosage.effects(dosage.exposure_of(doses))
        days = (end - change.effective_at) / timedelta(days=1)
        level = target + (level - target) * float(np.exp(-days / ONSET_DAYS))
    return level


def _effective_at(change: DoseChangeRecord) -> datetime:
    return change.effective_at


def _at_most_90(snapshot: Snapshot) -> Snapshot:
    born, today = snapshot.birth_date, snapshot.as_of.date()
    if born is None or age_years(born, today) <= OLDEST_YEARS:
        return snapshot
    return replace(snapshot, birth_date=date(today.year - OLDEST_YEARS, 1, 1))
