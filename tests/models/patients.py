"""Snapshots for the model's tests: a known world gives the readings, nothing else is random."""

from datetime import UTC, date, datetime, timedelta

import numpy as np

from services.clinical.formulary import Drug
from services.clinical.patient import (
    Adherence,
    ConsentPurpose,
    DoseChangeRecord,
    Pregnancy,
    Prescription,
    Sex,
    Snapshot,
    Target,
)
from services.clinical.readings import BloodPressure
from services.clinical.units import Micrograms, Mmhg

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TARGET = Target(systolic_below_mmhg=130, diastolic_below_mmhg=80)


def readings(means_mmhg: list[float], *, seed: int, sd_mmhg: float = 8.6) -> list[BloodPressure]:
    """One morning and one evening reading a day, the last day being yesterday."""
    chance = np.random.default_rng(seed)
    first = NOW - timedelta(days=len(means_mmhg))
    found = []
    for number, mean in enumerate(means_mmhg):
        day = mean + chance.normal(0.0, sd_mmhg)
        for hour in (7, 19):
            at = first.replace(hour=hour) + timedelta(days=number)
            systolic = int(np.clip(round(day + chance.normal(0.0, 3.0)), 80, 240))
            found.append(
                BloodPressure(
                    reading_id=f"r{number}-{hour}",
                    systolic_mmhg=Mmhg(systolic),
                    diastolic_mmhg=Mmhg(round(systolic * 0.6)),
                    pulse_bpm=70,
                    taken_at=at,
                    utc_offset_minutes=0,
                    received_at=at,
                )
            )
    return found


def prescription(drug: Drug, dose_ug: int, *, days_ago: int = 200) -> Prescription:
    return Prescription(drug, Micrograms(dose_ug), 1, NOW - timedelta(days=days_ago), "order-1")


def changed(drug: Drug, before_ug: int, after_ug: int, *, days_ago: int) -> DoseChangeRecord:
    at = NOW - timedelta(days=days_ago)
    return DoseChangeRecord(drug, Micrograms(before_ug), Micrograms(after_ug), at, False, None)


def snapshot(
    means_mmhg: list[float],
    regimen: tuple[Prescription, ...] = (),
    changes: tuple[DoseChangeRecord, ...] = (),
    *,
    seed: int = 1,
    sd_mmhg: float = 8.6,
) -> Snapshot:
    return Snapshot(
        patient_id="p",
        as_of=NOW,
        birth_date=date(1966, 1, 1),
        sex=Sex.MALE,
        deceased=False,
        consent=frozenset(ConsentPurpose),
        regimen=regimen,
        other_medicines=(),
        medicines_complete=True,
        conditions=frozenset(),
        conditions_complete=True,
        intolerances=(),
        intolerances_complete=True,
        pregnancy=Pregnancy.NOT_APPLICABLE,
        labs=(),
        pending_labs=(),
        readings=tuple(readings(means_mmhg, seed=seed, sd_mmhg=sd_mmhg)),
        symptoms=(),
        adherence=Adherence(28, 28),
        weights=(),
        changes=changes,
        target=TARGET,
        open_alarm=False,
        halted=False,
    )
