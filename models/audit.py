"""Does the private mechanism do what it claims? Checks that need no trust in its own code.

An audit that passes proves little by itself, so several different ones are run, and bugs are
planted, one by one: every one has to be caught by at least one check.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binom
from torch import Tensor

from models import gradients, network, privacy, ranks
from models.features import FEATURES
from models.gradients import Correction, Pass
from models.ledger import DELTA, Charge, epsilon_of
from models.network import LAYERS, TRAINED, Network
from models.privacy import Mechanism

Array = NDArray[np.float64]
PARAMETERS: Final = network.count("all")
_Z: Final = 4.0
CANARIES: Final = 1200
CANARY_WINDOWS: Final = 3
# Separation over what sigma implies; its standard error is about 0.1. A bug that doubles what one
# patient does shows here.
MOST_RATIO: Final = 1.35
_CONFIDENCE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Subject:
    """The parts of the mechanism under audit; a planted bug replaces one of them."""

    name: str
    weights: Callable[[Tensor, Tensor, int, float], Tensor] = privacy.weights
    noisy: Callable[[Array, Mechanism], Array] = privacy.noisy
    sampled: Callable[[int, float], NDArray[np.intp]] = privacy.sampled
    charged: Callable[[int], int] = int
    """Steps that the ledger holds for so many steps made."""
    empty_step: Callable[[Mechanism], Array] = lambda mechanism: privacy.noisy(
        np.zeros(PARAMETERS), mechanism
    )
    """The update of a step that drew nobody."""
    norms: Callable[[Pass], Tensor] = Pass.norms
    part: Callable[[NDArray[np.intp], int, int], NDArray[np.intp]] = ranks.part
    contribution: Callable[[Array, Mechanism, int], Array] = ranks.contribution


def sensitivity(subject: Subject, mechanism: Mechanism) -> dict[str, Any]:
    """Return the most that one patient of 1 to 500 windows moves the sum, in units of C.

    In every way of training, and with the forward pass in either precision.
    """
    found = {
        f"{layers}_{'bfloat16' if half else 'float32'}": _most_moved(
            subject, mechanism, Correction(_loud(), layers=layers, half=half)
        )
        for layers in TRAINED
        for half in (False, True)
    }
    most = max(found.values())
    return {"most_in_units_of_clip": round(most, 8), "by_way": found, "passed": most <= 1.0}


def _most_moved(subject: Subject, mechanism: Mechanism, model: Correction) -> float:
    chance = torch.Generator().manual_seed(1)
    sizes = [1, 2, 3, 5, 8, 16, 50, 120, 250, 500]
    patient = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    count = len(patient)
    features = 3.0 * torch.randn(count, len(FEATURES), generator=chance)
    expected = 60.0 * torch.randn(count, generator=chance)
    observed = 1e4 * torch.randn(count, generator=chance)
    # Windows of one patient that all pull the same way are the worst case of an average.
    alike = patient % 2 == 0
    first = torch.searchsorted(patient, patient)
    features[alike], expected[alike] = features[first[alike]], expected[first[alike]]
    observed[alike] = observed[first[alike]]
    done = gradients.backward(model, features, expected, observed)
    weight = subject.weights(subject.norms(done), patient, len(sizes), mechanism.clip)
    moved = []
    for number in range(len(sizes)):
        total = done.weighted(torch.where(patient == number, weight, torch.zeros_like(weight)))
        moved.append(math.sqrt(sum(float((g.double() ** 2).sum()) for g in total.values())))
    return max(moved) / mechanism.clip


def several(subject: Subject, mechanism: Mechanism, steps: int = 40) -> dict[str, Any]:
    """Return what 2 to 4 processes make together: the noise's SD, and how often a patient counts.

    The parts and what each rank gives are those of training; only the all-reduce is a sum here.
    """
    claimed, drawn = mechanism.noise_sd / mechanism.expected_batch, np.arange(0, 90, 2)
    quiet, one = replace(mechanism, sigma=0.0), np.zeros(PARAMETERS)
    off, counted = 0.0, []
    for size in (2, 3, 4):
        recorded = np.array(
            [
                sum(subject.contribution(one, mechanism, rank) for rank in range(size))
                for _ in range(steps)
            ]
        )
        error = 1.0 / math.sqrt(2.0 * recorded.size)
        off = max(off, abs(float(recorded.std()) / claimed - 1.0) / error)
        total = np.zeros(90)
        for rank in range(size):
            taken = np.bincount(subject.part(drawn, rank, size), minlength=90).astype(np.float64)
            total += ranks.contribution(taken, quiet, max(rank, 1)) * quiet.expected_batch
        counted += [float(total[drawn].min()), float(total[drawn].max())]
    once = bool(np.allclose(counted, 1.0))
    return {
        "noise_off_in_se": round(off, 2),
        "fewest_and_most_times_a_patient_counts": [min(counted), max(counted)],
        "passed": off <= _Z and once,
    }


def noise(subject: Subject, mechanism: Mechanism, steps: int = 60) -> dict[str, Any]:
    """Return the SD of recorded noise-only steps against what sigma says."""
    zero = np.zeros(PARAMETERS)
    recorded = np.array([subject.noisy(zero, mechanism) for _ in range(steps)])
    claimed = mechanism.noise_sd / mechanism.expected_batch
    ratio = float(recorded.std()) / claimed
    error = 1.0 / math.sqrt(2.0 * recorded.size)
    return {
        "sd_over_claimed": round(ratio, 5),
        "standard_error": round(error, 5),
        "passed": abs(ratio - 1.0) <= _Z * error,
    }


def sampling(subject: Subject, mechanism: Mechanism, patients: int = 400) -> dict[str, Any]:
    """Return whether draws are each patient's own coin: mean, variance, and empty draws counted."""
    draws = 600
    sizes = np.array([len(subject.sampled(patients, mechanism.rate)) for _ in range(draws)])
    mean, variance = patients * mechanism.rate, patients * mechanism.rate * (1 - mechanism.rate)
    mean_off = abs(sizes.mean() - mean) / math.sqrt(variance / draws)
    variance_off = abs(sizes.var(ddof=1) / variance - 1.0) / math.sqrt(2.0 / draws)
    moves = bool(np.any(subject.empty_step(mechanism)))
    return {
        "mean_off_in_se": round(float(mean_off), 2),
        "variance_off_in_se": round(float(variance_off), 2),
        "empty_draw_makes_a_step": moves,
        "passed": bool(mean_off <= _Z and variance_off <= _Z and moves),
    }


