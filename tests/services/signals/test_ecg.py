"""Claims about R peaks on recordings with cardiologists' beats."""

import numpy as np
import pytest
import sleepecg

from demo import recordings
from services.signals.ecg import r_peaks
from services.signals.window import Windows
from tests.services.signals.accuracy import f1, inside

MITDB = recordings.names("mitdb")


def found(name: str, factor: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return found and reference beats of a whole excerpt, from windows of 30 s."""
    recording = recordings.load(name)
    rows = recording.windows("ecg", 30.0)
    beats = r_peaks(Windows(factor * rows, recording.rate_hz, "ecg"))
    times = [inside(beats.of(row), 0.5, 29.5) + 30.0 * row for row in range(len(rows))]
    wanted = recording.references["beat_times_s"]
    near_edge = np.minimum(wanted % 30.0, 30.0 - wanted % 30.0) < 0.5
    return np.concatenate(times), wanted[~near_edge & (wanted < 30.0 * len(rows))]


@pytest.mark.parametrize("name", MITDB)
def test_beats_are_those_of_the_cardiologists(name: str) -> None:
    times, wanted = found(name)
    assert f1(times, wanted, 0.15) > 0.96
    assert f1(times, wanted, 0.05) > 0.93


def test_all_together_reach_the_target() -> None:
    pairs = [found(name) for name in MITDB]
    times = np.concatenate([t + 1000.0 * k for k, (t, _) in enumerate(pairs)])
    wanted = np.concatenate([w + 1000.0 * k for k, (_, w) in enumerate(pairs)])
    assert f1(times, wanted, 0.15) > 0.995
    assert f1(times, wanted, 0.05) > 0.985


def test_a_peer_finds_fewer_of_the_same_beats() -> None:
    ours, theirs = [], []
    for name in MITDB:
        recording = recordings.load(name)
        ecg, wanted = recording.samples["ecg"], recording.references["beat_times_s"]
        peer = sleepecg.heartbeats.detect_heartbeats(ecg, recording.rate_hz) / recording.rate_hz
        beats = r_peaks(Windows(ecg[None], recording.rate_hz, "ecg")).of(0)
        theirs.append(f1(peer, wanted, 0.05))
        ours.append(f1(beats, wanted, 0.05))
    assert np.mean(ours) > np.mean(theirs)


def test_reversed_leads_give_the_same_beats() -> None:
    upright, reversed_ = found("mitdb-101-0"), found("mitdb-101-0", factor=-1.0)
    assert np.allclose(upright[0], reversed_[0], atol=1e-3)


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
def test_the_unit_does_not_matter(factor: float) -> None:
    assert np.allclose(found("mitdb-119-0")[0], found("mitdb-119-0", factor)[0], atol=1e-3)


def test_a_flat_line_has_no_beats() -> None:
    assert r_peaks(Windows(np.zeros((2, 3600)), 120.0, "ecg")).times_s.shape == (2, 0)


@pytest.mark.parametrize("rate_hz", [100.0, 128.0, 250.0, 512.0, 1000.0])
def test_beats_are_the_same_at_any_rate(rate_hz: float) -> None:
    recording = recordings.load("mitdb-230-0")
    ecg = recording.samples["ecg"][: int(60 * recording.rate_hz)]
    had = np.arange(len(ecg)) / recording.rate_hz
    again = np.interp(np.arange(0, had[-1], 1 / rate_hz), had, ecg)
    wanted = inside(recording.references["beat_times_s"], 0.5, 59.0)
    times = inside(r_peaks(Windows(again[None], rate_hz, "ecg")).of(0), 0.5, 59.0)
    assert f1(times, wanted, 0.05) > 0.98


def test_beats_of_noise_never_run_into_each_other() -> None:
    noise = np.random.default_rng(3).normal(size=(8, 3600))
    beats = r_peaks(Windows(noise, 120.0, "ecg"))
    assert np.nanmin(np.diff(beats.times_s, axis=1)) > 0.1
