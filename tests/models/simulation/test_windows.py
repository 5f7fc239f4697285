"""Windows recorded in a trial make a cohort file that training accepts, without a trace of who."""

import json
from pathlib import Path

import numpy as np

from models import cohort
from models.predict import FILTER_WIDEN
from models.simulation import trial
from models.simulation.legal import MoveBook
from models.simulation.policies import POLICIES
from models.simulation.trial import Design
from models.simulation.windows import Recorder
from models.simulation.worlds import WORLDS


def recorded() -> Recorder:
    recorder = Recorder(120)
    design = Design(120, 112, 28)
    trial.run(POLICIES["filter"], WORLDS["literature"], design, 3, MoveBook(), recorder)
    return recorder


def test_recorded_windows_are_a_cohort_file(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    cohort.write(path, cohort.header("simulated", wearable=True), recorded().patients())
    found = cohort.read(path, at_least=100)
    assert len(found.observed) > 250
    # The filter's own expectation of the next week is right on average and not far off.
    error = found.observed - found.expected
    assert abs(error.mean()) < 2.5 and error.std() < 11.0


def test_the_filters_80_percent_intervals_hold_80_percent_of_next_weeks() -> None:
    recorder = Recorder(600)
    design = Design(600, 140, 28)
    trial.run(POLICIES["filter"], WORLDS["literature"], design, 4, MoveBook(), recorder)
    counted = np.concatenate(recorder.counted)
    off = np.abs(np.concatenate(recorder.observed) - np.concatenate(recorder.expected))
    within = off <= FILTER_WIDEN * 1.2816 * np.concatenate(recorder.spread)
    # About 2,000 windows: standard error 1 point.
    assert 0.77 < within[counted].mean() < 0.84


def test_subject_ids_are_fresh_every_time() -> None:
    recorder = recorded()
    first, second = ([p["subject"] for p in recorder.patients()] for _ in range(2))
    assert not set(first) & set(second)
    assert json.dumps(first[0]) and len(first[0]) == 32


def test_recording_changes_nothing() -> None:
    design = Design(120, 112, 28)
    watched, alone = (
        trial.run(POLICIES["filter"], WORLDS["literature"], design, 3, MoveBook(), r)
        for r in (Recorder(120), None)
    )
    assert np.array_equal(watched.in_target_days, alone.in_target_days)
