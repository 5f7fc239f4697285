"""Gradients of single windows without making them: one backward pass to the layers' outputs.

A linear layer's gradient for one window is the outer product of what comes out of it (delta) and
what went in (a), so its norm is |delta| * sqrt(|a|^2 + 1) and the weighted sum over windows is one
matrix product. Tests hold it to Opacus' per-sample hooks.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.features import FEATURES
from models.network import BIAS_MMHG, HIDDEN, LOG_FACTOR, OUTPUTS, Network


class Correction(nn.Module):
    """The network of `models.network` in torch; returns predictions of the next window's mean."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.hidden = nn.Linear(len(FEATURES), HIDDEN)
        self.output = nn.Linear(HIDDEN, OUTPUTS)
        with torch.no_grad():
            for name, value in network.tensors().items():
                self.get_parameter(name).copy_(torch.from_numpy(value.copy()))

    def forward(self, packed: Tensor) -> Tensor:
        """Return predictions (n,) in mmHg; `packed` is features beside terms, see `predictions`."""
        features, terms = packed[:, : len(FEATURES)], packed[:, len(FEATURES) :]
        return predictions(self.output(torch.tanh(self.hidden(features))), terms)


def predictions(raw: Tensor, terms: Tensor) -> Tensor:
    """Return predictions (n,) from raw outputs (n, 1 + classes) and the filter's terms.

    `terms` (n, 1 + classes): the untreated level, then each class's part of the fall, negative.
    """
    bounded = torch.tanh(raw)
    fall = (terms[:, 1:] * torch.exp(LOG_FACTOR * bounded[:, 1:])).sum(1)
    return terms[:, 0] + BIAS_MMHG * bounded[:, 0] + fall


HUBER_MMHG = 10.0


def loss(predicted: Tensor, observed: Tensor) -> Tensor:
    """Return the Huber loss of each window: an outlier pulls no harder than 10 mmHg does."""
    return nn.functional.huber_loss(predicted, observed, delta=HUBER_MMHG, reduction="none") / (
        HUBER_MMHG
    )


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward and backward pass: inputs and output-gradients of both layers."""

    first_in: Tensor
    first_delta: Tensor
    second_in: Tensor
    second_delta: Tensor

    def norms(self) -> Tensor:
        """Return the gradient norm (n,) of each window over all parameters."""
        first = (self.first_delta**2).sum(1) * ((self.first_in**2).sum(1) + 1.0)
        second = (self.second_delta**2).sum(1) * ((self.second_in**2).sum(1) + 1.0)
        return torch.sqrt(first + second)

    def weighted(self, weight: Tensor) -> dict[str, Tensor]:
        """Return the sum over windows of their gradients times `weight` (n,), by parameter."""
        first, second = self.first_delta * weight[:, None], self.second_delta * weight[:, None]
        return {
            "hidden.weight": first.T @ self.first_in,
            "hidden.bias": first.sum(0),
            "output.weight": second.T @ self.second_in,
            "output.bias": second.sum(0),
        }


def backward(model: Correction, features: Tensor, terms: Tensor, observed: Tensor) -> Pass:
    """Run the windows once forward and once backward, to the layers' outputs only."""
    first_out = model.hidden(features)
    second_in = torch.tanh(first_out)
    second_out = model.output(second_in)
    total = loss(predictions(second_out, terms), observed).sum()
    first_delta, second_delta = torch.autograd.grad(total, (first_out, second_out))
    return Pass(features, first_delta, second_in.detach(), second_delta)
