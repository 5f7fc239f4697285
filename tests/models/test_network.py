import numpy as np
import pytest
import torch

from models import network, train
from models.features import FEATURES
from models.gradients import Correction
from models.network import LAYERS, OUTPUTS, SHIFT_MMHG


def random_network(size: float = 1.0) -> network.Network:
    chance = np.random.default_rng(1)
    return network.from_tensors(
        {n: chance.normal(0, size, s).astype(np.float32) for n, s in LAYERS}
    )


def test_an_untrained_network_changes_nothing() -> None:
    features = np.random.default_rng(1).normal(size=(20, len(FEATURES)))
    assert (network.shifts(network.initial(5), features) == 0.0).all()


def test_the_shift_is_bounded_whatever_the_weights() -> None:
    features = np.random.default_rng(1).normal(size=(200, len(FEATURES)))
    shift = network.shifts(random_network(50.0), features)
    assert SHIFT_MMHG == 12.0
    assert 11.0 < np.abs(shift).max() <= SHIFT_MMHG


def test_serving_in_numpy_is_training_in_torch() -> None:
    chance = np.random.default_rng(3)
    features = chance.normal(size=(40, len(FEATURES)))
    expected = chance.normal(135, 9, 40)
    held = random_network()
    ours = train.predict(held, features, expected)
    packed = torch.tensor(np.column_stack([features, expected]), dtype=torch.float32)
    theirs = Correction(held)(packed).detach().numpy()
    assert ours == pytest.approx(theirs, abs=2e-3)


def test_wrong_shapes_and_no_numbers_are_refused() -> None:
    good = random_network().tensors()
    with pytest.raises(ValueError, match=r"output\.bias"):
        network.from_tensors({**good, "output.bias": np.zeros(OUTPUTS + 1, dtype=np.float32)})
    with pytest.raises(ValueError, match="no number"):
        network.from_tensors({**good, "output.bias": np.full(OUTPUTS, np.nan, dtype=np.float32)})


def test_the_shift_moves_the_untreated_level_and_no_sensitivity() -> None:
    mean = np.ones((3, 4))
    moved = network.shifted(mean, np.array([1.0, 2.0, -3.0]))
    assert moved[:, 0].tolist() == [2.0, 3.0, -2.0]
    assert (moved[:, 1:] == mean[:, 1:]).all() and (mean == 1.0).all()
