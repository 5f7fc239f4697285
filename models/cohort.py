"""Cohort files: the only way that people's windows come into training. De-identified JSON lines.

The first line says what the file is; each further line is one consenting patient under a random
subject id with their windows. Whatever is not on the list of fields is refused: a leaked identifier
comes as a field, or as text where a number belongs.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.features import FEATURE_VERSION, FEATURES, RECORD_FEATURES

Array = NDArray[np.float64]

SCHEMA: Final = "cohort-2"
WINDOWS_REFUSED: Final = 500
"""A patient with more windows than this is no patient of this loop: nine years of weeks."""
_HEADER: Final = {"schema", "features", "purpose", "origin", "wearable"}
_PATIENT: Final = {"subject", "consent", "windows"}
_WINDOW: Final = {"x", "mean", "sd", "y"}
# Features lie within ±3 scales; mean and SD are what the filter expects of the next week, y is what
# the cuff then showed, in mmHg.
_RANGES: Final = {"x": (-3.0, 3.0), "mean": (-400.0, 400.0), "sd": (0.0, 200.0), "y": (40.0, 300.0)}
_SUBJECT: Final = re.compile(r"[0-9a-f]{32}")
_ORIGINS: Final = ("simulated", "deidentified")


class BadCohort(ValueError):
    """The cohort file is refused. `name` is the kind of fault, the message its place."""

    name = "bad_cohort"


class NotReadable(BadCohort):
    name = "not_readable"


class WrongSchema(BadCohort):
    name = "wrong_schema"


class LeakedIdentifier(BadCohort):
    name = "leaked_identifier"


class NotANumber(BadCohort):
    name = "not_a_number"


class OutOfRange(BadCohort):
    name = "out_of_range"


class TooFewPatients(BadCohort):
    name = "too_few_patients"


class TooManyWindows(BadCohort):
    name = "too_many_windows"


class NoConsent(BadCohort):
    name = "no_consent"


@dataclass(frozen=True, slots=True)
class Cohort:
    """Windows of all patients, one row a window; `patient` (windows,) ascends from 0."""

    patients: int
    patient: NDArray[np.int64]
    features: Array
    expected: Array
    """(windows,): the filter's expectation of the next window's mean systolic pressure, mmHg."""
    spread: Array
    """The filter's SD of it, mmHg."""
    observed: Array
    """That mean, mmHg."""
    wearable: bool
    sha256: str


def header(origin: str, *, wearable: bool = False) -> dict[str, Any]:
    """Return the first line of a file."""
    return {
        "schema": SCHEMA,
        "features": FEATURE_VERSION,
        "purpose": "research",
        "origin": origin,
        "wearable": wearable,
    }


def write(path: Path, head: dict[str, Any], patients: Iterable[dict[str, Any]]) -> None:
    """Write a cohort file."""
    with path.open("w") as file:
        for line in (head, *patients):
            file.write(json.dumps(line) + "\n")


