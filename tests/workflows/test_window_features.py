"""Waiting windows become features: by moment, in one batch, and none waits for ever."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from demo import recordings
from services.signals.features import FEATURE_ORDER, extract
from services.signals.packing import pack
from services.signals.window import Kind, Windows
from workflows.window_features import (
    UNREADABLE,
    UNUSABLE,
    WaitingWindow,
    WindowResult,
    extract_waiting,
    shows_irregular_rhythm,
)

START = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
RATE_HZ = 100.0
SECONDS = 30
STREAMS: tuple[Kind, ...] = ("ecg", "ppg")
TIMES_S = np.arange(int(RATE_HZ * SECONDS)) / RATE_HZ


def pulse_wave(rate_bpm: float) -> np.ndarray:
    """A smooth pulse with a second wave: made up, and only for sorting and stacking."""
    phase = 2 * np.pi * rate_bpm / 60 * TIMES_S
    return np.sin(phase) + 0.3 * np.sin(2 * phase + 0.7)


def window(window_id: str, kind: Kind, samples: np.ndarray, **changes: object) -> WaitingWindow:
    base = WaitingWindow(
        window_id=window_id,
        patient_id="p",
        signal=kind,
        rate_hz=RATE_HZ,
        unit="g" if kind == "accelerometer" else "au",
        started_at=START,
        clock_id="watch",
        samples=pack([float(sample) for sample in samples]),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def by_id(results: tuple[WindowResult, ...]) -> dict[str, WindowResult]:
    return {result.window_id: result for result in results}


def test_a_batch_gives_what_each_window_alone_gives() -> None:
    waves = {f"w{rate}": pulse_wave(rate) for rate in (55, 72, 90)}
    windows = [
        window(name, "ppg", wave, patient_id=name, started_at=START) for name, wave in waves.items()
    ]
    together = by_id(extract_waiting(windows))
    for name, wave in waves.items():
        alone = extract(ppg=Windows(wave[np.newaxis], RATE_HZ, "ppg", clock_id="watch"))
        for feature, value in together[name].features:
            expected = alone.row(0)[feature]
            if np.isnan(expected):
                assert value is None
            else:
                assert value == pytest.approx(expected, rel=1e-6)


def test_streams_of_one_moment_are_taken_together() -> None:
    still = np.ones_like(TIMES_S)
    results = by_id(
        extract_waiting(
            [window("pulse", "ppg", pulse_wave(70)), window("motion", "accelerometer", still)]
        )
    )
    for window_id in ("pulse", "motion"):
        features = dict(results[window_id].features)
        assert features["pulse_rate_bpm"] == pytest.approx(70, abs=1)
        assert features["motion_deviation_g"] == pytest.approx(0, abs=1e-6)
    assert results["motion"].grade == "motion"


@pytest.mark.parametrize(
    "apart",
    [
        {"clock_id": "phone"},
        {"patient_id": "q"},
        {"started_at": START + timedelta(seconds=1)},
    ],
)
def test_another_clock_patient_or_moment_is_not_mixed_in(apart: dict[str, object]) -> None:
    shaken = 1 + 0.5 * pulse_wave(120)
    results = by_id(
        extract_waiting(
            [
                window("pulse", "ppg", pulse_wave(70)),
                window("motion", "accelerometer", shaken, **apart),
            ]
        )
    )
    assert dict(results["pulse"].features)["motion_deviation_g"] is None


@pytest.mark.parametrize(
    "broken",
    [
        replace(window("w", "ppg", TIMES_S), samples=b""),
        replace(window("w", "ppg", TIMES_S), samples=b"12345"),
        window("w", "ppg", TIMES_S, rate_hz=3.0),
        window("w", "accelerometer", TIMES_S, unit="furlongs"),
    ],
    ids=["empty", "torn", "impossible rate", "unknown unit"],
)
def test_an_unreadable_window_ends_and_delays_nobody(broken: WaitingWindow) -> None:
    good = window("good", "ppg", pulse_wave(70), patient_id="q")
    results = by_id(extract_waiting([broken, good]))
    assert results["w"].grade == UNREADABLE
    assert [name for name, _ in results["w"].features] == list(FEATURE_ORDER)
    assert all(value is None for _, value in results["w"].features)
    assert dict(results["good"].features)["pulse_rate_bpm"] == pytest.approx(70, abs=1)


def test_a_declared_baseline_reaches_the_perfusion_index_and_is_never_taken_for_granted() -> None:
    samples = [float(sample) for sample in 1000 + 10 * pulse_wave(70)]
    base = window("silent", "ppg", TIMES_S)
    silent = replace(base, samples=pack(samples))
    packed = pack(samples, baseline_kept=True)
    kept = replace(base, window_id="kept", patient_id="q", samples=packed)
    results = by_id(extract_waiting([kept, silent]))
    assert dict(results["kept"].features)["perfusion_index_percent"] == pytest.approx(2, abs=0.5)
    assert dict(results["silent"].features)["perfusion_index_percent"] is None


def test_every_feature_is_measured_somewhere_on_the_way_from_the_gateways_bytes() -> None:
    """A name in the order that no upload could ever fill would be a promise not kept."""
    recording = recordings.load("bidmc-51")
    windows = [
        replace(
            window(f"{stream}-{number}", stream, TIMES_S, rate_hz=recording.rate_hz),
            started_at=START + timedelta(seconds=30 * number),
            samples=pack([float(s) + 10.0 for s in samples], baseline_kept=stream == "ppg"),
        )
        for stream in STREAMS
        for number, samples in enumerate(recording.windows(stream, 30.0))
    ]
    still = [
        window(f"still-{n}", "accelerometer", np.ones_like(TIMES_S), started_at=w.started_at)
        for n, w in enumerate(windows[: len(windows) // 2])
    ]
    results = extract_waiting([*windows, *still])
    measured = {name for r in results for name, value in r.features if value is not None}
    assert measured == set(FEATURE_ORDER)


def test_a_window_without_a_signal_is_graded_unusable_and_no_number_is_made_up() -> None:
    nothing = np.full_like(TIMES_S, np.nan)
    [result] = extract_waiting([window("w", "ppg", nothing)])
    assert result.grade == UNUSABLE
    assert dict(result.features)["pulse_rate_bpm"] is None


def test_the_same_moment_twice_gives_two_results() -> None:
    wave = pulse_wave(70)
    results = extract_waiting([window("a", "ppg", wave), window("b", "ppg", wave)])
    assert sorted(result.window_id for result in results) == ["a", "b"]


@pytest.mark.parametrize("unit", ["g", "mg", "m/s2"])
def test_motion_is_in_g_whatever_the_unit(unit: str) -> None:
    per_g = {"g": 1.0, "mg": 1000.0, "m/s2": 9.80665}[unit]
    shaken = (1 + 0.2 * np.sin(2 * np.pi * 2 * TIMES_S)) * per_g
    [result] = extract_waiting([window("w", "accelerometer", shaken, unit=unit)])
    [in_g] = extract_waiting([window("w", "accelerometer", shaken / per_g)])
    assert dict(result.features)["motion_deviation_g"] == pytest.approx(
        dict(in_g.features)["motion_deviation_g"], rel=1e-4
    )


@pytest.mark.parametrize(
    ("grade", "value", "shows"),
    [("rate+rhythm", 1.0, True), ("rate", 1.0, False), ("rhythm", 0.0, False)],
)
def test_a_rhythm_flag_needs_a_window_fit_for_rhythm(grade: str, value: float, shows: bool) -> None:
    assert shows_irregular_rhythm(WindowResult("w", (("irregular_rhythm", value),), grade)) is shows
