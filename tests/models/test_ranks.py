"""Several processes make one private step: one sample, one noise, one charge, equal parameters."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.parallel import DistributedDataParallel

from models import checkpoint, cohort, gradients, network, privacy, ranks, train
from models.gradients import Correction
from models.ledger import BudgetSpent, Charge, Ledger
from models.privacy import Mechanism, Quantile
from models.ranks import RankLost, Ranks, RanksDiffer
from models.train import Plan, Run
from services import clock
from tests.models import cohorts

MECHANISM = Mechanism(sigma=2.0, rate=0.2, expected_batch=40)
PATIENTS = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes wrote that did everything below in turn: they are slow to start."""
    held = tmp_path_factory.mktemp("ranks")
    cohorts.write(held / "c.jsonl", PATIENTS)
    with pytest.raises(RanksDiffer, match="different parameters"):
        ranks.start(2, _everything, held)
    return held


def windows_in(folder: Path) -> cohort.Cohort:
    return cohort.read(folder / "c.jsonl", at_least=PATIENTS)


def plan_in(folder: Path, **values: object) -> Plan:
    made = Plan(
        "clinic", windows_in(folder).sha256, 9.0, 6, 0.01, replace(MECHANISM, sigma=0.0), Quantile()
    )
    return replace(made, **values)  # type: ignore[arg-type]


class Uncharged(Ledger):
    """For runs without noise on nobody's data."""

    def charge(self, charge: Charge, *, limit: float, at: object) -> float:
        return 0.0


def known_draws(seed: int) -> Callable[[int, float], NDArray[np.intp]]:
    chance = np.random.default_rng(seed)
    return lambda patients, rate: np.flatnonzero(chance.random(patients) < rate)


def _everything(among: Ranks, folder: Path) -> None:
    _known(among, folder)
    _noise_and_reach(among, folder)
    _refused(among, folder)
    among.check_equal(b"one" if among.first else b"other")
    (folder / "came_apart_unseen").touch()


def _known(among: Ranks, folder: Path) -> None:
    # Rank 1 would draw other patients: only rank 0's draw may count.
    setattr(privacy, "sampled", known_draws(1 if among.first else 2))  # noqa: B010
    plan = plan_in(folder)
    run = Run(windows_in(folder), plan, Uncharged(folder / "l"), folder / "two", among)
    trained = run.finish(clock.now)
    (folder / f"rank{among.rank}").write_bytes(checkpoint.packed(run._state))
    if among.first:
        np.save(folder / "two.npy", trained.output_weight)


