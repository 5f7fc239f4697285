"""Book-keeping gradients are autograd's and Opacus' per-sample gradients, to 1e-5."""

import copy

import numpy as np
import pytest
import torch
from opacus.grad_sample import GradSampleModule

from models import gradients, network, privacy
from models.features import FEATURES
from models.gradients import Correction
from models.network import LAYERS, TRAINED

Windows = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def loud() -> network.Network:
    chance = np.random.default_rng(1)
    held = {n: chance.normal(0, 0.5, s).astype(np.float32) for n, s in LAYERS}
    return network.from_tensors(held)


@pytest.fixture
def windows() -> Windows:
    draw = torch.Generator().manual_seed(2)
    features = torch.randn(30, len(FEATURES), generator=draw)
    expected = 20.0 * torch.randn(30, generator=draw)
    return features, expected, 40.0 * torch.randn(30, generator=draw)


def one_by_one(model: Correction, windows: Windows) -> dict[str, torch.Tensor]:
    """Per-sample gradients of Opacus' hooks, (windows, ...) by parameter."""
    features, expected, observed = windows
    hooked = GradSampleModule(copy.deepcopy(model), loss_reduction="sum")
    predicted = hooked(torch.column_stack([features, expected]))
    gradients.loss(predicted, observed).sum().backward()  # type: ignore[no-untyped-call]
    return {
        name.removeprefix("_module."): parameter.grad_sample
        for name, parameter in hooked.named_parameters()
        if parameter.requires_grad
    }


@pytest.mark.parametrize("layers", ["all", "last"])
def test_norms_and_weighted_sums_are_those_of_opacus_hooks(
    windows: Windows, layers: network.Layers
) -> None:
    model = Correction(loud(), layers=layers)
    single = one_by_one(model, windows)
    assert set(single) == {name for name, _ in TRAINED[layers]}
    norms = torch.sqrt(torch.stack([(g.flatten(1) ** 2).sum(1) for g in single.values()]).sum(0))
    done = gradients.backward(model, *windows)
    assert torch.allclose(done.norms(), norms, rtol=1e-5, atol=1e-5)
    patient = torch.arange(30) // 3
    weight = privacy.weights(done.norms(), patient, 10, 0.7)
    ours = done.weighted(weight)
    for name, gradient in single.items():
        theirs = torch.einsum("n...,n->...", gradient, weight)
        assert torch.allclose(ours[name], theirs, rtol=1e-5, atol=1e-5), name


def test_the_written_out_backward_pass_is_autograds(windows: Windows) -> None:
    features, expected, observed = windows
    model = Correction(loud())
    gradients.loss(model(torch.column_stack([features, expected])), observed).sum().backward()  # type: ignore[no-untyped-call]
    ours = gradients.backward(model, *windows).weighted(torch.ones(30))
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert torch.allclose(ours[name], parameter.grad, rtol=1e-5, atol=1e-4), name


@pytest.mark.parametrize("layers", ["all", "last"])
@pytest.mark.parametrize("half", [False, True])
def test_one_patient_moves_the_sum_by_c_at_most_in_either_precision(
    windows: Windows, layers: network.Layers, half: bool
) -> None:
    done = gradients.backward(Correction(loud(), layers=layers, half=half), *windows)
    assert all(r.delta.dtype == r.inputs.dtype == torch.float32 for r in done.trained)
    clip = 0.01
    weight = privacy.weights(done.norms(), torch.arange(30) // 3, 10, clip)
    for patient in range(10):
        own = torch.where(torch.arange(30) // 3 == patient, weight, torch.zeros(30))
        moved = sum(float((g.double() ** 2).sum()) for g in done.weighted(own).values())
        assert 0.0 < moved**0.5 <= clip


def test_a_half_precision_forward_pass_is_near_the_full_one(windows: Windows) -> None:
    full, half = (
        gradients.backward(Correction(loud(), half=half), *windows) for half in (False, True)
    )
    assert not torch.equal(full.norms(), half.norms())
    assert torch.allclose(full.norms(), half.norms(), rtol=0.1, atol=1.0)


def test_an_outlier_pulls_no_harder_than_the_huber_bound() -> None:
    far, near = torch.tensor([0.0]), torch.tensor([0.0])
    far.requires_grad_()
    near.requires_grad_()
    gradients.loss(far, torch.tensor([1e6])).sum().backward()  # type: ignore[no-untyped-call]
    gradients.loss(near, torch.tensor([10.0])).sum().backward()  # type: ignore[no-untyped-call]
    assert far.grad is not None and near.grad is not None
    assert far.grad.abs() <= near.grad.abs() + 1e-6
