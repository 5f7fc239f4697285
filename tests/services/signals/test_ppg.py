"""Claims about pulse waves on bedside recordings with ECG references."""

import neurokit2
import numpy as np
import pytest

from demo import recordings
from services.signals.ppg import pulses, upstrokes
from services.signals.window import Windows

BIDMC = recordings.names("bidmc")


def windows(name: str) -> Windows:
    recording = recordings.load(name)
    return Windows(recording.windows("ppg", 30.0), recording.rate_hz, "ppg")


def rate_error_bpm(found_s: list[np.ndarray], name: str) -> np.ndarray:
    """Return the error of each window's rate against the R peaks of the same seconds."""
    wanted = recordings.load(name).references["beat_times_s"]
    errors = []
    for row, times in enumerate(found_s):
        inner = wanted[(wanted > 30 * row) & (wanted < 30 * row + 30)]
        expected = 60 / np.diff(inner).mean()
        errors.append(abs(60 / np.diff(times).mean() - expected) if len(times) > 2 else expected)
    return np.array(errors)


def test_rates_agree_with_the_ecg_better_than_a_peer() -> None:
    ours, theirs = [], []
    for name in BIDMC:
        batch = windows(name)
        beats = upstrokes(batch)
        ours.append(rate_error_bpm([beats.of(row) for row in range(batch.count)], name))
        peer = []
        for row in batch.samples:
            clean = neurokit2.ppg_clean(row, 125, method="elgendi")
            peer.append(neurokit2.ppg_peaks(clean, 125)[1]["PPG_Peaks"] / 125)
        theirs.append(rate_error_bpm(peer, name))
    mine, other = np.concatenate(ours), np.concatenate(theirs)
    assert mine.mean() < 0.8 < other.mean()
    assert (mine <= 5).mean() > 0.97 > (other <= 5).mean()


def test_foot_upstroke_and_peak_follow_each_other_in_every_pulse() -> None:
    for name in BIDMC:
        waves = pulses(windows(name))
        known = np.isfinite(waves.upstrokes.times_s)
        foot, steep, top = (
            beats.times_s[known] for beats in (waves.onsets, waves.upstrokes, waves.peaks)
        )
        assert (foot <= steep).all() and (steep <= top + 0.04).all()
        assert 0.05 < np.median(top - foot) < 0.35


def test_upstrokes_alone_are_those_of_the_whole_pulse() -> None:
    batch = windows("bidmc-18")
    whole = pulses(batch).upstrokes.times_s
    assert np.array_equal(upstrokes(batch).times_s, whole, equal_nan=True)


def test_a_known_foot_is_found_between_samples() -> None:
    rate_hz, beat_s = 64.0, 0.8
    at = np.arange(0, 30, 1 / rate_hz)
    foot_s = np.arange(0.31, 29, beat_s)
    wave = np.zeros_like(at)
    for start in foot_s:
        rise = (at - start) / 0.15
        wave += np.where((rise >= 0) & (rise < 1), (1 - np.cos(np.pi * rise)) / 2, 0)
        fall = (at - start - 0.15) / 0.5
        wave += np.where((fall >= 0) & (fall < 1), (1 + np.cos(np.pi * fall)) / 2, 0)
    found = pulses(Windows(wave[None], rate_hz, "ppg")).onsets.of(0)
    inner = found[(found > 1) & (found < 28)]
    away = np.abs(inner[:, None] - foot_s[None]).min(axis=1)
    assert len(inner) == pytest.approx(34, abs=1)
    assert away.max() < 0.04
    assert away.std() < 0.005


def test_the_dicrotic_wave_is_no_beat() -> None:
    at = np.arange(0, 30, 1 / 100)
    wave = np.zeros_like(at)
    for start in np.arange(0.2, 30, 1.0):
        wave += np.exp(-0.5 * ((at - start) / 0.08) ** 2)
        wave += 0.45 * np.exp(-0.5 * ((at - start - 0.35) / 0.08) ** 2)
    found = upstrokes(Windows(wave[None], 100.0, "ppg")).of(0)
    assert np.allclose(np.diff(found[1:-1]), 1.0, atol=0.03)


def test_a_finger_recording_gives_a_plausible_pulse() -> None:
    recording = recordings.load("heartpy-data1")
    batch = Windows(recording.windows("ppg", 20.0), recording.rate_hz, "ppg")
    rate_bpm = 60 / np.nanmedian(np.diff(upstrokes(batch).times_s, axis=1), axis=1)
    assert ((rate_bpm > 50) & (rate_bpm < 100)).all()


def test_a_flat_line_has_no_pulse() -> None:
    assert pulses(Windows(np.full((1, 900), 7.0), 30.0, "ppg")).peaks.times_s.shape == (1, 0)
