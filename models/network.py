"""The correction network: small, bounded, and the literature when it has learned nothing.

49 or so features → hidden tanh layer → a shift of the untreated level (± 12 mmHg) and a factor on
each class's sensitivity (e^±1). Bounded output is bounded harm. The last layer starts at zero, so
an untrained network changes nothing. Inference is numpy; training (`train.py`) is torch.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.features import FEATURES
from models.literature import CLASSES

Array = NDArray[np.float64]

HIDDEN: Final = 24
OUTPUTS: Final = 1 + len(CLASSES)
BIAS_MMHG: Final = 12.0
LOG_FACTOR: Final = 1.0
LAYERS: Final[tuple[tuple[str, tuple[int, ...]], ...]] = (
    ("hidden.weight", (HIDDEN, len(FEATURES))),
    ("hidden.bias", (HIDDEN,)),
    ("output.weight", (OUTPUTS, HIDDEN)),
    ("output.bias", (OUTPUTS,)),
)
"""Every parameter with its shape, in the one order of all files."""
Layers = Literal["all", "last"]
TRAINED: Final[dict[Layers, tuple[tuple[str, tuple[int, ...]], ...]]] = {
    "all": LAYERS,
    "last": LAYERS[2:],
}
"""What each way of training changes. `last` keeps the first layer at its public random start."""


@dataclass(frozen=True, slots=True)
class Network:
    """Parameters in float32, as they are stored; arithmetic is float64."""

    hidden_weight: NDArray[np.float32]
    hidden_bias: NDArray[np.float32]
    output_weight: NDArray[np.float32]
    output_bias: NDArray[np.float32]

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """Return the parameters by name."""
        values = (self.hidden_weight, self.hidden_bias, self.output_weight, self.output_bias)
        return {name: value for (name, _), value in zip(LAYERS, values, strict=True)}


def count(layers: Layers) -> int:
    """Return how many numbers are trained."""
    return sum(math.prod(shape) for _, shape in TRAINED[layers])


def from_tensors(tensors: dict[str, NDArray[np.float32]]) -> Network:
    """Return the network of named parameters.

    Raises:
        ValueError: a name or a shape is not that of this network.
    """
    if set(tensors) != {name for name, _ in LAYERS}:
        raise ValueError(f"parameters are {sorted(tensors)}")
    for name, shape in LAYERS:
        if tensors[name].shape != shape or tensors[name].dtype != np.float32:
            raise ValueError(f"{name} is {tensors[name].dtype}{tensors[name].shape}")
        if not np.isfinite(tensors[name]).all():
            raise ValueError(f"{name} has a value that is no number")
    return Network(*(tensors[name] for name, _ in LAYERS))


def initial(seed: int) -> Network:
    """Return small random features and a zero output: corrections of nothing."""
    chance = np.random.default_rng(seed)
    wide = chance.normal(0.0, 1.0 / np.sqrt(len(FEATURES)), (HIDDEN, len(FEATURES)))
    return Network(
        wide.astype(np.float32),
        np.zeros(HIDDEN, dtype=np.float32),
        np.zeros((OUTPUTS, HIDDEN), dtype=np.float32),
        np.zeros(OUTPUTS, dtype=np.float32),
    )


def corrections(network: Network, features: Array) -> tuple[Array, Array]:
    """Return the shift (n,) in mmHg and the factors (n, classes) for features (n, features)."""
    hidden = np.tanh(features @ network.hidden_weight.T.astype(np.float64) + network.hidden_bias)
    raw = np.tanh(hidden @ network.output_weight.T.astype(np.float64) + network.output_bias)
    return BIAS_MMHG * raw[:, 0], np.exp(LOG_FACTOR * raw[:, 1:])


def corrected(mean: Array, covariance: Array, shift: Array, factors: Array) -> tuple[Array, Array]:
    """Return posteriors (n, states) and (n, states, states) with the corrections made."""
    scale = np.concatenate([np.ones((len(shift), 1)), factors], axis=1)
    moved = mean * scale
    moved[:, 0] += shift
    return moved, covariance * scale[:, :, None] * scale[:, None, :]
