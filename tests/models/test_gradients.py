"""Book-keeping gradients are Opacus' per-sample gradients, to 1e-5."""

import copy

import numpy as np
import pytest
import torch
from opacus.grad_sample import GradSampleModule

from models import gradients, network, privacy
from models.features import FEATURES
from models.gradients import Correction
from models.network import LAYERS


@pytest.fixture
def windows() -> tuple[Correction, torch.Tensor, torch.Tensor, torch.Tensor]:
    chance = np.random.default_rng(1)
    held = {n: chance.normal(0, 0.5, s).astype(np.float32) for n, s in LAYERS}
    model = Correction(network.from_tensors(held))
    draw = torch.Generator().manual_seed(2)
    features = torch.randn(30, len(FEATURES), generator=draw)
    terms = 20.0 * torch.randn(30, network.OUTPUTS, generator=draw)
    return model, features, terms, 40.0 * torch.randn(30, generator=draw)


def test_norms_and_weighted_sums_are_those_of_opacus_hooks(
    windows: tuple[Correction, torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    model, features, terms, observed = windows
    hooked = GradSampleModule(copy.deepcopy(model), loss_reduction="sum")
    predicted = hooked(torch.cat([features, terms], 1))
    gradients.loss(predicted, observed).sum().backward()  # type: ignore[no-untyped-call]
    single = {n.removeprefix("_module."): p.grad_sample for n, p in hooked.named_parameters()}
    norms = torch.sqrt(sum((g.flatten(1) ** 2).sum(1) for g in single.values()))
    done = gradients.backward(model, features, terms, observed)
    assert torch.allclose(done.norms(), norms, rtol=1e-5, atol=1e-5)
    patient = torch.arange(30) // 3
    weight = privacy.weights(done.norms(), patient, 10, 0.7)
    ours = done.weighted(weight)
    for name, gradient in single.items():
        theirs = torch.einsum("n...,n->...", gradient, weight)
        assert torch.allclose(ours[name], theirs, rtol=1e-5, atol=1e-5), name


def test_an_outlier_pulls_no_harder_than_the_huber_bound() -> None:
    far, near = torch.tensor([0.0]), torch.tensor([0.0])
    far.requires_grad_()
    near.requires_grad_()
    gradients.loss(far, torch.tensor([1e6])).sum().backward()  # type: ignore[no-untyped-call]
    gradients.loss(near, torch.tensor([10.0])).sum().backward()  # type: ignore[no-untyped-call]
    assert far.grad is not None and near.grad is not None
    assert far.grad.abs() <= near.grad.abs() + 1e-6
