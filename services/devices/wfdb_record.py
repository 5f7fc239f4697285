"""WFDB records (PhysioNet): a header and its signal files."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
import wfdb

from services.devices.stream import (
    Malformed,
    Misdeclared,
    NotDeclared,
    Truncated,
    Waveform,
    WaveKind,
    require_aware,
)


def read_wfdb(
    header: Path, kinds: Mapping[str, WaveKind], *, started_at: datetime | None = None
) -> tuple[Waveform, ...]:
    """Return the named signals of a record, on one clock.

    header: the .hea file; kinds: what each wanted signal is, by its name in the header;
    started_at: needed when the header has no date and time, and must be aware: a header's own
    time has no zone.

    Raises:
        NotDeclared: no rate, unit or start, or a wanted signal is not in the header.
        Misdeclared: the header states another start or an unknown unit.
        Truncated, Malformed: signal files shorter than the header says, or unreadable.
    """
    if not header.is_file():
        raise Malformed(f"{header.name}: no such header")
    try:
        record = wfdb.rdrecord(str(header.with_suffix("")), physical=False)
    except (ValueError, IndexError, OSError, wfdb.io.header.HeaderSyntaxError) as err:
        raise _named(header, err) from err
    if record.d_signal is None or not record.fs:
        raise NotDeclared(f"{header.name}: no signals or no rate")
    _require_length(header, record)
    values = record.dac()
    start = _start(record.base_datetime, started_at, header.name)
    missing = set(kinds) - set(record.sig_name)
    if missing:
        raise NotDeclared(f"{header.name}: no signal {sorted(missing)}")
    return tuple(
        Waveform(
            kinds[name],
            name,
            np.asarray(values[:, place], dtype=np.float64),
            float(record.fs),
            record.units[place],
            start,
            clock_id=f"wfdb:{header.stem}",
        )
        for place, name in enumerate(record.sig_name)
        if name in kinds
    )


def _named(header: Path, err: Exception) -> Truncated | Malformed:
    """Return a shortage of bytes as Truncated, anything else as Malformed."""
    short = any(word in str(err).lower() for word in ("reshape", "buffer", "size", "samples"))
    return (Truncated if short else Malformed)(f"{header.name}: {err}")


def _require_length(header: Path, record: wfdb.Record) -> None:
    """The library reads a short file without a word: compare with what the header announces."""
    stated = wfdb.rdheader(str(header.with_suffix(""))).sig_len
    if stated is None:
        raise NotDeclared(f"{header.name}: the header states no length")
    if len(record.d_signal) < stated:
        raise Truncated(f"{header.name}: {len(record.d_signal)} of {stated} samples")
    sums = np.asarray(record.d_signal, dtype=np.int64).sum(axis=0) % 65536
    if record.checksum and [int(c) % 65536 for c in record.checksum] != sums.tolist():
        raise Misdeclared(f"{header.name}: the samples do not match the header's checksum")


def _start(stated: datetime | None, declared: datetime | None, name: str) -> datetime:
    start = require_aware(declared if declared is not None else stated, name)
    if stated is not None and declared is not None and stated != declared.replace(tzinfo=None):
        raise Misdeclared(f"{name}: starts at {stated}, declared {declared}")
    return start
