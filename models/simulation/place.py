"""Where the days are computed: numpy, or torch on a GPU, by one and the same code.

Body, home readings and laboratory name only what both modules have. Random numbers are drawn by
numpy on the host whatever the place: one seed gives the same people and the same days everywhere,
to rounding. Drawing is a small part of a day's work.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = Any
"""An array of the place: numpy's or torch's."""
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Place:
    """An array module, and the device on which its arrays lie; None: numpy's own memory."""

    xp: Any
    device: str | None = None

    def of(self, values: NDArray[Any]) -> Array:
        """Return the values as an array of this place."""
        return values if self.device is None else self.xp.asarray(values, device=self.device)

    def host(self, array: Array) -> NDArray[Any]:
        """Return an array of this place as numpy's."""
        return np.asarray(array if self.device is None else array.cpu().numpy())

    def whole(self, array: Array) -> NDArray[np.int64]:
        """Return whole numbers, halves to even, as numpy's."""
        return self.host(self.xp.round(array)).astype(np.int64)

    def record(self, held: Record) -> Record:
        """Return a dataclass of numpy arrays with its arrays in this place."""
        if self.device is None:
            return held
        moved = {f.name: self.of(getattr(held, f.name)) for f in fields(held)}  # type: ignore[arg-type]
        return replace(held, **moved)  # type: ignore[type-var]


CPU: Final = Place(np)


def place(device: str) -> Place:
    """Return the place of a device: `cpu` is numpy; `auto` a GPU where there is one, else numpy.

    Any other name is torch's, such as `cuda:1`.
    """
    if device == "cpu":
        return CPU
    import torch  # the trial on numpy alone does without it

    if device == "auto" and not torch.cuda.is_available():
        return CPU
    return Place(torch, "cuda" if device == "auto" else device)
