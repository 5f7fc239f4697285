import numpy as np
import pytest
import torch

from models import network
from models.features import FEATURES
from models.gradients import Correction
from models.network import LAYERS, OUTPUTS


def random_network(size: float = 1.0) -> network.Network:
    chance = np.random.default_rng(1)
    return network.from_tensors(
        {n: chance.normal(0, size, s).astype(np.float32) for n, s in LAYERS}
    )


def test_an_untrained_network_changes_nothing() -> None:
    features = np.random.default_rng(1).normal(size=(20, len(FEATURES)))
    shift, factors = network.corrections(network.initial(5), features)
    assert (shift == 0.0).all() and (factors == 1.0).all()


def test_corrections_are_bounded_whatever_the_weights() -> None:
    features = np.random.default_rng(1).normal(size=(200, len(FEATURES)))
    shift, factors = network.corrections(random_network(50.0), features)
    assert np.abs(shift).max() <= 12.0
    assert factors.min() >= np.exp(-1.0) - 1e-12 and factors.max() <= np.e + 1e-12


def test_serving_in_numpy_is_training_in_torch() -> None:
    chance = np.random.default_rng(3)
    features = chance.normal(size=(40, len(FEATURES)))
    terms = np.concatenate([chance.normal(150, 9, (40, 1)), -chance.uniform(0, 9, (40, 6))], 1)
    held = random_network()
    shift, factors = network.corrections(held, features)
    ours = terms[:, 0] + shift + (terms[:, 1:] * factors).sum(1)
    packed = torch.tensor(np.concatenate([features, terms], 1), dtype=torch.float32)
    theirs = Correction(held)(packed).detach().numpy()
    assert ours == pytest.approx(theirs, abs=2e-3)


def test_wrong_shapes_and_no_numbers_are_refused() -> None:
    good = random_network().tensors()
    with pytest.raises(ValueError, match=r"output\.bias"):
        network.from_tensors({**good, "output.bias": np.zeros(OUTPUTS + 1, dtype=np.float32)})
    with pytest.raises(ValueError, match="no number"):
        network.from_tensors({**good, "output.bias": np.full(OUTPUTS, np.nan, dtype=np.float32)})


def test_a_corrected_posterior_keeps_its_shape_and_stays_positive() -> None:
    mean, covariance = np.ones((3, OUTPUTS)), np.tile(np.eye(OUTPUTS), (3, 1, 1))
    factors = np.full((3, OUTPUTS - 1), 1.5)
    moved, wider = network.corrected(mean, covariance, np.array([1.0, 2.0, 3.0]), factors)
    assert moved[:, 0].tolist() == [2.0, 3.0, 4.0]
    assert np.linalg.eigvalsh(wider).min() > 0
    assert wider[0, 1, 1] == pytest.approx(2.25)
