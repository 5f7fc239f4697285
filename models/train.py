"""Private training: every step is charged before it is made, and a killed run goes on.

Steps come in blocks. A block is charged to the ledger, made, and checkpointed. After a crash the
run goes on from the last checkpoint; steps made since are made again and charged again, because
the lost ones were spent too.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import artifact, checkpoint, gradients, network, privacy
from models.artifact import Manifest
from models.cohort import Cohort
from models.features import FEATURE_VERSION
from models.gradients import Correction
from models.ledger import DELTA, Charge, Ledger
from models.network import Layers, Network
from models.privacy import MOST_WINDOWS, Mechanism, Quantile

CHECKPOINT, PLAN = "checkpoint.safetensors", "plan.json"
BLOCK_STEPS: Final = 25
# Steps that a crash may cost without passing epsilon; paid for in advance by a little more noise.
SPARE_STEPS: Final = 50
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
    layers: Layers = "all",
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
    return Plan(
        population,
        cohort.sha256,
        epsilon,
        steps,
        learning_rate,
        chosen,
        quantile,
        layers=layers,
    )


def least_patients(mechanism: Mechanism) -> int:
    """Return how many patients the public batch and rate imply."""
    return round(mechanism.expected_batch / mechanism.rate)


class Run:
    """One run in one folder. Making it again on the same folder goes on where it stopped."""

    def __init__(self, cohort: Cohort, plan: Plan, ledger: Ledger, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.plan = _kept(plan, folder / PLAN)
        self.cohort, self.ledger, self.folder = cohort, ledger, folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._state = checkpoint.restored(folder / CHECKPOINT, plan.seed)
        self._windows = _latest_windows(cohort)
        self._tensors = [
            torch.from_numpy(a.astype(np.float32)).to(self.device)
            for a in (cohort.features, cohort.terms, cohort.observed)
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
        """
        while self._state.step < self.plan.steps:
            block = min(BLOCK_STEPS, self.plan.steps - self._state.step)
            self.ledger.charge(self.plan.charge(block), limit=self.plan.epsilon, at=now())
            for _ in range(block):
                self._one_step()
            artifact.replace(self.folder / CHECKPOINT, checkpoint.packed(self._state))
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

    def _one_step(self) -> None:
        layers, mechanism = self.plan.layers, self.plan.mechanism
        held = network.from_tensors(self._state.values)
        model = Correction(held, layers=layers).to(self.device)
        drawn = privacy.sampled(self.cohort.patients, mechanism.rate)
        total = patient_sum(model, self._tensors, self._windows, drawn, mechanism)
        self.empty_steps += len(drawn) == 0
        private = privacy.noisy(checkpoint.flat(total, layers), mechanism)
        self._state.move(checkpoint.shaped(private, layers), self.plan.learning_rate)


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
    """Return each patient's last window's error in SDs of the filter, (patients,)."""
    last = np.append(np.flatnonzero(np.diff(cohort.patient)), len(cohort.patient) - 1)
    predicted = predict(trained, cohort.features[last], cohort.terms[last])
    return np.asarray(np.abs(cohort.observed[last] - predicted) / cohort.spread[last])


def predict(
    trained: Network, features: NDArray[np.float64], terms: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the predicted mean of the next window (n,), mmHg."""
    shift, factors = network.corrections(trained, features)
    return np.asarray(terms[:, 0] + shift + (terms[:, 1:] * factors).sum(1))


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