def read(path: Path, *, at_least: int) -> Cohort:
    """Return the windows of a file.

    Raises:
        BadCohort: one of its kinds, each with its name; nothing of the file is used.
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise NotReadable(f"{path}: {err.strerror}") from err
    lines = content.decode("utf-8", errors="replace").splitlines()
    if not lines:
        raise WrongSchema("the file is empty")
    head = _checked_header(_parsed(lines[0], 0))
    width = len(FEATURES) if head["wearable"] else len(RECORD_FEATURES)
    rows: list[list[float]] = []
    owner: list[int] = []
    subjects: set[str] = set()
    for place, line in enumerate(lines[1:], start=1):
        patient = _checked_patient(_parsed(line, place), place)
        if patient["subject"] in subjects:
            raise WrongSchema(f"line {place}: the subject was there before")
        subjects.add(patient["subject"])
        for row in _windows(patient["windows"], width, place):
            rows.append(row)
            owner.append(len(subjects) - 1)
    if len(subjects) < at_least:
        raise TooFewPatients(
            f"{len(subjects)} patients; the public batch and rate imply {at_least} or more"
        )
    return _assembled(np.array(rows), np.array(owner), len(subjects), width, head, content)


def _assembled(
    rows: Array,
    owner: NDArray[np.int64],
    patients: int,
    width: int,
    head: dict[str, Any],
    content: bytes,
) -> Cohort:
    features = np.zeros((len(rows), len(FEATURES)))
    features[:, :width] = rows[:, :width]
    return Cohort(
        patients=patients,
        patient=owner,
        features=features,
        expected=rows[:, -3],
        spread=rows[:, -2],
        observed=rows[:, -1],
        wearable=bool(head["wearable"]),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _parsed(line: str, place: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as err:
        raise WrongSchema(f"line {place} is no JSON") from err
    if not isinstance(found, dict):
        raise WrongSchema(f"line {place} is no object")
    return found


def _fields(found: dict[str, Any], allowed: set[str], place: int) -> None:
    extra, missing = set(found) - allowed, allowed - set(found)
    if extra:
        # The name of the field is said, never what stands in it.
        raise LeakedIdentifier(f"line {place}: field {sorted(extra)} is not on the list")
    if missing:
        raise WrongSchema(f"line {place}: field {sorted(missing)} is missing")


def _checked_header(found: dict[str, Any]) -> dict[str, Any]:
    if found.get("schema") != SCHEMA:
        raise WrongSchema(f"schema {found.get('schema')!r}; this program reads {SCHEMA!r}")
    _fields(found, _HEADER, 0)
    if found["features"] != FEATURE_VERSION:
        raise WrongSchema(f"features {found['features']!r}; this program has {FEATURE_VERSION!r}")
    if found["origin"] not in _ORIGINS or not isinstance(found["wearable"], bool):
        raise WrongSchema("origin or wearable is not one of those known")
    if found["purpose"] != "research":
        raise NoConsent("the file was not made for research")
    return found


def _checked_patient(found: dict[str, Any], place: int) -> dict[str, Any]:
    _fields(found, _PATIENT, place)
    if not isinstance(found["subject"], str) or not _SUBJECT.fullmatch(found["subject"]):
        raise LeakedIdentifier(f"line {place}: the subject is no random id")
    if found["consent"] != "research":
        raise NoConsent(f"line {place}: the patient did not agree to research")
    windows = found["windows"]
    if not isinstance(windows, list) or not windows:
        raise WrongSchema(f"line {place}: no windows")
    if len(windows) > WINDOWS_REFUSED:
        raise TooManyWindows(f"line {place}: {len(windows)} windows, at most {WINDOWS_REFUSED}")
    return found


def _windows(windows: list[Any], width: int, place: int) -> Iterator[list[float]]:
    for window in windows:
        if not isinstance(window, dict):
            raise WrongSchema(f"line {place}: a window is no object")
        _fields(window, _WINDOW, place)
        x = window["x"]
        if not isinstance(x, list):
            raise WrongSchema(f"line {place}: x is a list")
        if len(x) != width:
            raise WrongSchema(f"line {place}: {len(x)} features; {width} belong")
        row = [*x, window["mean"], window["sd"], window["y"]]
        if any(isinstance(value, str) for value in row):
            raise LeakedIdentifier(f"line {place}: text where a number belongs")
        if not all(_is_number(value) for value in row) or window["sd"] <= 0:
            raise NotANumber(f"line {place}: a value is no finite number, or sd is not above 0")
        _in_range(window, place)
        yield row


def _in_range(window: dict[str, Any], place: int) -> None:
    """A value that overflows float32 would turn a whole private sum into no number."""
    for field, (low, high) in _RANGES.items():
        held = window[field] if isinstance(window[field], list) else [window[field]]
        if not all(low <= value <= high for value in held):
            raise OutOfRange(f"line {place}: {field!r} is outside {low:g} to {high:g}")


def _is_number(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return True  # However long: the range is asked next, and float() of it would overflow.
    return isinstance(value, float) and math.isfinite(value)
