"""Windows from a real record: the right week, held regimens, no identifier."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from models import cohort, dosage, features
from models.features import FEATURES, RECORD_FEATURES
from models.record_windows import RecordWindows, built_up, week_mean, window
from services.clinical.formulary import Drug
from services.clinical.patient import DoseChangeRecord, Snapshot
from services.clinical.readings import BloodPressure
from services.clinical.research import PatientRecord
from services.clinical.units import Mmhg
from services.signals.wearable import WEARABLE_VERSION
from tests.models.patients import NOW, changed, prescription, snapshot

REGIMEN = (prescription(Drug.AMLODIPINE, 5_000),)
PATIENT = snapshot([150.0] * 40, REGIMEN)
LINES = RecordWindows()


def later(day: int, systolic: int) -> BloodPressure:
    at = NOW + timedelta(days=day)
    return replace(
        PATIENT.readings[0],
        reading_id=f"l{day}-{systolic}",
        systolic_mmhg=Mmhg(systolic),
        taken_at=at,
        received_at=at,
    )


WEEK = tuple(later(day, 140 + day % 2) for day in range(21, 28))


def record(*snapshots: Snapshot, **more: object) -> PatientRecord:
    held = PatientRecord(snapshots or (PATIENT,), WEEK, (), ())
    return replace(held, **more)  # type: ignore[arg-type]


def windows(held: PatientRecord) -> list[dict[str, object]]:
    line = LINES.of(held)
    found = [] if line is None else line["windows"]
    assert isinstance(found, list)
    return found


def test_the_outcome_is_the_week_around_day_24_without_its_first_day() -> None:
    early, late = (later(20, 200),), (later(28, 200),)
    assert week_mean((*early, *WEEK, *late), NOW) == pytest.approx(
        np.mean([140 + d % 2 for d in range(22, 28)])
    )


def test_too_few_days_are_no_outcome() -> None:
    assert week_mean(WEEK[:3], NOW) is None
    assert week_mean(WEEK[:4], NOW) is not None
    assert windows(record(readings=WEEK[:3])) == []


def test_a_regimen_that_changes_within_the_interval_makes_no_window() -> None:
    at = NOW + timedelta(days=10)
    change = replace(changed(Drug.AMLODIPINE, 5_000, 10_000, days_ago=0), effective_at=at)
    assert windows(record(changes=(change,))) == []
    after = replace(change, effective_at=NOW + timedelta(days=29))
    assert len(windows(record(changes=(after,)))) == 1


def test_windows_do_not_overlap() -> None:
    again = replace(PATIENT, as_of=NOW + timedelta(days=7))
    assert len(windows(record(PATIENT, again))) == 1


def test_features_and_terms_are_those_that_the_ranker_sees() -> None:
    worn = replace(
        PATIENT,
        wearable_features=(
            ("heart_rate_bpm", 88.0),
            ("heart_rate_dip_fraction", 0.07),
            ("rest", 0.75),
        ),
        wearable_version=WEARABLE_VERSION,
    )
    held = window(worn, 141.0)
    posterior = dosage.observe(worn, now=NOW)
    seen = features.of_snapshot(worn, posterior, now=NOW)[0]
    np.testing.assert_allclose(held["x"], seen, atol=1e-4)
    names = ("heart_rate_bpm", "heart_rate_dip_fraction", "rest")
    assert [held["x"][FEATURES.index(name)] for name in names] == pytest.approx([1.5, -1.0, 0.5])
    assert not any(window(PATIENT, 141.0)["x"][len(RECORD_FEATURES) :]), "not worn is average"
    level = dosage.forecast(posterior, dosage.doses_now(REGIMEN)).mean_mmhg
    assert held["mean"] == pytest.approx(level, abs=0.01)
    assert held["sd"] > 0


@pytest.mark.parametrize("days_ago", [1, 9, 40])
def test_a_changed_dose_has_built_up_as_the_filter_has_it(days_ago: int) -> None:
    change: DoseChangeRecord = changed(Drug.AMLODIPINE, 5_000, 10_000, days_ago=days_ago)
    regimen = (prescription(Drug.AMLODIPINE, 10_000, days_ago=days_ago),)
    ours = built_up(snapshot([150.0] * 60, regimen, (change,)), NOW)
    before, after = (
        dosage.effects(dosage.exposure_of({Drug.AMLODIPINE: dose})) for dose in (5_000, 10_000)
    )
    np.testing.assert_allclose(ours, after + (before - after) * np.exp(-days_ago / 9.0), rtol=0.02)


def test_nobody_is_given_as_older_than_90() -> None:
    old, older = (replace(PATIENT, birth_date=date(year, 1, 1)) for year in (1936, 1924))
    assert window(old, 140.0)["x"] == window(older, 140.0)["x"]
    assert window(PATIENT, 140.0)["x"] != window(old, 140.0)["x"]


def test_training_reads_what_was_written(tmp_path: Path) -> None:
    line = LINES.of(record())
    assert line is not None
    patient = {"subject": "ab" * 16, "consent": "research", **line}
    cohort.write(tmp_path / "c.jsonl", dict(LINES.header()), [patient])
    read = cohort.read(tmp_path / "c.jsonl", at_least=1)
    assert read.patients == 1 and len(read.observed) == 1
    assert read.observed[0] == pytest.approx(140.5, abs=0.5)
