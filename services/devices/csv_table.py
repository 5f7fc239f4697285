"""CSV files with a schema that the caller declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from services.devices.stream import (
    FloatArray,
    Malformed,
    Misdeclared,
    NotDeclared,
    Truncated,
    Waveform,
    WaveKind,
    number,
    require_aware,
    rows_of,
)


@dataclass(frozen=True, slots=True)
class Column:
    """One wanted column: what it is and its unit."""

    kind: WaveKind
    unit: str


@dataclass(frozen=True, slots=True)
class Schema:
    """How to read a file. Every row is one sample of every column.

    columns: by their name in the first row; seconds_column: elapsed seconds, checked against the
    rate; missing: texts that mean "no sample".
    """

    columns: Mapping[str, Column]
    rate_hz: float
    started_at: datetime
    delimiter: str = ","
    decimal: str = "."
    seconds_column: str | None = None
    missing: frozenset[str] = field(default_factory=lambda: frozenset({""}))


# Time stamps may be rounded, but must keep to the rate.
_MOST_DRIFT = 0.01


def read_csv(path: Path, schema: Schema) -> tuple[Waveform, ...]:
    """Return the declared columns as waveforms on one clock.

    Raises:
        NotDeclared: a declared column is not in the file, or the start has no zone.
        Truncated: a row with fewer fields than the first, or no row.
        Malformed: a value that is no number. Misdeclared: time stamps that contradict the rate.
    """
    start = require_aware(schema.started_at, path.name)
    rows = _rows(path, schema)
    if schema.seconds_column is not None:
        _require_rate(rows[schema.seconds_column], schema, path.name)
    return tuple(
        Waveform(
            column.kind,
            name,
            _values(rows[name], schema, name),
            schema.rate_hz,
            column.unit,
            start,
            clock_id=f"csv:{path.stem}",
        )
        for name, column in schema.columns.items()
    )


def _rows(path: Path, schema: Schema) -> dict[str, list[str]]:
    """Return the fields of each column, by its name."""
    table = rows_of(path, schema.delimiter)
    if not table:
        raise Truncated(f"{path.name}: empty")
    names, body = [name.strip() for name in table[0]], [row for row in table[1:] if row]
    wanted = set(schema.columns) | ({schema.seconds_column} - {None})
    if wanted - set(names):
        raise NotDeclared(f"{path.name}: no column {sorted(map(str, wanted - set(names)))}")
    for line, row in enumerate(body, start=2):
        if len(row) < len(names):
            raise Truncated(f"{path.name}: row {line} has {len(row)} of {len(names)} fields")
        if len(row) > len(names):
            raise Malformed(f"{path.name}: row {line} has {len(row)} fields for {len(names)}")
    return {name: [row[place] for row in body] for place, name in enumerate(names)}


def _values(texts: list[str], schema: Schema, name: str) -> FloatArray:
    return np.array(
        [
            np.nan if text.strip() in schema.missing else number(text, name, schema.decimal)
            for text in texts
        ],
        dtype=np.float64,
    )


def _require_rate(texts: list[str], schema: Schema, name: str) -> None:
    seconds = _values(texts, schema, f"{name} time")
    steps = np.diff(seconds)
    if np.isnan(seconds).any() or (steps <= 0).any():
        raise Misdeclared(f"{name}: the time stamps do not rise")
    span = (len(seconds) - 1) / schema.rate_hz
    if len(seconds) > 1 and abs(seconds[-1] - seconds[0] - span) > _MOST_DRIFT * span:
        raise Misdeclared(f"{name}: {len(seconds)} rows over {seconds[-1] - seconds[0]:.3f} s")
    if len(steps) and steps.max() > 1.5 / schema.rate_hz:
        raise Misdeclared(f"{name}: a gap of {steps.max():.3f} s between rows")
