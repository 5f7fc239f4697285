"""The correction network: small, bounded, and the filter itself when it has learned nothing.

50 features → hidden tanh layer → a shift of the untreated level (± 12 mmHg). It favours no class:
what each takes off grows with that level by one share. Bounded output is bounded harm. How a class
works in a person is the filter's alone, and why:
`compliance/decisions/0015-the-network-moves-the-level-alone.md`. The last layer starts at zero, so
an untrained network changes nothing. Inference is numpy; training (`train.py`) is torch.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.features import FEATURES

Array = NDArray[np.float64]

HIDDEN: Final = 24
OUTPUTS: Final = 1
SHIFT_MMHG: Final = 12.0
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
    """Return small random features and a zero output: a shift of nothing."""
    chance = np.random.default_rng(seed)
    wide = chance.normal(0.0, 1.0 / np.sqrt(len(FEATURES)), (HIDDEN, len(FEATURES)))
    return Network(
        wide.astype(np.float32),
        np.zeros(HIDDEN, dtype=np.float32),
        np.zeros((OUTPUTS, HIDDEN), dtype=np.float32),
        np.zeros(OUTPUTS, dtype=np.float32),
    )


def shifts(network: Network, features: Array) -> Array:
    """Return the shift (n,) of the untreated level in mmHg for features (n, features)."""
    hidden = np.tanh(features @ network.hidden_weight.T.astype(np.float64) + network.hidden_bias)
    raw = np.tanh(hidden @ network.output_weight.T.astype(np.float64) + network.output_bias)
    return np.asarray(SHIFT_MMHG * raw[:, 0])


def shifted(mean: Array, shift: Array) -> Array:
    """Return posterior means (n, states) with the untreated level moved by the shift (n,).

    Falls are then those from the moved level: a regimen's level moves by somewhat less than the
    shift, which training takes as added to it. The trial measures it as it is served.
    """
    moved = mean.copy()
    moved[:, 0] += shift
    return moved
