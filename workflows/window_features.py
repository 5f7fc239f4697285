"""Window features: waiting windows, grouped into moments and extracted a batch at a time. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from services.signals.features import FEATURE_ORDER, FEATURE_VERSION, FeatureTable, extract
from services.signals.packing import Samples, UnreadableSamples, unpack
from services.signals.quality import PURPOSES, Purpose
from services.signals.window import Kind, WindowRefused, Windows

UNREADABLE = "unreadable"
UNUSABLE = "unusable"

# An accelerometer's unit in g; ECG and PPG may come in any unit.
G_PER_UNIT = {"g": 1.0, "mg": 0.001, "m/s2": 1 / 9.80665, "m/s²": 1 / 9.80665}


@dataclass(frozen=True, slots=True)
class WaitingWindow:
    """One stored window, opened. `samples` are as `services.signals.packing` packs them."""

    window_id: str
    patient_id: str
    signal: Kind
    rate_hz: float
    unit: str
    started_at: datetime
    clock_id: str
    samples: bytes


@dataclass(frozen=True, slots=True)
class WindowResult:
    """Features of the window's moment, every name of `FEATURE_ORDER`; None: not measurable.

    `grade` names the purposes that the window's own stream may be used for, joined by "+".
    """

    window_id: str
    features: tuple[tuple[str, float | None], ...]
    grade: str
    feature_version: str = FEATURE_VERSION


# Streams of one moment: same patient, same clock, same start.
Moment = dict[Kind, tuple[WaitingWindow, Samples]]


def extract_waiting(windows: Sequence[WaitingWindow]) -> tuple[WindowResult, ...]:
    """Return one result for each window, unreadable ones included, so that none waits for ever."""
    readable, results = [], []
    for window in windows:
        samples = _samples(window)
        if samples is None:
            results.append(_without_features(window, UNREADABLE))
        else:
            readable.append((window, samples))
    for moments in _alike(_moments(readable)):
        results.extend(_extract_alike(moments))
    return tuple(results)


def _samples(window: WaitingWindow) -> Samples | None:
    """Return samples in the unit of their kind; None when they cannot be what they say."""
    try:
        samples = unpack(window.samples)
    except UnreadableSamples:
        return None
    if window.signal != "accelerometer":
        return samples
    scale = G_PER_UNIT.get(window.unit)
    return None if scale is None else replace(samples, values=samples.values * scale)


def _moments(windows: Iterable[tuple[WaitingWindow, Samples]]) -> list[Moment]:
    found: dict[tuple[object, ...], Moment] = {}
    for window, samples in windows:
        key: tuple[object, ...] = (window.patient_id, window.clock_id, window.started_at)
        if window.signal in found.get(key, {}):
            key = (*key, window.window_id)  # the same moment twice, under another client id
        found.setdefault(key, {})[window.signal] = (window, samples)
    return list(found.values())


def _alike(moments: Iterable[Moment]) -> list[list[Moment]]:
    """Group moments whose streams have the same kinds, rates, lengths and level: one array each."""
    groups: dict[tuple[object, ...], list[Moment]] = {}
    for moment in moments:
        form = tuple(
            (kind, window.rate_hz, len(samples.values), samples.baseline_kept)
            for kind, (window, samples) in sorted(moment.items())
        )
        groups.setdefault(form, []).append(moment)
    return list(groups.values())


def _extract_alike(moments: Sequence[Moment]) -> list[WindowResult]:
    try:
        streams = {kind: _stack(kind, moments) for kind in moments[0]}
        table = extract(
            ecg=streams.get("ecg"),
            ppg=streams.get("ppg"),
            accelerometer=streams.get("accelerometer"),
        )
    except WindowRefused:
        # A rate that no wearable has: the rest of the batch must not wait because of it.
        return [_without_features(window, UNREADABLE) for m in moments for window, _ in m.values()]
    return [
        WindowResult(window.window_id, _named(table, row), _grade(table, kind, row))
        for row, moment in enumerate(moments)
        for kind, (window, _) in moment.items()
    ]


def _stack(kind: Kind, moments: Sequence[Moment]) -> Windows:
    first, held = moments[0][kind]
    samples = np.stack([moment[kind][1].values for moment in moments])
    return Windows(
        samples,
        first.rate_hz,
        kind,
        clock_id=first.clock_id,
        baseline_kept=held.baseline_kept,
    )


def _named(table: FeatureTable, row: int) -> tuple[tuple[str, float | None], ...]:
    return tuple(
        (name, value if math.isfinite(value) else None) for name, value in table.row(row).items()
    )


def _grade(table: FeatureTable, kind: Kind, row: int) -> str:
    if kind == "accelerometer":
        motion = table.column("motion_deviation_g")[row]
        return "motion" if math.isfinite(motion) else UNUSABLE
    trust = table.ecg if kind == "ecg" else table.ppg
    if trust is None:
        return UNUSABLE
    usable: list[Purpose] = [p for p in PURPOSES if trust.grade(row, p).usable]
    return "+".join(p.value for p in usable) or UNUSABLE


def _without_features(window: WaitingWindow, grade: str) -> WindowResult:
    return WindowResult(window.window_id, tuple((name, None) for name in FEATURE_ORDER), grade)


def shows_irregular_rhythm(result: WindowResult) -> bool:
    """Whether a window fit for judging rhythm shows an irregular one."""
    fit = Purpose.RHYTHM.value in result.grade.split("+")
    return fit and dict(result.features).get("irregular_rhythm") == 1.0
