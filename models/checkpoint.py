"""What a run is between two steps: parameters, Adam's moments, and how they lie in a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save
from torch import Tensor

from models import network
from models.network import LAYERS, TRAINED, Layers

Values = dict[str, NDArray[np.float32]]

_ADAM: Final = (0.9, 0.999, 1e-8)
_MEAN_KEEPS: Final = 0.98
_PARTS: Final = ("value", "m", "v", "mean")


@dataclass(slots=True)
class State:
    """Parameters with Adam's moments by name, and how many steps they have had."""

    values: Values
    first: Values
    second: Values
    mean: Values
    """Running mean of the parameters: it averages the noise out, at no cost in privacy."""
    step: int

    def move(self, gradient: dict[str, NDArray[np.float64]], rate: float) -> None:
        """Adam on the private gradient: what is done with a private result costs nothing more.

        A layer that the gradient leaves out stays as it is.
        """
        beta, gamma, tiny = _ADAM
        self.step += 1
        for name, g in gradient.items():
            m = beta * self.first[name] + (1 - beta) * g
            v = gamma * self.second[name] + (1 - gamma) * g**2
            move = (m / (1 - beta**self.step)) / (np.sqrt(v / (1 - gamma**self.step)) + tiny)
            self.first[name], self.second[name] = m.astype(np.float32), v.astype(np.float32)
            self.values[name] = (self.values[name] - rate * move).astype(np.float32)
            mean = _MEAN_KEEPS * self.mean[name] + (1 - _MEAN_KEEPS) * self.values[name]
            self.mean[name] = mean.astype(np.float32)


def begun(seed: int) -> State:
    """Return the state before the first step."""
    start = network.initial(seed).tensors()
    first, second = ({name: np.zeros_like(v) for name, v in start.items()} for _ in range(2))
    return State(start, first, second, dict(start), 0)


def restored(path: Path, seed: int) -> State:
    """Return the state in the file, or the one before the first step."""
    if not path.exists():
        return begun(seed)
    held = load(path.read_bytes())
    value, first, second, mean = (
        {name: held[f"{part}.{name}"] for name, _ in LAYERS} for part in _PARTS
    )
    return State(value, first, second, mean, int(held["step"][0]))


def packed(state: State) -> bytes:
    """Return the state as safetensors."""
    tensors: dict[str, NDArray[np.generic]] = {"step": np.array([state.step])}
    held_by_part = (state.values, state.first, state.second, state.mean)
    for part, held in zip(_PARTS, held_by_part, strict=True):
        tensors |= {f"{part}.{name}": np.ascontiguousarray(v) for name, v in held.items()}
    return bytes(save(tensors))


def flat(total: dict[str, Tensor], layers: Layers) -> NDArray[np.float64]:
    """Return the trained parameters' sums as one vector, in the order of the files."""
    parts = [total[name].detach().cpu().numpy().ravel() for name, _ in TRAINED[layers]]
    return np.concatenate(parts).astype(np.float64)


def shaped(vector: NDArray[np.float64], layers: Layers) -> dict[str, NDArray[np.float64]]:
    """Return the vector of `flat` by parameter."""
    found, start = {}, 0
    for name, shape in TRAINED[layers]:
        size = int(np.prod(shape))
        found[name] = vector[start : start + size].reshape(shape)
        start += size
    return found
