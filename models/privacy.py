"""Patient-level differential privacy: what one patient can do to a step, and the noise over it.

The unit is the patient. Each window's gradient is clipped to C, a patient's windows are averaged,
patients are drawn by Poisson sampling, and noise of SD sigma * C goes over the sum. So a patient's
presence moves the sum by C at most, whatever the windows hold and however many there are. The
denominator is a public constant; an empty draw still takes its noise-only step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import entropy
from models.ledger import Charge, epsilon_of, rough_epsilon_of

Array = NDArray[np.float64]
# Windows of one patient that count at most; the average bounds the patient, this bounds the work.
MOST_WINDOWS: Final = 16
SIGMA_RANGE: Final = (0.3, 60.0)
# Norms and sums are float32: rounding may add a few millionths, and C holds all the same.
ROUNDING: Final = 1e-5


@dataclass(frozen=True, slots=True)
class Mechanism:
    """Public constants of the private steps. None of them is derived from the patients."""

    clip: float = 0.3
    sigma: float = 2.0
    rate: float = 0.1
    expected_batch: int = 300

    @property
    def noise_sd(self) -> float:
        """SD of the noise over the sum of patients."""
        return self.sigma * self.clip


def weights(norms: Tensor, patient: Tensor, patients: int, clip: float) -> Tensor:
    """Return the weight (windows,) of each window's gradient in the private sum.

    `norms` (windows,) are gradient norms, `patient` (windows,) whose window it is, 0..patients-1.
    """
    count = torch.bincount(patient, minlength=patients).clamp(min=1)
    scale = torch.clamp(clip * (1.0 - ROUNDING) / norms.clamp(min=1e-12), max=1.0 - ROUNDING)
    # A norm that is no number must not carry the sum away: such a window counts for nothing.
    scale = torch.where(torch.isfinite(norms), scale, torch.zeros_like(scale))
    return scale / count[patient]


def sampled(patients: int, rate: float) -> NDArray[np.intp]:
    """Return the patients of one step: each enters by its own coin, possibly none does."""
    return np.flatnonzero(entropy.uniform(patients) < rate)


def noisy(total: Array, mechanism: Mechanism) -> Array:
    """Return the private mean gradient: the sum with noise over it, by the public denominator."""
    noise = mechanism.noise_sd * entropy.gaussian(total.size).reshape(total.shape)
    return np.asarray((total + noise) / mechanism.expected_batch)


def sigma_for(
    epsilon: float, *, rate: float, steps: int, others: list[Charge], digits: int = 2
) -> float:
    """Return the least sigma with which `steps` and all `others` stay within `epsilon`.

    Raises:
        ValueError: even the largest sigma does not: the others have spent it.
    """

    def charges(sigma: float) -> list[Charge]:
        return [*others, Charge("", "", sigma, rate, steps)]

    low, high = SIGMA_RANGE
    if epsilon_of(charges(high)) > epsilon:
        raise ValueError(f"no noise brings these {steps} steps within epsilon {epsilon:g}")
    rough = _least(low, high, digits, lambda s: rough_epsilon_of(charges(s)) <= epsilon)
    # The rough bound asks for more noise than is needed, by a quarter at most in practice.
    near = (max(low, 0.75 * rough), rough)
    if epsilon_of(charges(near[1])) <= epsilon < epsilon_of(charges(near[0])):
        low, high = near
    high = _least(low, high, digits, lambda s: epsilon_of(charges(s)) <= epsilon)
    # Rounded up: a smaller sigma would cost more than was checked.
    return float(np.ceil(high * 10**digits) / 10**digits)


def _least(low: float, high: float, digits: int, enough: Callable[[float], bool]) -> float:
    """Return the least number in (low, high] that is enough, to so many digits."""
    while high - low > 10**-digits:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@dataclass(frozen=True, slots=True)
class Quantile:
    """A private quantile of one score a patient: a noisy histogram over fixed public bins."""

    share: float = 0.9
    top: float = 4.0
    bins: int = 48
    sigma: float = 6.0
    rate: float = 1.0

    def charge(self, population: str, purpose: str) -> Charge:
        """Return what it costs: one patient is in one bin, sensitivity one."""
        return Charge(population, purpose, self.sigma, self.rate, 1)

    def of(
        self, scores: Array, sample: Callable[[int, float], NDArray[np.intp]] = sampled
    ) -> float:
        """Return the private quantile of scores (patients,), within [0, top]."""
        kept = np.clip(scores[sample(len(scores), self.rate)], 0.0, self.top)
        counts, edges = np.histogram(kept, bins=self.bins, range=(0.0, self.top))
        noised = counts + self.sigma * entropy.gaussian(self.bins)
        reached = np.maximum.accumulate(np.cumsum(noised))
        # The total is private too: it comes from the same noisy counts.
        at = int(np.searchsorted(reached, self.share * reached[-1]))
        return float(edges[min(at + 1, self.bins)])
