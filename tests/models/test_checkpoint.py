"""A checkpoint holds everything: a run that goes on from one ends where the other would have."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models import checkpoint, network
from models.network import LAYERS, Layers


def gradient(seed: int, layers: Layers = "all") -> dict[str, np.ndarray]:
    vector = np.random.default_rng(seed).normal(size=network.count(layers))
    return checkpoint.shaped(vector, layers)


def test_going_on_from_a_file_ends_where_going_straight_does(tmp_path: Path) -> None:
    straight = checkpoint.begun(1)
    straight.move(gradient(1), 0.01)
    (tmp_path / "c").write_bytes(checkpoint.packed(straight))
    straight.move(gradient(2), 0.01)
    resumed = checkpoint.restored(tmp_path / "c", 1)
    resumed.move(gradient(2), 0.01)
    assert resumed.step == straight.step == 2
    assert checkpoint.packed(resumed) == checkpoint.packed(straight)


def test_the_first_adam_step_is_the_rate_against_the_gradients_sign() -> None:
    state = checkpoint.begun(1)
    before = {name: value.copy() for name, value in state.values.items()}
    pull = gradient(3)
    state.move(pull, 0.01)
    for name, _ in LAYERS:
        expected = before[name] - 0.01 * np.sign(pull[name])
        assert np.allclose(state.values[name], expected, atol=1e-6)


@pytest.mark.parametrize("layers", ["all", "last"])
def test_a_vector_and_its_parameters_are_the_same_numbers(layers: Layers) -> None:
    vector = np.arange(float(network.count(layers)))
    shaped = checkpoint.shaped(vector, layers)
    tensors = {name: torch.from_numpy(value) for name, value in shaped.items()}
    assert np.array_equal(checkpoint.flat(tensors, layers), vector)