def ledger(subject: Subject, mechanism: Mechanism, steps: int, claimed: float) -> dict[str, Any]:
    """Return ε recomputed from the steps made, beside what the ledger was charged and claimed."""
    made = epsilon_of([Charge("", "", mechanism.sigma, mechanism.rate, steps)])
    charged = subject.charged(steps)
    return {
        "steps_made": steps,
        "steps_charged": charged,
        "epsilon_of_steps_made": round(made, 4),
        "epsilon_claimed": round(claimed, 4),
        "passed": charged >= steps and made <= claimed + 0.01,
    }


def one_run(subject: Subject, mechanism: Mechanism, steps: int) -> dict[str, Any]:
    """Return a lower bound of ε at 95 % confidence from canaries in one run, and their separation.

    Each canary, a patient whose windows all pull along one direction, takes part by a coin. Source:
    Steinke, Nasr, Jagielski 2023, one training run [K]; its δ term is bounded by 2 m δ.
    """
    chance = np.random.default_rng(7)
    directions = chance.standard_normal((CANARIES, PARAMETERS))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    inside = chance.random(CANARIES) < 0.5
    # Windows with gradients of five times the clip: what the weights leave of them is what counts.
    norms = torch.full((CANARY_WINDOWS,), 5.0 * mechanism.clip)
    weight = subject.weights(
        norms, torch.zeros(CANARY_WINDOWS, dtype=torch.int64), 1, mechanism.clip
    )
    reach = float((weight * norms).sum())
    seen = np.zeros(PARAMETERS)
    for _ in range(steps):
        drawn = np.intersect1d(subject.sampled(CANARIES, mechanism.rate), np.flatnonzero(inside))
        seen += subject.noisy(reach * directions[drawn].sum(0), mechanism)
    scores = directions @ seen
    order = np.argsort(scores)
    half = CANARIES // 6
    guesses = np.concatenate([inside[order[-half:]], ~inside[order[:half]]])
    spread = math.sqrt((scores[inside].var() + scores[~inside].var()) / 2)
    return {
        "guesses": int(guesses.size),
        "correct": int(guesses.sum()),
        "epsilon_at_least": round(epsilon_bound(int(guesses.sum()), int(guesses.size)), 3),
        "separation_sd": round(float(scores[inside].mean() - scores[~inside].mean()) / spread, 4),
    }


def expected_separation(mechanism: Mechanism, steps: int) -> float:
    """Return the separation in SD of canaries that are clipped, averaged and noised as claimed.

    A canary adds C in each step it is drawn for; over it lie the noise, and the other canaries,
    whose directions overlap with its own by one over the root of the number of parameters.
    """
    reach = mechanism.rate * steps
    noise_variance = steps * mechanism.sigma**2
    others = CANARIES / 2 * reach**2 / PARAMETERS
    own = steps * mechanism.rate * (1 - mechanism.rate) / 2
    return float(reach / math.sqrt(noise_variance + others + own))


