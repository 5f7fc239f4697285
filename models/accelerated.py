"""The trained model as it is served: verified first, then on a GPU where there is one.

Apart from `predict.py` because torch takes memory and seconds that a worker without it saves.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import torch

from models import artifact, predict
from models.artifact import BadArtifact
from models.network import SHIFT_MMHG, Network
from models.predict import Array, ModelPredictor, Shifts

Choice = Literal["auto", "cpu", "cuda"]


class NoDevice(BadArtifact):
    """The model cannot be served on the device that was asked for: it is not there."""

    name = "no_device"


def load(weights: Path, public_key: Path, choice: Choice = "auto") -> ModelPredictor:
    """Return the trained model, checked before a byte of its weights is used; never pickle.

    Raises:
        BadArtifact: its signature, features or weights are not those expected.
        NoDevice: `cuda` was asked for and there is none.
    """
    held = artifact.load_signed(weights, artifact.read_public(public_key))
    where = device(choice)
    if where.type == "cpu":
        return ModelPredictor(held, predict.by_row(held.network))
    return ModelPredictor(held, predict.settled(on_torch(held.network, where)))


def device(choice: Choice) -> torch.device:
    """Return the device; `auto` is a GPU when there is one. Raises: NoDevice."""
    if choice == "cuda" and not torch.cuda.is_available():
        raise NoDevice("no CUDA device is at hand; choose --device cpu")
    on_gpu = choice != "cpu" and torch.cuda.is_available()
    return torch.device("cuda" if on_gpu else "cpu")


def on_torch(held: Network, where: torch.device) -> Shifts:
    """Return the shifts of a whole batch at once, computed in float64 on a device."""
    hidden_weight, hidden_bias, output_weight, output_bias = (
        torch.from_numpy(value.astype(np.float64)).to(where) for value in held.tensors().values()
    )

    def of(x: Array) -> Array:
        with torch.inference_mode():
            seen = torch.from_numpy(np.ascontiguousarray(x)).to(where)
            hidden = torch.tanh(seen @ hidden_weight.T + hidden_bias)
            raw = torch.tanh(hidden @ output_weight.T + output_bias)
            return np.asarray((SHIFT_MMHG * raw[:, 0]).cpu().numpy())

    return of
