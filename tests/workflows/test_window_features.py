"""Waiting windows become features: by moment, in one batch, and none waits for ever."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo import recordings
from services.signals.features import FEATURE_ORDER, extract
from services.signals.packing import pack
from services.signals.quality import Flaw, Purpose
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


def real(window_id: str, kind: Kind, **changes: object) -> WaitingWindow:
    recording = recordings.load("bidmc-51")
    samples = recording.windows(kind, 30.0)[0]
    base = window(window_id, kind, samples, rate_hz=recording.rate_hz, clock_id="monitor")
    return replace(base, **changes)  # type: ignore[arg-type]


def assert_alike(one: WindowResult, two: WindowResult) -> None:
    """Equal but for the last digits, which the size of a batch changes."""
    assert (one.window_id, one.grade) == (two.window_id, two.grade)
    first, second = (
        {name: math.nan if value is None else value for name, value in result.features}
        for result in (one, two)
    )
    assert first == pytest.approx(second, rel=1e-3, nan_ok=True)


def respoilt(name: str, rows: np.ndarray) -> np.ndarray:
    low, high = np.quantile(rows, [0.2, 0.5])
    spoilt: dict[str, np.ndarray] = {
        "constant": np.full_like(rows, 3.0),
        "a third missing": np.where(np.arange(len(rows)) % 3 == 0, np.nan, rows),
        "saturated": np.clip(rows, low, high),
        "truncated": rows[: len(rows) // 10],
        "noise": np.random.default_rng(5).normal(size=len(rows)),
        "a marker for no value": np.full_like(rows, 1e300),
    }
    return spoilt[name]


FAULTS = ("constant", "a third missing", "saturated", "truncated", "noise", "a marker for no value")


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_window_is_unusable_gives_no_number_and_spoils_no_other(
    fault: str, kind: Kind
) -> None:
    good = real("good", kind, patient_id="q")
    samples = respoilt(fault, recordings.load("bidmc-51").windows(kind, 30.0)[0])
    bad = replace(good, window_id="bad", patient_id="p", samples=pack(list(samples)))
    results = by_id(extract_waiting([bad, good]))
    assert results["bad"].grade == UNUSABLE
    assert {
        name: value
        for name, value in results["bad"].features
        if value is not None and not name.startswith("quality_")
    } == {}
    assert_alike(results["good"], extract_waiting([good])[0])


RECORDED: dict[Kind, tuple[str, ...]] = {
    "ecg": ("bidmc-04", "bidmc-51", "mitdb-106-600", "mitdb-119-0", "mitdb-208-0"),
    "ppg": ("bidmc-04", "bidmc-10", "bidmc-31", "bidmc-40", "bidmc-51"),
}
NEVER_A_NUMBER = frozenset(FEATURE_ORDER) - {f"quality_{purpose}" for purpose in Purpose}


def uploaded(name: str, kind: Kind, *, upside_down: bool) -> list[WaitingWindow]:
    """Every window of a recording as the gateway keeps it, as recorded or upside down."""
    recording = recordings.load(name)
    sign = -1.0 if upside_down else 1.0
    return [
        replace(
            window(f"{kind}-{row}", kind, samples, rate_hz=recording.rate_hz, clock_id="monitor"),
            started_at=START + timedelta(seconds=30 * row),
            samples=pack([float(sample) for sample in sign * samples]),
        )
        for row, samples in enumerate(recording.windows(kind, 30.0))
    ]


@pytest.mark.parametrize("name", RECORDED["ecg"])
def test_an_ecg_upside_down_gives_the_features_of_the_upright_one(name: str) -> None:
    """Electrodes are swapped easily; the beats are found by their energy, whichever way up."""
    upright = extract_waiting(uploaded(name, "ecg", upside_down=False))
    swapped = extract_waiting(uploaded(name, "ecg", upside_down=True))
    rates = [dict(result.features)["heart_rate_bpm"] for result in upright]
    assert sum(rate is not None for rate in rates) > len(rates) / 2
    for one, two in zip(upright, swapped, strict=True):
        assert_alike(one, two)


@pytest.mark.parametrize("name", RECORDED["ppg"])
def test_a_pulse_wave_upside_down_is_unusable_for_that_reason_and_gives_no_number(
    name: str,
) -> None:
    """Reflected light falls as blood fills the skin: a sender that does not turn it is refused."""
    upright = extract_waiting(uploaded(name, "ppg", upside_down=False))
    assert sum(result.grade != UNUSABLE for result in upright) >= len(upright) / 2
    turned = uploaded(name, "ppg", upside_down=True)
    for result in extract_waiting(turned):
        assert result.grade == UNUSABLE
        assert not [n for n, v in result.features if v is not None and n in NEVER_A_NUMBER]
    recording = recordings.load(name)
    table = extract(ppg=Windows(-recording.windows("ppg", 30.0), recording.rate_hz, "ppg"))
    assert all(("ppg", Flaw.REVERSED_POLARITY) in table.reasons(row) for row in range(len(turned)))


def test_a_pulse_upside_down_beside_a_heart_gives_no_arrival_time_and_leaves_the_heart() -> None:
    hearts = uploaded("bidmc-51", "ecg", upside_down=False)
    turned = uploaded("bidmc-51", "ppg", upside_down=True)
    alone, beside = by_id(extract_waiting(hearts)), by_id(extract_waiting([*hearts, *turned]))
    for heart, pulse in zip(hearts, turned, strict=True):
        features = dict(beside[heart.window_id].features)
        assert features["heart_rate_bpm"] == pytest.approx(
            dict(alone[heart.window_id].features)["heart_rate_bpm"], rel=1e-3
        )
        assert features["pulse_arrival_ms"] is features["pulse_rate_bpm"] is None
        assert beside[pulse.window_id].grade == UNUSABLE


def test_two_devices_at_once_are_judged_apart() -> None:
    """Two watches on one wrist, and a chest strap: no arrival time between unlike clocks."""
    strap = real("strap", "ecg", clock_id="strap")
    watches = [real(f"watch-{n}", "ppg", clock_id=f"watch-{n}") for n in range(2)]
    together = by_id(extract_waiting([strap, *watches]))
    for alone in (strap, *watches):
        assert_alike(together[alone.window_id], extract_waiting([alone])[0])
        assert dict(together[alone.window_id].features)["pulse_arrival_ms"] is None


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(hours=-1), timedelta(hours=1)])
def test_a_clock_that_jumps_parts_the_streams_and_compares_nothing(jump: timedelta) -> None:
    ecg, ppg = real("ecg", "ecg"), real("ppg", "ppg")
    steady = by_id(extract_waiting([ecg, ppg]))
    jumped = by_id(extract_waiting([ecg, replace(ppg, started_at=ppg.started_at + jump)]))
    assert dict(steady["ppg"].features)["pulse_arrival_ms"] is not None
    assert dict(jumped["ppg"].features)["pulse_arrival_ms"] is None
    rate = "pulse_rate_bpm"
    assert dict(jumped["ppg"].features)[rate] == dict(steady["ppg"].features)[rate]


def test_a_pulse_said_to_be_sampled_twice_as_fast_gives_no_rate_beside_its_heart() -> None:
    ecg, ppg = real("ecg", "ecg"), real("ppg", "ppg")
    results = by_id(extract_waiting([ecg, replace(ppg, rate_hz=2 * ppg.rate_hz)]))
    assert {result.grade for result in results.values()} == {UNUSABLE}
    assert dict(results["ecg"].features)["heart_rate_bpm"] is None


ANY_SAMPLES = st.lists(st.none() | st.floats(width=32), min_size=1, max_size=400)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(("ecg", "ppg", "accelerometer")),
    st.sampled_from((0.0, 3.0, 25.0, 99.7, 1000.0, 1e6, float("nan"))),
    st.integers(1, 8),
    ANY_SAMPLES,
)
def test_no_samples_raise_and_no_rate_is_beyond_a_heart(
    kind: Kind, rate_hz: float, times: int, samples: list[float | None]
) -> None:
    given_bytes = pack(samples * times, baseline_kept=kind == "ppg")
    [result] = extract_waiting(
        [replace(window("w", kind, TIMES_S, rate_hz=rate_hz), samples=given_bytes)]
    )
    assert [name for name, _ in result.features] == list(FEATURE_ORDER)
    rates = [dict(result.features)[f"{name}_rate_bpm"] for name in ("heart", "pulse")]
    assert all(rate is None or 25 <= rate <= 220 for rate in rates)


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
