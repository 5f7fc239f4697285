"""Gradients of single windows without making them: one backward pass to the layers' outputs.

A linear layer's gradient for one window is the outer product of what comes out of it (delta) and
what went in (a), so its norm is |delta| * sqrt(|a|^2 + 1) and the weighted sum over windows is one
matrix product. Both layers are known, so the backward pass is written out: torch's autograd costs
more than the arithmetic. Tests hold it to autograd and to Opacus' per-sample hooks.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.features import FEATURES
from models.network import HIDDEN, OUTPUTS, SHIFT_MMHG, Layers, Network


class Correction(nn.Module):
    """The network of `models.network` in torch; returns predictions of the next window's mean.

    With `layers` "last" the first layer is frozen. With `half` the matrix products of the forward
    pass and of the way back to the first layer are made in bfloat16; see `backward`.
    """

    def __init__(self, network: Network, *, layers: Layers = "all", half: bool = False) -> None:
        super().__init__()
        self.half_precision = half
        self.hidden = nn.Linear(len(FEATURES), HIDDEN)
        self.output = nn.Linear(HIDDEN, OUTPUTS)
        with torch.no_grad():
            for name, value in network.tensors().items():
                self.get_parameter(name).copy_(torch.from_numpy(value.copy()))
        self.hidden.requires_grad_(layers == "all")

    def forward(self, packed: Tensor) -> Tensor:
        """Return predictions (n,) in mmHg; `packed` is features with the filter's expectation of
        the next window's mean as the last column.
        """
        features, expected = packed[:, : len(FEATURES)], packed[:, -1]
        raw = self.output(torch.tanh(self.hidden(features)))
        predicted: Tensor = expected + SHIFT_MMHG * torch.tanh(raw)[:, 0]
        return predicted


HUBER_MMHG = 10.0


def loss(predicted: Tensor, observed: Tensor) -> Tensor:
    """Return the Huber loss of each window: an outlier pulls no harder than 10 mmHg does."""
    return nn.functional.huber_loss(predicted, observed, delta=HUBER_MMHG, reduction="none") / (
        HUBER_MMHG
    )


@dataclass(frozen=True, slots=True)
class Reach:
    """One linear layer in one pass: what went in (n, inputs) and its delta (n, outputs)."""

    layer: str
    inputs: Tensor
    delta: Tensor


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward and backward pass: every layer that is trained, in the order of the files."""

    trained: tuple[Reach, ...]

    def norms(self) -> Tensor:
        """Return the gradient norm (n,) of each window over all trained parameters."""
        squares = [
            _size(r.delta).square_() * _size(r.inputs).square_().add_(1.0) for r in self.trained
        ]
        return torch.stack(squares).sum(0).sqrt_()

    def weighted(self, weight: Tensor) -> dict[str, Tensor]:
        """Return the sum over windows of their gradients times `weight` (n,), by parameter."""
        found = {}
        for reach in self.trained:
            delta = reach.delta * weight[:, None]
            found[f"{reach.layer}.weight"] = delta.T @ reach.inputs
            found[f"{reach.layer}.bias"] = delta.sum(0)
        return found


@torch.no_grad()
def backward(model: Correction, features: Tensor, expected: Tensor, observed: Tensor) -> Pass:
    """Run the windows once forward and once backward, to the outputs of the trained layers only.

    `expected` and `observed` (n,): the next window's mean in mmHg by the filter, and by the cuff.

    What comes back is float32 whatever the precision within: the norm that is clipped and the sum
    that is noised are made of the same float32 numbers, so the bound on one patient holds for
    deltas of any origin.
    """
    half, trains_first = model.half_precision, model.hidden.weight.requires_grad
    hidden = _linear(features, model.hidden, half).tanh_()
    bounded = _linear(hidden, model.output, half).tanh_()
    predicted = expected + SHIFT_MMHG * bounded[:, 0]
    error = ((predicted - observed) / HUBER_MMHG).clamp_(-1.0, 1.0)
    delta = _through_tanh(SHIFT_MMHG * error[:, None], bounded)
    last = Reach("output", hidden, delta)
    if not trains_first:
        return Pass((last,))
    back = _through_tanh(_product(delta, model.output.weight, half), hidden)
    return Pass((Reach("hidden", features, back), last))


def _size(rows: Tensor) -> Tensor:
    found: Tensor = torch.linalg.vector_norm(rows, dim=1)
    return found


def _through_tanh(gradient: Tensor, output: Tensor) -> Tensor:
    """Return gradient * (1 - output²) in one sweep over memory."""
    found: Tensor = torch.ops.aten.tanh_backward(gradient, output)
    return found


def _linear(inputs: Tensor, layer: nn.Linear, half: bool) -> Tensor:
    return _product(inputs, layer.weight.T, half).add_(layer.bias)


def _product(left: Tensor, right: Tensor, half: bool) -> Tensor:
    if half:
        return (left.bfloat16() @ right.bfloat16()).float()
    return left @ right
