"""Polar beat-to-beat intervals as text: one interval in ms a line, with or without time stamps."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from services.devices.stream import (
    FloatArray,
    Malformed,
    Measures,
    Misdeclared,
    NotDeclared,
    Truncated,
    moment,
    number,
    require_aware,
    spaced,
    text_of,
)

_STAMPED_HEAD = "Phone timestamp;RR-interval [ms]"
# A strap reports 30-240 beats a minute. Outside, the column is not what it claims, or not ms.
RANGE_MS = (250.0, 2000.0)
_MOST_OUTSIDE = 0.2


def read_rr_text(path: Path, *, device: str, started_at: datetime | None = None) -> Measures:
    """Return the intervals of a recording; each value's time is the end of its interval.

    device: the strap's name; started_at: needed without time stamps, and where the stamps have no
    zone its zone is theirs.

    Raises:
        NotDeclared: no start, or one without zone. Truncated: empty, or a cut last line.
        Malformed: a line that is no interval. Misdeclared: not in ms, or stamps that go back.
    """
    lines = text_of(path).splitlines()
    body = [line.strip() for line in lines if line.strip()]
    stamped = bool(body) and body[0] == _STAMPED_HEAD
    rows = body[1:] if stamped else body
    if not rows:
        raise Truncated(f"{path.name}: no intervals")
    if stamped:
        times, values = _stamped(rows, started_at, path.name)
    else:
        values = np.array([number(row, path.name) for row in rows])
        times = spaced(require_aware(started_at, path.name), np.cumsum(values) / 1000.0)
    _require_ms(values, path.name)
    return Measures("rr_interval", times, values, (device,) * len(values))


def _stamped(
    rows: list[str], started_at: datetime | None, name: str
) -> tuple[tuple[datetime, ...], FloatArray]:
    pairs = [row.split(";") for row in rows]
    if len(pairs[-1]) < 2 or not pairs[-1][1]:
        raise Truncated(f"{name}: the last line is {rows[-1]!r}")
    if any(len(pair) != 2 for pair in pairs):
        raise Malformed(f"{name}: a line is not a time and an interval")
    times = tuple(_time(pair[0], started_at, name) for pair in pairs)
    if any(later < earlier for earlier, later in pairwise(times)):
        raise Misdeclared(f"{name}: the time stamps go back")
    return times, np.array([number(pair[1], name) for pair in pairs])


def _time(text: str, started_at: datetime | None, name: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as err:
        raise Malformed(f"{name}: {text!r} is not a time") from err
    if time.tzinfo is not None:
        return moment(text, name)
    if started_at is None or started_at.tzinfo is None:
        raise NotDeclared(f"{name}: the time stamps have no zone")
    return require_aware(time.replace(tzinfo=started_at.tzinfo), name)


def _require_ms(values: FloatArray, name: str) -> None:
    low, high = RANGE_MS
    outside = float(((values < low) | (values > high)).mean())
    if (values <= 0).any() or outside > _MOST_OUTSIDE:
        raise Misdeclared(
            f"{name}: {outside:.0%} of the intervals are outside {low:.0f}-{high:.0f} ms"
        )
