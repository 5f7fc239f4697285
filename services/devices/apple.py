"""Apple Health: an ECG as CSV, and heart rates from the export's XML."""

from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from services.devices.stream import (
    Malformed,
    Measures,
    Misdeclared,
    NotDeclared,
    Truncated,
    Waveform,
    number,
    require_aware,
    rows_of,
)

_ECG_FIELDS = ("Recorded Date", "Sample Rate", "Unit")
_HEART_RATE = "HKQuantityTypeIdentifierHeartRate"
# An ECG of the watch lasts 30 s; a shorter one was cut off.
ECG_DURATION_S = 30.0
_LEAST_SHARE = 0.95


def read_ecg_csv(path: Path, *, decimal: str = ".") -> Waveform:
    """Return the ECG of an Apple Health export.

    decimal: the decimal mark of the phone's language, which the file does not state.

    Raises:
        NotDeclared: no recorded date, sample rate or unit in the head of the file.
        Truncated: clearly less than 30 s. Malformed: a line that is no number.
    """
    rows = [row for row in rows_of(path) if any(cell.strip() for cell in row)]
    head = {row[0].strip(): row[1].strip() for row in rows if len(row) == 2 and _is_name(row[0])}
    absent = [name for name in _ECG_FIELDS if not head.get(name)]
    if absent:
        raise NotDeclared(f"{path.name}: no {', '.join(absent)}")
    rate_hz = _rate(head["Sample Rate"], decimal, path.name)
    body = [",".join(row) for row in rows if not _is_name(row[0])]
    samples = np.array([number(text, path.name, decimal) for text in body])
    if len(samples) < _LEAST_SHARE * ECG_DURATION_S * rate_hz:
        raise Truncated(f"{path.name}: {len(samples) / rate_hz:.1f} s of {ECG_DURATION_S:.0f} s")
    start = _time(head["Recorded Date"], path.name)
    return Waveform("ecg", head.get("Lead", "Lead I"), samples, rate_hz, head["Unit"], start)


def _is_name(text: str) -> bool:
    return text.strip()[:1].isalpha()


def _rate(text: str, decimal: str, name: str) -> float:
    value, _, unit = text.strip().partition(" ")
    if unit.lower() not in {"hertz", "hz"}:
        raise NotDeclared(f"{name}: a sample rate of {text!r} has no unit")
    return number(value, f"{name} sample rate", decimal)


def _time(text: str, name: str) -> datetime:
    try:
        return require_aware(datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z"), name)
    except ValueError as err:
        if isinstance(err, NotDeclared):
            raise
        raise Malformed(f"{name}: {text!r} is not a time with its zone") from err


def read_heart_rates(path: Path) -> Measures:
    """Return every heart rate of an export.xml, in order of time.

    Raises:
        Truncated, Malformed: the XML does not end or is not an Apple Health export.
        Misdeclared: a record in another unit than counts per minute.
    """
    found: list[tuple[datetime, float, str]] = []
    try:
        for event, element in ElementTree.iterparse(path, events=("start", "end")):
            if event == "start":
                continue
            if element.tag == "Record" and element.get("type") == _HEART_RATE:
                found.append(_heart_rate(element, path.name))
            if element.tag == "Record":
                element.clear()  # an export holds millions of records
        root = element.tag
    except ElementTree.ParseError as err:
        ended = "no element found" in str(err) or "unclosed" in str(err)
        raise (Truncated if ended else Malformed)(f"{path.name}: {err}") from err
    if root != "HealthData":
        raise Malformed(f"{path.name}: the root is {root}, not HealthData")
    found.sort(key=lambda row: row[0])
    return Measures(
        "heart_rate",
        tuple(time for time, _, _ in found),
        np.array([value for _, value, _ in found]),
        tuple(source for _, _, source in found),
    )


def _heart_rate(element: ElementTree.Element, name: str) -> tuple[datetime, float, str]:
    if element.get("unit") != "count/min":
        raise Misdeclared(f"{name}: a heart rate in {element.get('unit')!r}")
    start, value, source = (element.get(key) for key in ("startDate", "value", "sourceName"))
    if start is None or value is None or source is None:
        raise NotDeclared(f"{name}: a heart rate without time, value or source")
    return _time(start, name), number(value, name), source
