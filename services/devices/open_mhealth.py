"""Open mHealth and IEEE 1752.1 data points: heart rate and blood pressure as JSON."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from services.devices.stream import (
    Malformed,
    MeasureKind,
    Measures,
    Misdeclared,
    NotDeclared,
    moment,
    number,
)

# Where each measure stands in a body, and the unit that its schema demands.
_PLACES: Mapping[str, tuple[tuple[str, MeasureKind, str], ...]] = {
    "heart-rate": (("heart_rate", "heart_rate", "beats/min"),),
    "blood-pressure": (
        ("systolic_blood_pressure", "systolic", "mmHg"),
        ("diastolic_blood_pressure", "diastolic", "mmHg"),
    ),
}
# Source: Open mHealth duration-unit-value; units that are always as long. A measure is over a week
# at most: longer is a mistake in the unit.
_SECONDS: Mapping[str, float] = {
    "sec": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "wk": 604_800.0,
}
MOST_DURATION = timedelta(days=7)
_NAMESPACES = frozenset({"omh", "ieee"})


def read_data_points(points: Iterable[Mapping[str, Any]]) -> tuple[Measures, ...]:
    """Return the measures of data points (parsed JSON), one `Measures` a kind, in order of time.

    A time interval counts at its end, stated or reached from its start and duration.
    Source: Open mHealth schemas heart-rate 1.x/2.x and
    blood-pressure; IEEE 1752.1-2021 header and effective time frame.

    Raises:
        NotDeclared: no schema, unit, value or time (with zone). Misdeclared: another unit.
        Malformed: an unknown schema or a value that is no number.
    """
    found: dict[MeasureKind, list[tuple[datetime, float, str]]] = {}
    for point in points:
        header, body = _part(point, "header"), _part(point, "body")
        at = _time(_part(body, "effective_time_frame"))
        source = _source(header)
        for place, kind, unit in _PLACES[_schema(header)]:
            found.setdefault(kind, []).append((at, _value(_part(body, place), unit), source))
    return tuple(_measures(kind, rows) for kind, rows in found.items())


def _measures(kind: MeasureKind, rows: list[tuple[datetime, float, str]]) -> Measures:
    rows.sort(key=lambda row: row[0])
    return Measures(
        kind,
        tuple(row[0] for row in rows),
        np.array([row[1] for row in rows]),
        tuple(row[2] for row in rows),
    )


def _part(held: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = held.get(name) if isinstance(held, Mapping) else None
    if not isinstance(part, Mapping):
        raise NotDeclared(f"data point: no {name}")
    return part


def _schema(header: Mapping[str, Any]) -> str:
    schema = _part(header, "schema_id")
    name = schema.get("name")
    known = str(schema.get("namespace")) in _NAMESPACES and str(name) in _PLACES
    if not known:
        raise Malformed(f"data point: schema {schema.get('namespace')}:{name} is not read here")
    return str(name)


def _source(header: Mapping[str, Any]) -> str:
    stated = header.get("acquisition_provenance")
    provenance = stated if isinstance(stated, Mapping) else {}
    return str(provenance.get("source_name") or header.get("uuid") or header.get("id") or "unnamed")


def _value(held: Mapping[str, Any], unit: str) -> float:
    if held.get("unit") is None or held.get("value") is None:
        raise NotDeclared(f"data point: no value or unit ({unit})")
    if held["unit"] != unit:
        raise Misdeclared(f"data point: {held['unit']!r} instead of {unit!r}")
    return number(str(held["value"]), "data point")


def _time(frame: Mapping[str, Any]) -> datetime:
    if "date_time" in frame:
        return moment(str(frame["date_time"]), "effective_time_frame")
    interval = _part(frame, "time_interval")
    if "end_date_time" in interval:
        return moment(str(interval["end_date_time"]), "effective_time_frame")
    if "start_date_time" not in interval or "duration" not in interval:
        raise NotDeclared("data point: a time interval without its end")
    start = moment(str(interval["start_date_time"]), "effective_time_frame")
    return start + _duration(_part(interval, "duration"))


def _duration(held: Mapping[str, Any]) -> timedelta:
    """Return a length of time; months and years have none that is always the same."""
    unit = held.get("unit")
    if str(unit) not in _SECONDS:
        raise Misdeclared(f"data point: a duration in {unit!r}")
    seconds = _value(held, str(unit)) * _SECONDS[str(unit)]
    if not 0 <= seconds <= MOST_DURATION.total_seconds():
        raise Misdeclared(f"data point: a duration of {seconds} s")
    return timedelta(seconds=seconds)