def epsilon_bound(correct: int, guesses: int) -> float:
    """Return the largest ε that so many correct guesses rule out at 95 % confidence."""
    slack = 2 * CANARIES * DELTA
    low, high = 0.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        chance = 1.0 / (1.0 + math.exp(-middle))
        unlikely = float(binom.sf(correct - 1, guesses, chance)) + slack <= _CONFIDENCE
        low, high = (middle, high) if unlikely else (low, middle)
    return low


def membership(members: Array, others: Array) -> dict[str, float]:
    """Return the AUC of guessing membership by a lower loss, with its 95 % bounds.

    Source: standard error by Hanley and McNeil 1982 [K].
    """
    ranks = np.argsort(np.argsort(np.concatenate([-members, -others]))) + 1.0
    m, n = len(members), len(others)
    auc = float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    error = math.sqrt(
        (auc * (1 - auc) + (m - 1) * (first - auc**2) + (n - 1) * (second - auc**2)) / (m * n)
    )
    return {
        "auc": round(auc, 4),
        "low": round(auc - 1.96 * error, 4),
        "high": round(auc + 1.96 * error, 4),
        "standard_error": round(error, 4),
    }


def checks(subject: Subject, mechanism: Mechanism, steps: int, claimed: float) -> dict[str, Any]:
    """Run every check."""
    run = one_run(subject, mechanism, steps)
    ratio = abs(run["separation_sd"]) / expected_separation(mechanism, steps)
    passed = run["epsilon_at_least"] <= claimed and ratio <= MOST_RATIO
    return {
        "sensitivity": sensitivity(subject, mechanism),
        "noise": noise(subject, mechanism),
        "sampling": sampling(subject, mechanism),
        "several": several(subject, mechanism),
        "ledger": ledger(subject, mechanism, steps, claimed),
        "one_run": {**run, "ratio_to_expected": round(ratio, 3), "passed": passed},
    }


def caught_by(found: dict[str, Any]) -> list[str]:
    """Return the checks that did not pass."""
    return [name for name, check in found.items() if not check["passed"]]


def planted() -> tuple[Subject, ...]:
    """Return one subject for each bug that has been seen in the field."""

    def halved(total: Array, mechanism: Mechanism) -> Array:
        return privacy.noisy(total, replace(mechanism, sigma=mechanism.sigma / 2))

    def records(norms: Tensor, patient: Tensor, patients: int, clip: float) -> Tensor:
        return torch.clamp(clip / norms.clamp(min=1e-12), max=1.0)

    def unclipped(norms: Tensor, patient: Tensor, patients: int, clip: float) -> Tensor:
        count = torch.bincount(patient, minlength=patients).clamp(min=1)
        return 1.0 / count[patient].to(norms.dtype)

    def same_size(patients: int, rate: float) -> NDArray[np.intp]:
        return np.sort(np.random.default_rng().permutation(patients)[: round(patients * rate)])

    def each_noises(total: Array, mechanism: Mechanism, rank: int) -> Array:
        return privacy.noisy(total, mechanism)

    def none_noises(total: Array, mechanism: Mechanism, rank: int) -> Array:
        return total / mechanism.expected_batch

    def averaged(total: Array, mechanism: Mechanism, rank: int) -> Array:
        # What torch's DistributedDataParallel does with two ranks.
        return ranks.contribution(total, mechanism, rank) / 2.0

    return (
        Subject("noise_added_by_every_rank", contribution=each_noises),
        Subject("noise_added_by_no_rank", contribution=none_noises),
        Subject("noise_averaged_over_ranks", contribution=averaged),
        Subject("patients_counted_on_every_rank", part=lambda drawn, rank, size: drawn),
        Subject("norm_of_the_last_layer_only", norms=lambda p: Pass(p.trained[-1:]).norms()),
        Subject("norms_in_half_precision", norms=lambda p: p.norms().bfloat16().float()),
        Subject("noise_halved", noisy=halved),
        Subject("records_instead_of_patients", weights=records),
        Subject("not_clipped", weights=unclipped),
        Subject("batches_of_one_size", sampled=same_size),
        Subject("empty_batches_dropped", empty_step=lambda mechanism: np.zeros(PARAMETERS)),
        Subject("half_of_the_steps_charged", charged=lambda steps: steps // 2),
    )


def _loud() -> Network:
    """A network whose gradients are large everywhere."""
    chance = np.random.default_rng(3)
    return network.from_tensors(
        {name: chance.normal(0.0, 1.0, shape).astype(np.float32) for name, shape in LAYERS}
    )
