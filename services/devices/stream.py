"""What a device recorded, with its rate, unit and time; and why a file was refused.

A reader guesses nothing: what a file does not say the caller must declare, and what neither says
refuses the file.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
WaveKind = Literal["ecg", "ppg", "accelerometer", "arterial_pressure"]
MeasureKind = Literal["heart_rate", "rr_interval", "systolic", "diastolic"]


class DeviceFileRefused(ValueError):
    """The file cannot be taken as it is. Nothing of it was kept."""


class Truncated(DeviceFileRefused):
    """The file ends before what it announces. Copy it again."""


class Malformed(DeviceFileRefused):
    """The file is not of the format, or a value is not what its place demands."""


class NotDeclared(DeviceFileRefused):
    """A rate, unit, time, name or kind is stated neither by the file nor by the caller."""


class Misdeclared(DeviceFileRefused):
    """The file contradicts itself, or contradicts what the caller declared."""


# Units that each kind may come in; the unit is kept, never converted here.
WAVE_UNITS: Mapping[WaveKind, frozenset[str]] = {
    "ecg": frozenset({"mV", "uV", "µV", "V"}),
    "ppg": frozenset({"NU", "a.u.", "adu", "mV", "V", "nA", "pm", "%"}),
    "accelerometer": frozenset({"g", "mg", "m/s2", "m/s^2"}),
    "arterial_pressure": frozenset({"mmHg", "kPa"}),
}
MEASURE_UNITS: Mapping[MeasureKind, str] = {
    "heart_rate": "/min",
    "rr_interval": "ms",
    "systolic": "mmHg",
    "diastolic": "mmHg",
}


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """Evenly sampled values of one stream.

    samples: in `unit`, NaN where there is none, (samples,); started_at: aware UTC, the first
    sample; clock_id: streams with the same one may be compared in time; name: as in the file.

    Raises:
        Misdeclared: a rate that is not positive, a unit that the kind cannot have.
        NotDeclared: a start without a time zone.
        Truncated: no sample at all.
    """

    kind: WaveKind
    name: str
    samples: FloatArray
    rate_hz: float
    unit: str
    started_at: datetime
    clock_id: str | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise Misdeclared(f"{self.name}: a rate of {self.rate_hz} Hz")
        if self.unit not in WAVE_UNITS[self.kind]:
            raise Misdeclared(f"{self.name}: {self.unit!r} is no unit of {self.kind}")
        if self.samples.size == 0:
            raise Truncated(f"{self.name}: no samples")
        require_aware(self.started_at, self.name)


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """Single values at their own times, in the unit of `MEASURE_UNITS`.

    times: aware UTC, not decreasing; values: (values,); sources: the device of each, as named.
    """

    kind: MeasureKind
    times: tuple[datetime, ...]
    values: FloatArray
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.times) == len(self.values) == len(self.sources):
            raise Misdeclared(f"{self.kind}: {len(self.times)} times, {len(self.values)} values")
        for time in self.times:
            require_aware(time, self.kind)

    @property
    def unit(self) -> str:
        """The unit of every value."""
        return MEASURE_UNITS[self.kind]


def text_of(path: Path) -> str:
    """Return a text file's content. Raises Malformed where it is no text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as err:
        raise Malformed(f"{path.name}: not UTF-8 text") from err


def rows_of(path: Path, delimiter: str = ",") -> list[list[str]]:
    """Return the rows of a CSV file. Raises Malformed where it is none."""
    try:
        return list(csv.reader(text_of(path).splitlines(), delimiter=delimiter))
    except csv.Error as err:
        raise Malformed(f"{path.name}: {err}") from err


def require_aware(time: datetime | None, name: str) -> datetime:
    """Return the time in UTC. Raises NotDeclared without a time or without its zone."""
    if time is None:
        raise NotDeclared(f"{name}: the start time is stated nowhere")
    if time.tzinfo is None:
        raise NotDeclared(f"{name}: the time {time} has no zone")
    return time.astimezone(UTC)


def number(text: str, name: str, decimal: str = ".") -> float:
    """Return a finite number. Raises Malformed for anything else."""
    plain = text.strip()
    if decimal != ".":
        if "." in plain:
            raise Malformed(f"{name}: {text!r} has a point, the decimal mark is {decimal!r}")
        plain = plain.replace(decimal, ".")
    try:
        value = float(plain)
    except ValueError as err:
        raise Malformed(f"{name}: {text!r} is not a number") from err
    if not math.isfinite(value):
        raise Malformed(f"{name}: {text!r} is not a finite number")
    return value


def moment(text: str, name: str) -> datetime:
    """Return an ISO 8601 time in UTC. Raises Malformed, NotDeclared (no zone)."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as err:
        raise Malformed(f"{name}: {text!r} is not a time") from err
    return require_aware(time, name)


def spaced(start: datetime, seconds: FloatArray) -> tuple[datetime, ...]:
    """Return the times that lie these seconds after a start."""
    return tuple(start + timedelta(seconds=float(after)) for after in seconds)
