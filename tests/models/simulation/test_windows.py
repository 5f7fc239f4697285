"""Windows recorded in a trial make a cohort file that training accepts, without a trace of who."""

import json
from pathlib import Path

import numpy as np

from models import choice, cohort
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


def test_the_filters_intervals_hold_and_low_pressure_comes_no_oftener_than_it_says() -> None:
    recorder = Recorder(3_000)
    design = Design(3_000, 140, 28)
    trial.run(POLICIES["filter"], WORLDS["literature"], design, 4, MoveBook(), recorder)
    counted = np.concatenate(recorder.counted)
    expected, observed = (
        np.concatenate(held)[counted] for held in (recorder.expected, recorder.observed)
    )
    spread = np.concatenate(recorder.spread)[counted]
    within = np.abs(observed - expected) <= choice.WIDEN * 1.2816 * spread
    assert 0.79 < within.mean() < 0.83, "80 % intervals"
    own = np.sqrt(spread**2 - choice.WINDOW_SD_MMHG**2)
    said = choice.terms(expected, own, 130.0)[1].mean()
    came = (observed < choice.LOW_MMHG).mean()
    # Of some 10,000 weeks a few dozen are low.
    assert 0.0005 < came < said < 0.01


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
