"""Time a private training step beside a plain one on the same windows, in pairs.

The plain step is torch's own: forward, autograd, mean loss, all parameters. Pairs are taken in turn
so that whatever else the machine does meets both. Ratios are medians over the pairs.
"""

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from models import checkpoint, gradients, network, privacy
from models.gradients import Correction
from models.network import Layers, Network
from models.privacy import Mechanism

BATCHES = (512, 4096)
WINDOWS_A_PATIENT = 8
PAIRS = 200


class Steps:
    """The same windows for every kind of step."""

    def __init__(self, net: Network, batch: int, device: torch.device | str) -> None:
        draw = torch.Generator().manual_seed(1)
        width = net.hidden_weight.shape[1]
        self.packed = torch.randn(batch, width + 1, generator=draw).to(device)
        self.x = self.packed[:, :width].contiguous()
        self.expected = self.packed[:, -1].contiguous()
        self.observed = torch.randn(batch, generator=draw).to(device)
        self.patient = torch.arange(batch, device=device) // WINDOWS_A_PATIENT
        self.patients = batch // WINDOWS_A_PATIENT
        self.net, self.device = net, device
        self.module = Correction(net).to(device)
        self.adam = torch.optim.Adam(self.module.parameters())

    def plain(self) -> None:
        """Make the gradient as torch does without privacy."""
        self.module.zero_grad()
        predicted = self.module(self.packed)
        gradients.loss(predicted, self.observed).mean().backward()  # type: ignore[no-untyped-call]

    def written_out(self) -> None:
        """Make it without privacy and without autograd: what clipping alone costs."""
        done = gradients.backward(self.module, self.x, self.expected, self.observed)
        done.weighted(torch.full_like(self.observed, 1.0 / len(self.observed)))

    def plain_whole(self) -> None:
        """Make it and move by it."""
        self.plain()
        self.adam.step()

    def private(self, layers: Layers, *, half: bool = False) -> Callable[[], dict[str, Tensor]]:
        """Return what makes the clipped and averaged sum."""
        model = Correction(self.net, layers=layers, half=half).to(self.device)

        def step() -> dict[str, Tensor]:
            done = gradients.backward(model, self.x, self.expected, self.observed)
            weight = privacy.weights(done.norms(), self.patient, self.patients, 1.0)
            return done.weighted(weight)

        return step

    def private_whole(self, layers: Layers) -> Callable[[], None]:
        """Return what makes it, noises it from the operating system, and moves by it."""
        step, state = self.private(layers), checkpoint.begun(1)

        def whole() -> None:
            noised = privacy.noisy(checkpoint.flat(step(), layers), Mechanism())
            state.move(checkpoint.shaped(noised, layers), 0.005)

        return whole


def ratio(one: Callable[[], object], other: Callable[[], object], device: torch.device) -> float:
    """Return the median of one's time over the other's, pair by pair."""
    one(), other()
    return float(np.median([_taken(one, device) / _taken(other, device) for _ in range(PAIRS)]))


def step_rows(net: Network, device: torch.device) -> list[tuple[str, str]]:
    """Return what is timed and its ratio to the plain step."""
    found = []
    for batch in BATCHES:
        steps = Steps(net, batch, device)
        kinds: tuple[tuple[str, Callable[[], object], Callable[[], None]], ...] = (
            ("private over plain gradient", steps.private("all"), steps.plain),
            ("the same, last layer only", steps.private("last"), steps.plain),
            ("private over plain, both without autograd", steps.private("all"), steps.written_out),
            ("whole step with noise and Adam", steps.private_whole("all"), steps.plain_whole),
            ("the same, last layer only", steps.private_whole("last"), steps.plain_whole),
        )
        for what, private, plain in kinds:
            found.append((f"{what}, {batch:,} windows", f"{ratio(private, plain, device):.2f}"))
    return found


def gpu_check() -> int:
    """Check a private sum on the GPU against the CPU's and time it; 2 where there is no GPU."""
    if not torch.cuda.is_available():
        print("no GPU here: nothing was checked")
        return 2
    torch.set_float32_matmul_precision("highest")
    net, device = network.initial(1), torch.device("cuda")
    print(f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}")
    here, there = (Steps(net, BATCHES[-1], d).private("all")() for d in ("cpu", device))
    off = max(float((here[n] - there[n].cpu()).abs().max() / here[n].abs().max()) for n in here)
    most = max(_most(net, device, half) for half in (False, True))
    print(f"private sum, GPU beside CPU: {off:.1e} apart (at most 1e-5)")
    print(f"most that one patient moves it, either precision: {most:.7f} C (at most 1)")
    for what, figure in step_rows(net, device):
        print(f"{what}: {figure}")
    return 0 if off <= 1e-5 and most <= 1.0 else 1


def _most(net: Network, device: torch.device, half: bool) -> float:
    """Return the most that one of 64 patients moves the sum, C being 0.01 so that all clip."""
    steps, clip = Steps(net, 512, device), 0.01
    model = Correction(net, half=half).to(device)
    done = gradients.backward(model, steps.x, 20.0 * steps.expected, 40.0 * steps.observed)
    weight = privacy.weights(done.norms(), steps.patient, steps.patients, clip)
    found = []
    for patient in range(steps.patients):
        own = torch.where(steps.patient == patient, weight, torch.zeros_like(weight))
        squares = [float((g.double() ** 2).sum()) for g in done.weighted(own).values()]
        found.append(math.sqrt(sum(squares)) / clip)
    return max(found)


def _taken(act: Callable[[], object], device: torch.device) -> float:
    started = time.perf_counter()
    act()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started