def test_two_processes_without_noise_train_what_one_does(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (folder / "rank0").read_bytes() == (folder / "rank1").read_bytes()
    monkeypatch.setattr(privacy, "sampled", known_draws(1))
    run = Run(windows_in(folder), plan_in(folder), Uncharged(folder / "l"), folder / "one")
    alone = run.finish(clock.now).output_weight
    assert np.abs(alone).max() > 1e-3
    assert np.abs(np.load(folder / "two.npy") - alone).max() <= 1e-6


def _noise_and_reach(among: Ranks, folder: Path) -> None:
    """Record noise-only sums, what one patient of each draw adds, and torch's own reduction."""
    zero = np.zeros(2000)
    quiet = replace(MECHANISM, sigma=0.0)
    noise = [among.summed(ranks.contribution(zero, MECHANISM, among.rank)) for _ in range(20)]
    drawn = np.arange(41)
    taken = np.zeros(41)
    taken[ranks.part(drawn, among.rank, among.size)] = 1.0
    times = among.summed(ranks.contribution(taken, quiet, among.rank)) * quiet.expected_batch
    ours, theirs = _both_reductions(among)
    if among.first:
        np.savez(folder / "seen.npz", noise=noise, times=times, ours=ours, theirs=theirs)


def _both_reductions(among: Ranks) -> tuple[np.ndarray, np.ndarray]:
    draw = torch.Generator().manual_seed(3 + among.rank)
    model = Correction(network.initial(1))
    width = model.hidden.weight.shape[1]
    packed = torch.randn(12, width + 1, generator=draw)
    observed = torch.randn(12, generator=draw)
    done = gradients.backward(model, packed[:, :width], packed[:, -1], observed)
    weight = privacy.weights(done.norms(), torch.arange(12) // 3, 4, 0.3)
    ours = among.summed(checkpoint.flat(done.weighted(weight), "all"))
    wrapped = DistributedDataParallel(model)
    total = (weight * gradients.loss(wrapped(packed), observed)).sum()
    total.backward()  # type: ignore[no-untyped-call]
    held = {n: p.grad * among.size for n, p in model.named_parameters() if p.grad is not None}
    return ours, checkpoint.flat(held, "all")


def test_the_noise_is_added_once_and_every_patient_counted_once(folder: Path) -> None:
    seen = np.load(folder / "seen.npz")
    claimed = MECHANISM.noise_sd / MECHANISM.expected_batch
    # 40,000 numbers: the standard error of their SD is 0.35 %.
    assert seen["noise"].std() == pytest.approx(claimed, rel=0.015)
    assert seen["times"].tolist() == pytest.approx([1.0] * 41)
    # torch's DistributedDataParallel averages; times the ranks it is the same sum.
    assert np.abs(seen["ours"]).max() > 0.01
    assert np.allclose(seen["ours"], seen["theirs"], rtol=1e-5, atol=1e-6)


def test_processes_that_came_apart_are_refused_by_name(folder: Path) -> None:
    assert not (folder / "came_apart_unseen").exists()


def _refused(among: Ranks, folder: Path) -> None:
    ledger = Ledger(folder / "spent.jsonl")
    if among.first:
        ledger.charge(Charge("clinic", "train", 1.0, 0.1, 100), limit=99.0, at=clock.now())
    held = plan_in(folder, epsilon=1.0, mechanism=MECHANISM)
    run = Run(windows_in(folder), held, ledger, folder / "refused", among)
    with pytest.raises(BudgetSpent):
        run.finish(clock.now)
    (folder / f"refused{among.rank}").write_text(str(run.step))


def test_a_budget_that_is_spent_stops_all_processes(folder: Path) -> None:
    assert [(folder / f"refused{rank}").read_text() for rank in (0, 1)] == ["0", "0"]
    assert len(Ledger(folder / "spent.jsonl").charges()) == 1


def test_a_killed_rank_stops_all_and_the_run_goes_on_and_charges_again(tmp_path: Path) -> None:
    path = cohorts.write(tmp_path / "c.jsonl", PATIENTS)
    ledger, run = Ledger(tmp_path / "l.jsonl"), tmp_path / "run"
    held = plan_in(tmp_path, steps=100_000, mechanism=MECHANISM)
    with ThreadPoolExecutor(1) as pool:
        both = pool.submit(train.together, 2, path, held, ledger, run)
        while not (run / train.CHECKPOINT).exists() and not both.done():
            time.sleep(0.02)
        last = max(int(child.pid or 0) for child in multiprocessing.active_children())
        os.kill(last, signal.SIGKILL)
        with pytest.raises(RankLost, match="run the same command again"):
            both.result(timeout=120)
    charged = [c.steps for c in ledger.charges()]
    step = Run(windows_in(tmp_path), held, ledger, run).step
    # One charge of a block for both processes; at most one block was charged and is lost.
    assert step >= 25 and len(charged) - step // 25 in (0, 1)
    (run / train.PLAN).unlink()
    resumed = Run(windows_in(tmp_path), replace(held, steps=step + 10), ledger, run)
    resumed.finish(clock.now)
    assert [c.steps for c in ledger.charges()] == [*charged, 10]


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_every_sampled_patient_falls_to_exactly_one_rank(size: int) -> None:
    drawn = np.flatnonzero(np.random.default_rng(size).random(100) < 0.3)
    parts = [ranks.part(drawn, rank, size) for rank in range(size)]
    assert sorted(np.concatenate(parts)) == drawn.tolist()
