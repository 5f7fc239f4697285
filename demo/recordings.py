"""Real ECG and PPG recordings that the demo replays and the tests measure against.

Sources and licences: demo/data/signals/LICENCES.md. numpy only.
"""

import hashlib
import io
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parent / "data" / "signals"
FloatArray = npt.NDArray[np.float64]


class UnknownRecording(KeyError):
    """No vendored recording has this name. `names()` lists them."""


class DamagedRecording(ValueError):
    """The file is not the one that the manifest describes. Restore it from version control."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One excerpt of a real recording.

    samples: by stream (ecg, ppg, abp), one float array each, in `units`; references: arrays as
    the manifest's format explains, times in seconds from the start of the excerpt.
    """

    name: str
    subject: str
    source: str
    rate_hz: float
    duration_s: float
    units: dict[str, str]
    shared_clock: bool
    samples: dict[str, FloatArray]
    references: dict[str, npt.NDArray[Any]]

    def windows(self, stream: str, window_s: float) -> FloatArray:
        """Return the stream cut into whole windows, (windows, samples); the rest is left out."""
        length = round(window_s * self.rate_hz)
        samples = self.samples[stream]
        count = len(samples) // length
        return samples[: count * length].reshape(count, length)


@cache
def _manifest() -> dict[str, dict[str, Any]]:
    listed = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    return {row["name"]: row for row in listed["recordings"]}


def names(source: str | None = None) -> tuple[str, ...]:
    """Return the names of all recordings, or of one source (bidmc, mitdb, heartpy)."""
    rows = _manifest().values()
    return tuple(row["name"] for row in rows if source is None or row["source"] == source)


def load(name: str) -> Recording:
    """Return one recording. Raises UnknownRecording, DamagedRecording."""
    if name not in _manifest():
        raise UnknownRecording(name)
    row = _manifest()[name]
    body = (FOLDER / row["file"]).read_bytes()
    if hashlib.sha256(body).hexdigest() != row["sha256"]:
        raise DamagedRecording(name)
    with np.load(io.BytesIO(body)) as arrays:
        held = {key: arrays[key] for key in arrays.files}
    samples = {
        stream: _undo_differences(held.pop(f"diff_{stream}"), held.pop(f"scale_{stream}"))
        for stream in row["units"]
    }
    return Recording(
        name=name,
        subject=row["subject"],
        source=row["source"],
        rate_hz=float(held.pop("rate_hz")),
        duration_s=row["duration_s"],
        units=row["units"],
        shared_clock=row["shared_clock"],
        samples=samples,
        references=held,
    )


def _undo_differences(steps: npt.NDArray[np.int16], scale: FloatArray) -> FloatArray:
    counts = np.concatenate([[0], np.cumsum(steps.astype(np.int64))])
    samples: FloatArray = scale[1] + scale[0] * counts
    return samples
