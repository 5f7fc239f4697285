"""Private training: every step is charged before it is made, and a killed run goes on.

Steps come in blocks. A block is charged to the ledger, made, and checkpointed. After a crash the
run goes on from the last checkpoint; steps made since are made again and charged again, because
the lost ones were spent too.
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import artifact, checkpoint, entropy, gradients, network, privacy, ranks
from models.artifact import Manifest
from models.cohort import Cohort, read
from models.features import FEATURE_VERSION
from models.gradients import Correction
from models.ledger import DELTA, BudgetSpent, Charge, Ledger
from models.network import Layers, Network
from models.privacy import MOST_WINDOWS, Mechanism, Quantile
from models.ranks import Ranks
from services import clock

CHECKPOINT, PLAN = "checkpoint.safetensors", "plan.json"
BLOCK_STEPS: Final = 25
# Steps that a crash may cost without passing epsilon; paid for in advance by a little more noise.
SPARE_STEPS: Final = 50
ALONE: Final = Ranks()
_Z_90: Final = 1.6449


class PlanChanged(ValueError):
    """The folder holds a run of another cohort or other settings. Use a new folder."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run was started with; public. `sigma` is solved once and kept over crashes."""

    population: str
    cohort_sha256: str
    epsilon: float
    steps: int
    learning_rate: float
    mechanism: Mechanism
    quantile: Quantile
    seed: int = 20260520
    layers: Layers = "all"
    """What is trained; the rest stays at its public random start."""
    mixed_precision: bool = False
    """Forward pass in bfloat16 on a GPU; norms, clipping, sums and noise stay float32 or better."""

    def charge(self, steps: int) -> Charge:
        """Return what some steps cost."""
        m = self.mechanism
        return Charge(self.population, "train", m.sigma, m.rate, steps)


def made(
    cohort: Cohort,
    *,
    population: str,
    epsilon: float,
    steps: int,
    learning_rate: float,
    held: list[Charge],
    mechanism: Mechanism,
) -> Plan:
    """Return a plan that stays within epsilon, with what the population has spent already.

    Raises:
        ValueError: nothing is left to spend.
    """
    quantile = Quantile()
    others = [*held, quantile.charge(population, "spread")]
    sigma = privacy.sigma_for(
        epsilon, rate=mechanism.rate, steps=steps + SPARE_STEPS, others=others
    )
    chosen = replace(mechanism, sigma=sigma)
    return Plan(population, cohort.sha256, epsilon, steps, learning_rate, chosen, quantile)


def least_patients(mechanism: Mechanism) -> int:
    """Return how many patients the public batch and rate imply."""
    return round(mechanism.expected_batch / mechanism.rate)


