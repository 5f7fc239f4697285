"""What the correction network sees: one order, fixed public scales, missing as "average".

First the record (age, labs, cuff, doses, doses taken, the filter's own state), then what the
wearable says in the order of `services.signals.wearable`: beats, pulse, activity, and the course of
day and night. Scales are constants chosen in advance, never learned from patients: learning them
would spend privacy.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import dosage
from models.dosage import Posterior
from models.literature import CLASSES
from services.clinical.averaging import SufficientAverage, average
from services.clinical.patient import Lab, Sex, Snapshot
from services.clinical.regimen import age_years, last_change_at, latest_lab
from services.signals.wearable import WEARABLE_ORDER, WEARABLE_VERSION

Array = NDArray[np.float64]

# Name, centre, scale: (value - centre) / scale lies within about ±2 in adults [A].
_RECORD: Final = (
    ("age_years", 60.0, 13.0),
    ("female", 0.5, 0.5),
    ("egfr_ml_min", 85.0, 20.0),
    ("potassium_mmol_l", 4.2, 0.4),
    ("sodium_mmol_l", 140.0, 3.0),
    ("week_systolic_mmhg", 135.0, 12.0),
    ("week_diastolic_mmhg", 82.0, 9.0),
    ("week_bound_mmhg", 7.0, 3.0),
    ("taken_share", 0.9, 0.1),
    ("days_since_change", 60.0, 60.0),
    ("untreated_mmhg", 150.0, 12.0),
    ("untreated_sd_mmhg", 6.0, 3.0),
    ("surprise_mmhg", 0.0, 6.0),
    *((f"dose_{cls.value}_standard", 0.5, 0.7) for cls in CLASSES),
)
# Beats and milliseconds at rest in adults [A]; fractions and qualities lie within 0..1. A dip of
# 10-20 % is usual. Source: ESH 2014; the other figures of the day's course [A].
_WEARABLE_SCALE: Final = {
    "heart_rate_bpm": (70.0, 12.0),
    "pulse_rate_bpm": (70.0, 12.0),
    "mean_nn_ms": (860.0, 150.0),
    "sdnn_ms": (45.0, 25.0),
    "rmssd_ms": (35.0, 25.0),
    "poincare_sd1_ms": (25.0, 18.0),
    "poincare_sd2_ms": (55.0, 30.0),
    "pulse_arrival_ms": (250.0, 40.0),
    "pulse_arrival_spread_ms": (10.0, 8.0),
    "pulse_rise_ms": (140.0, 40.0),
    "pulse_width_ms": (350.0, 80.0),
    "perfusion_index_percent": (3.0, 2.0),
    # The logarithm of a width over an interval: about -1.5 in a regular rhythm, near 0 in none.
    "rr_entropy": (-1.2, 0.6),
    "motion_deviation_g": (0.05, 0.03),
    "activity_class": (1.0, 1.0),
    "heart_rate_day_bpm": (75.0, 12.0),
    "heart_rate_night_bpm": (63.0, 11.0),
    "heart_rate_dip_fraction": (0.14, 0.07),
    "rest_night_fraction": (0.95, 0.05),
    "motion_deviation_day_g": (0.06, 0.04),
    "motion_deviation_night_g": (0.008, 0.006),
}
RECORD_FEATURES: Final = tuple(name for name, _, _ in _RECORD)
FEATURES: Final = RECORD_FEATURES + WEARABLE_ORDER
# Raise the record's version whenever a name, a scale or a meaning of any feature here changes.
FEATURE_VERSION: Final = f"record-2+{WEARABLE_VERSION}"
SCALES: Final = (
    *_RECORD,
    *((name, *_WEARABLE_SCALE.get(name, (0.5, 0.5))) for name in WEARABLE_ORDER),
)
"""Name, centre and scale of every feature, in the order of `FEATURES`."""
_CENTRE: Final = np.array([centre for _, centre, _ in SCALES])
_SCALE: Final = np.array([scale for _, _, scale in SCALES])
_MOST: Final = 3.0
MOST_DAYS_SINCE_CHANGE: Final = 180.0


@dataclass(frozen=True, slots=True)
class Columns:
    """Record features before scaling, one array (patients,) each but `doses` (patients, classes).

    NaN means "not known".
    """

    age: Array
    female: Array
    egfr: Array
    potassium: Array
    sodium: Array
    systolic: Array
    diastolic: Array
    bound: Array
    taken_share: Array
    days_since_change: Array
    untreated: Array
    untreated_sd: Array
    surprise: Array
    doses: Array


def scaled(columns: Columns, wearable: Array | None = None) -> Array:
    """Return features (patients, len(FEATURES)) in units of the scales, within ±3, NaN as 0."""
    count = len(columns.age)
    if wearable is None:
        wearable = np.full((count, len(WEARABLE_ORDER)), np.nan)
    record = [
        columns.age,
        columns.female,
        columns.egfr,
        columns.potassium,
        columns.sodium,
        columns.systolic,
        columns.diastolic,
        columns.bound,
        columns.taken_share,
        np.minimum(columns.days_since_change, MOST_DAYS_SINCE_CHANGE),
        columns.untreated,
        columns.untreated_sd,
        columns.surprise,
    ]
    raw = np.concatenate([np.stack(record, 1), columns.doses, wearable], axis=1)
    within = np.clip((raw - _CENTRE) / _SCALE, -_MOST, _MOST)
    return np.asarray(np.nan_to_num(within, nan=0.0))


def masked(features: Array, *, wearable: bool) -> Array:
    """Return the features with the wearable's set to average unless the model has learned them.

    Weights that never saw a feature are noise: they must not see it for the first time in use.
    """
    if wearable:
        return features
    held = features.copy()
    held[:, len(RECORD_FEATURES) :] = 0.0
    return held


def of_snapshot(snapshot: Snapshot, posterior: Posterior, *, now: datetime) -> Array:
    """Return the scaled features (1, len(FEATURES)) of one patient."""
    changed_at = last_change_at(snapshot)
    mean = average(snapshot.readings, now=now, last_change_at=changed_at, target=snapshot.target)
    known = mean if isinstance(mean, SufficientAverage) else None
    doses = dosage.exposure_of(dosage.doses_now(snapshot.regimen))
    level = dosage.forecast(posterior, dosage.doses_now(snapshot.regimen)).mean_mmhg
    systolic = np.nan if known is None else known.systolic_tenths / 10
    born = snapshot.birth_date
    columns = Columns(
        age=_one(np.nan if born is None else age_years(born, now.date())),
        female=_one({Sex.FEMALE: 1.0, Sex.MALE: 0.0}.get(snapshot.sex, np.nan)),
        egfr=_one(_lab(snapshot, Lab.EGFR)),
        potassium=_one(_lab(snapshot, Lab.POTASSIUM)),
        sodium=_one(_lab(snapshot, Lab.SODIUM)),
        systolic=_one(systolic),
        diastolic=_one(np.nan if known is None else known.diastolic_tenths / 10),
        bound=_one(
            np.nan if known is None else (known.systolic_tenths - known.systolic_lower_tenths) / 10
        ),
        taken_share=_one(posterior.taken_share),
        days_since_change=_one(
            MOST_DAYS_SINCE_CHANGE if changed_at is None else (now - changed_at).days
        ),
        untreated=_one(float(posterior.mean[0])),
        untreated_sd=_one(float(posterior.covariance[0, 0]) ** 0.5),
        surprise=_one(systolic - level),
        doses=doses[None],
    )
    return scaled(columns, _worn(snapshot))


def _worn(snapshot: Snapshot) -> Array:
    """What another version of the signals measured is not known: its names mean something else."""
    same = snapshot.wearable_version == WEARABLE_VERSION
    held = dict(snapshot.wearable_features) if same else {}
    return np.array([[held.get(name, np.nan) for name in WEARABLE_ORDER]])


def _one(value: float) -> Array:
    return np.array([value], dtype=np.float64)


def _lab(snapshot: Snapshot, lab: Lab) -> float:
    result = latest_lab(snapshot, lab)
    return np.nan if result is None else result.value_thousandths / 1000
