"""Training: within epsilon, useful on what can be learned, and charged again after kill -9."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import cohort, network, train
from models.ledger import BudgetSpent, Charge, Ledger
from models.privacy import Mechanism, Quantile
from models.train import Plan, PlanChanged, Run
from services import clock
from tests.models import cohorts

MECHANISM = Mechanism(sigma=2.0, rate=0.1, expected_batch=40)


def plan(windows: cohort.Cohort, **values: object) -> Plan:
    held = Plan("clinic", windows.sha256, 9.0, 60, 0.01, MECHANISM, Quantile())
    return replace(held, **values)  # type: ignore[arg-type]


@pytest.fixture
def windows(tmp_path: Path) -> cohort.Cohort:
    return cohort.read(cohorts.write(tmp_path / "c.jsonl", 400), at_least=400)


def test_a_private_run_learns_what_all_patients_share(
    windows: cohort.Cohort, tmp_path: Path
) -> None:
    run = Run(windows, plan(windows), Ledger(tmp_path / "l.jsonl"), tmp_path / "run")
    trained = run.finish(clock.now)

    def error(net: network.Network) -> float:
        predicted = train.predict(net, windows.features, windows.expected)
        return float(np.sqrt(np.mean((windows.observed - predicted) ** 2)))

    # The shift of 5 mmHg over a noise of 5 is all there is to learn: 7.1 falls towards 5.
    assert error(trained) < error(network.initial(1)) - 0.7


def test_the_spread_is_scored_on_any_window_and_on_one_a_patient(windows: cohort.Cohort) -> None:
    first = np.searchsorted(windows.patient, np.arange(windows.patients))
    windows.observed[first] = windows.expected[first] + 1_000.0
    scores = train.one_score_each(windows, network.initial(1))
    assert scores.shape == (windows.patients,)
    # One in three, of 400 patients: standard error 9.4.
    assert 95 < (scores > 100.0).sum() < 171


def test_last_layer_training_leaves_the_first_at_its_public_start(
    windows: cohort.Cohort, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    run = Run(windows, plan(windows, layers="last"), ledger, tmp_path / "run")
    trained = run.finish(clock.now)
    start = network.initial(run.plan.seed)
    assert np.array_equal(trained.hidden_weight, start.hidden_weight)
    assert np.array_equal(trained.hidden_bias, start.hidden_bias)
    assert np.abs(trained.output_weight).min() > 0
    # The shift that all patients share needs the last layer alone.
    predicted = train.predict(trained, windows.features, windows.expected)
    assert np.sqrt(np.mean((windows.observed - predicted) ** 2)) < 6.4
    held = train.read_plan(tmp_path / "run")
    assert held is not None and held.layers == "last"
    assert train.manifest(run, trained, 1.0).layers == "last"


def test_a_run_of_one_layer_is_not_gone_on_with_as_a_run_of_all(
    windows: cohort.Cohort, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    Run(windows, plan(windows, layers="last"), ledger, tmp_path / "run")
    with pytest.raises(PlanChanged):
        Run(windows, plan(windows), ledger, tmp_path / "run")


def test_every_step_is_charged_and_the_spread_too(windows: cohort.Cohort, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    run = Run(windows, plan(windows), ledger, tmp_path / "run")
    run.spread(run.finish(clock.now), clock.now())
    assert [c.steps for c in ledger.charges("clinic")] == [25, 25, 10, 1]


def test_no_step_is_made_that_cannot_be_charged(windows: cohort.Cohort, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.charge(Charge("clinic", "train", 1.0, 0.1, 100), limit=99.0, at=clock.now())
    run = Run(windows, plan(windows, epsilon=1.0), ledger, tmp_path / "run")
    with pytest.raises(BudgetSpent):
        run.finish(clock.now)
    assert run.step == 0


def test_a_folder_with_another_run_is_refused(windows: cohort.Cohort, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    Run(windows, plan(windows), ledger, tmp_path / "run")
    with pytest.raises(PlanChanged):
        Run(windows, plan(windows, steps=61), ledger, tmp_path / "run")


def test_the_plan_leaves_room_for_the_spread_and_a_crash(windows: cohort.Cohort) -> None:
    made = train.made(
        windows,
        population="clinic",
        epsilon=3.0,
        steps=50,
        learning_rate=0.01,
        held=[],
        mechanism=MECHANISM,
    )
    ledger_free = [made.charge(50 + train.SPARE_STEPS), made.quantile.charge("clinic", "spread")]
    from models.ledger import epsilon_of

    assert epsilon_of(ledger_free) <= 3.0


_CHILD = """
import sys
from pathlib import Path
from dataclasses import replace
from models import cohort
from models.ledger import Ledger
from models.privacy import Mechanism, Quantile
from models.train import Plan, Run
from services import clock
folder = Path(sys.argv[1])
windows = cohort.read(folder / "c.jsonl", at_least=400)
mechanism = Mechanism(sigma=2.0, rate=0.1, expected_batch=40)
plan = Plan("clinic", windows.sha256, 9.0, 100_000, 0.01, mechanism, Quantile())
run = Run(windows, plan, Ledger(folder / "l.jsonl"), folder / "run")
run.finish(clock.now, lambda step: print(step, flush=True))
"""


def test_a_run_killed_by_the_system_goes_on_and_pays_for_lost_steps(
    windows: cohort.Cohort, tmp_path: Path
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    while int(child.stdout.readline()) < 50:
        pass
    ledger = Ledger(tmp_path / "l.jsonl")
    # Killed with a block charged and not yet in the checkpoint.
    deadline = time.monotonic() + 60
    while sum(c.steps for c in ledger.charges()) <= 50 and time.monotonic() < deadline:
        pass
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    charged = sum(c.steps for c in ledger.charges())
    held = train.read_plan(tmp_path / "run")
    assert held is not None
    again = Run(windows, held, ledger, tmp_path / "run")
    assert 50 <= again.step < charged
    assert charged - again.step <= 2 * train.BLOCK_STEPS
    lost = charged - again.step
    before = len(ledger.charges())
    short = replace(held, steps=again.step + 25)
    (tmp_path / "run" / train.PLAN).unlink()
    resumed = Run(windows, short, ledger, tmp_path / "run")
    resumed.finish(clock.now)
    assert len(ledger.charges()) == before + 1
    assert sum(c.steps for c in ledger.charges()) == resumed.step + lost