class Run:
    """One run in one folder. Making it again on the same folder goes on where it stopped.

    With several `among` them each makes the run on the same folder; the first alone writes.
    """

    def __init__(
        self, cohort: Cohort, plan: Plan, ledger: Ledger, folder: Path, among: Ranks = ALONE
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # TensorFloat32 rounds products to 10 bits: more than the margin kept under C.
        torch.set_float32_matmul_precision("highest")
        self.plan = among.first_ahead(lambda: _kept(plan, folder / PLAN))
        self.cohort, self.ledger, self.folder = cohort, ledger, folder
        self.among, self.device = among, among.device
        self._state = checkpoint.restored(folder / CHECKPOINT, plan.seed)
        self._windows = _latest_windows(cohort)
        self._tensors = [
            torch.from_numpy(a.astype(np.float32)).to(self.device)
            for a in (cohort.features, cohort.expected, cohort.observed)
        ]
        self.empty_steps = 0

    @property
    def step(self) -> int:
        """Steps that are in the checkpoint."""
        return self._state.step

    def finish(
        self, now: Callable[[], datetime], progress: Callable[[int], None] = lambda step: None
    ) -> Network:
        """Make the remaining steps, block by block, and return the network.

        Raises:
            BudgetSpent: the next block would pass epsilon.
            RanksDiffer: the processes have come apart.
        """
        while self._state.step < self.plan.steps:
            block = min(BLOCK_STEPS, self.plan.steps - self._state.step)
            self._charge(block, now())
            for _ in range(block):
                self._one_step()
            content = checkpoint.packed(self._state)
            self.among.check_equal(content)
            if self.among.first:
                artifact.replace(self.folder / CHECKPOINT, content)
                progress(self._state.step)
        return network.from_tensors(self._state.mean)

    def spread(self, trained: Network, at: datetime) -> float:
        """Return the private factor on the filter's SD with which 90 % intervals hold.

        Raises:
            BudgetSpent: it would pass epsilon.
        """
        plan = self.plan
        charge = plan.quantile.charge(plan.population, "spread")
        self.ledger.charge(charge, limit=plan.epsilon, at=at)
        scores = one_score_each(self.cohort, trained)
        return plan.quantile.of(scores) / _Z_90

    def _charge(self, steps: int, at: datetime) -> None:
        """Charge once for all ranks; where it is refused, all stop."""
        refused: BudgetSpent | None = None
        if self.among.first:
            try:
                self.ledger.charge(self.plan.charge(steps), limit=self.plan.epsilon, at=at)
            except BudgetSpent as err:
                refused = err
        if self.among.from_first(np.array([float(refused is not None)]))[0]:
            raise refused or BudgetSpent("the first process was refused")

    def _one_step(self) -> None:
        layers, mechanism, among = self.plan.layers, self.plan.mechanism, self.among
        held = network.from_tensors(self._state.values)
        half = self.plan.mixed_precision and self.device.type == "cuda"
        model = Correction(held, layers=layers, half=half).to(self.device)
        patients = self.cohort.patients
        drawn = among.drawn(lambda: privacy.sampled(patients, mechanism.rate), patients)
        self.empty_steps += len(drawn) == 0
        mine = ranks.part(drawn, among.rank, among.size)
        total = patient_sum(model, self._tensors, self._windows, mine, mechanism)
        given = ranks.contribution(checkpoint.flat(total, layers), mechanism, among.rank)
        private = among.summed(given)
        self._state.move(checkpoint.shaped(private, layers), self.plan.learning_rate)


def together(count: int, path: Path, plan: Plan, ledger: Ledger, folder: Path) -> None:
    """Make the steps of a run in `count` processes; `Run` on the same folder then has them all.

    Where the budget is spent they stop, and `Run` says so.

    Raises:
        RankLost, RanksDiffer: from `ranks.start`.
    """
    ranks.start(count, _steps, path, plan, ledger, folder)


def _steps(among: Ranks, path: Path, plan: Plan, ledger: Ledger, folder: Path) -> None:
    windows = read(path, at_least=least_patients(plan.mechanism))
    run = Run(windows, plan, ledger, folder, among)
    with suppress(BudgetSpent):
        run.finish(clock.now, lambda step: print(f"step {step}", flush=True))


def patient_sum(
    model: Correction,
    tensors: list[Tensor],
    windows: list[NDArray[np.intp]],
    drawn: NDArray[np.intp],
    mechanism: Mechanism,
) -> dict[str, Tensor]:
    """Return the sum over drawn patients of the average of their clipped window gradients."""
    if len(drawn) == 0:
        return {n: torch.zeros(p.shape) for n, p in model.named_parameters() if p.requires_grad}
    rows = torch.from_numpy(np.concatenate([windows[p] for p in drawn])).to(tensors[0].device)
    sizes = torch.tensor([len(windows[p]) for p in drawn], device=rows.device)
    patient = torch.repeat_interleave(torch.arange(len(drawn), device=rows.device), sizes)
    done = gradients.backward(model, *(t[rows] for t in tensors))
    weight = privacy.weights(done.norms(), patient, len(drawn), mechanism.clip)
    return done.weighted(weight)


def one_score_each(cohort: Cohort, trained: Network) -> NDArray[np.float64]:
    """Return the error of one window a patient in SDs of the filter, (patients,).

    Drawn by chance: the last windows are the best predicted, and the stated intervals are of all.
    """
    edges = np.searchsorted(cohort.patient, np.arange(cohort.patients + 1))
    drawn = edges[:-1] + (entropy.uniform(cohort.patients) * np.diff(edges)).astype(np.intp)
    one = np.minimum(drawn, edges[1:] - 1)
    predicted = predict(trained, cohort.features[one], cohort.expected[one])
    return np.asarray(np.abs(cohort.observed[one] - predicted) / cohort.spread[one])


def predict(
    trained: Network, features: NDArray[np.float64], expected: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the predicted mean of the next window (n,), mmHg: the filter's with the shift."""
    return expected + network.shifts(trained, features)


def manifest(run: Run, trained: Network, widen: float) -> Manifest:
    """Return the manifest of a finished run; its epsilon is the ledger's."""
    plan = run.plan
    m = plan.mechanism
    weights = artifact.packed(trained)
    return Manifest(
        model_version=f"dp-{plan.cohort_sha256[:8]}-{m.sigma:g}",
        feature_version=FEATURE_VERSION,
        features_sha256=artifact.features_hash(),
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        widen=round(widen, 6),
        wearable_seen=run.cohort.wearable,
        population=plan.population,
        cohort_sha256=plan.cohort_sha256,
        epsilon=round(run.ledger.epsilon(plan.population), 4),
        delta=DELTA,
        sigma=m.sigma,
        rate=m.rate,
        clip=m.clip,
        steps=plan.steps,
        layers=plan.layers,
    )


def _latest_windows(cohort: Cohort) -> list[NDArray[np.intp]]:
    edges = np.searchsorted(cohort.patient, np.arange(cohort.patients + 1))
    return [np.arange(max(first, last - MOST_WINDOWS), last) for first, last in pairwise(edges)]


def _kept(plan: Plan, path: Path) -> Plan:
    """Return the plan in the folder if it is of the same run, else write this one."""
    if not path.exists():
        artifact.replace(path, json.dumps(asdict(plan), indent=1).encode())
        return plan
    found = _read(path)
    if replace(found, mechanism=plan.mechanism) != plan:
        raise PlanChanged(f"{path} is of another cohort or other settings")
    return found


def read_plan(folder: Path) -> Plan | None:
    """Return the plan that a folder holds, or None."""
    path = folder / PLAN
    return _read(path) if path.exists() else None


def _read(path: Path) -> Plan:
    held = json.loads(path.read_bytes())
    mechanism, quantile = Mechanism(**held.pop("mechanism")), Quantile(**held.pop("quantile"))
    return Plan(**held, mechanism=mechanism, quantile=quantile)
