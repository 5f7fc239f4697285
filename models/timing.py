"""How long what is done often takes: shifts for patients, and a private training step."""

import time
from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
import torch

from models import gradients, network, privacy
from models.features import FEATURES
from models.gradients import Correction
from models.network import Network

BATCHES: Final = (512, 4096)


def measured(net: Network) -> dict[str, float]:
    """Return milliseconds of shifts, and a private step over a plain one on the same windows."""
    found: dict[str, float] = {}
    chance = np.random.default_rng(1)
    for count in (1, 1024):
        x = chance.normal(size=(count, len(FEATURES)))
        seconds = _seconds(partial(network.shifts, net, x))
        found[f"shifts_of_{count}_ms"] = round(1000 * seconds, 3)
    for batch in BATCHES:
        found[f"step_ratio_at_{batch}"] = round(step_ratio(net, batch), 3)
    return found


def step_ratio(net: Network, batch: int) -> float:
    """Return a private step's time over a plain one's on the same windows, 8 a patient."""
    draw = torch.Generator().manual_seed(1)
    packed = torch.randn(batch, len(FEATURES) + 1, generator=draw)
    x, expected = packed[:, : len(FEATURES)], packed[:, -1]
    observed = torch.randn(batch, generator=draw)
    patient = torch.arange(batch) // 8
    module = Correction(net)

    def plain() -> None:
        module.zero_grad()
        gradients.loss(module(packed), observed).mean().backward()  # type: ignore[no-untyped-call]

    def private() -> None:
        done = gradients.backward(module, x, expected, observed)
        done.weighted(privacy.weights(done.norms(), patient, batch // 8, 1.0))

    return _seconds(private) / _seconds(plain)


def _seconds(act: Callable[[], object], times: int = 60) -> float:
    """Return the median time of one call."""
    act()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        taken.append(time.perf_counter() - started)
    return float(np.median(taken))
