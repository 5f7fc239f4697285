"""EDF and EDF+ recordings."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from pathlib import Path

import numpy as np
import pyedflib

from services.devices.stream import (
    Malformed,
    NotDeclared,
    Truncated,
    Waveform,
    WaveKind,
    require_aware,
)

_HEADER_BYTES, _SIGNAL_BYTES = 256, 256


def read_edf(path: Path, kinds: Mapping[str, WaveKind], *, zone: tzinfo) -> tuple[Waveform, ...]:
    """Return the named signals of a recording, on one clock.

    kinds: what each wanted signal is, by its label; zone: where the recorder's clock was, since
    EDF stores local time alone.

    Raises:
        Truncated: the file is shorter than its header says.
        NotDeclared: a wanted label is not in the file.
        Malformed: not EDF. Misdeclared: a unit that the kind cannot have.
    """
    _require_length(path)
    try:
        reader = pyedflib.EdfReader(str(path))
    except OSError as err:
        raise Malformed(f"{path.name}: {err}") from err
    with reader:
        labels = [label.strip() for label in reader.getSignalLabels()]
        missing = set(kinds) - set(labels)
        if missing:
            raise NotDeclared(f"{path.name}: no signal {sorted(missing)}")
        start = require_aware(_local(reader.getStartdatetime(), zone), path.name)
        return tuple(
            Waveform(
                kinds[label],
                label,
                np.asarray(reader.readSignal(place), dtype=np.float64),
                float(reader.getSampleFrequency(place)),
                reader.getPhysicalDimension(place).strip(),
                start,
                clock_id=f"edf:{path.stem}",
            )
            for place, label in enumerate(labels)
            if label in kinds
        )


def _local(time: datetime, zone: tzinfo) -> datetime:
    return time.replace(tzinfo=zone)


def _require_length(path: Path) -> None:
    """Compare the file's size with its own header. Source: EDF specification, Kemp 1992."""
    body = path.read_bytes() if path.is_file() else b""
    if len(body) < _HEADER_BYTES or not body.startswith(b"0       "):
        raise Malformed(f"{path.name}: not an EDF file")
    try:
        header, records, signals = (int(body[a:b]) for a, b in ((184, 192), (236, 244), (252, 256)))
        counts = _HEADER_BYTES + 216 * signals  # the samples per record follow 216 bytes each
        per_record = sum(int(body[counts + 8 * k : counts + 8 * k + 8]) for k in range(signals))
    except ValueError as err:
        raise Malformed(f"{path.name}: {err}") from err
    if header != _HEADER_BYTES + _SIGNAL_BYTES * signals:
        raise Malformed(f"{path.name}: a header of {header} bytes for {signals} signals")
    if records < 0:
        raise NotDeclared(f"{path.name}: the number of records is not stated")
    needed = header + 2 * per_record * records
    if len(body) < needed:
        raise Truncated(f"{path.name}: {len(body)} of {needed} bytes")
