"""Claims about grades: calibrated, ranked by error, and honest about their reasons."""

import numpy as np
import pytest

from demo import recordings
from services.signals.ecg import r_peaks
from services.signals.intervals import intervals
from services.signals.ppg import upstrokes
from services.signals.quality import PURPOSES, Flaw, Purpose, Quality, quality
from services.signals.window import Windows


def graded(windows: Windows) -> Quality:
    beats = r_peaks(windows) if windows.kind == "ecg" else upstrokes(windows)
    return quality(windows, beats, intervals(beats), np.full(windows.count, np.nan))


def rate_errors(names: tuple[str, ...], noise: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return rate error and probability of every PPG window, with noise of these sizes."""
    rng, errors, chances = np.random.default_rng(8), [], []
    for name in names:
        recording = recordings.load(name)
        rows, wanted = recording.windows("ppg", 30.0), recording.references["beat_times_s"]
        for size in noise:
            added = size * rows.std(axis=1, keepdims=True) * rng.normal(size=rows.shape)
            windows = Windows(rows + added, recording.rate_hz, "ppg")
            beats = upstrokes(windows)
            for row in range(len(rows)):
                inner = wanted[(wanted > 30 * row) & (wanted < 30 * row + 30)]
                times = beats.of(row)
                found = 60 / np.diff(times).mean() if len(times) > 2 else 0.0
                errors.append(abs(found - 60 / np.diff(inner).mean()))
            chances.append(graded(windows).probability[:, PURPOSES.index(Purpose.RATE)])
    return np.array(errors), np.concatenate(chances)


# Subjects that nothing was fitted on (bench/signals_split.py).
UNSEEN = ("bidmc-06", "bidmc-18", "bidmc-24", "bidmc-43")


def test_refusing_the_worst_tenth_at_least_halves_the_error() -> None:
    errors, chances = rate_errors(UNSEEN, (0.0,))
    kept = np.argsort(-chances, kind="stable")[: int(0.9 * len(errors))]
    assert errors[kept].mean() <= 0.5 * errors.mean()


def test_probabilities_mean_what_they_say() -> None:
    errors, chances = rate_errors(recordings.names("bidmc"), (0.0, 0.5, 1.5))
    right = errors <= 2
    for low, high in ((0.0, 0.5), (0.5, 0.8), (0.8, 1.01)):
        inside = (chances >= low) & (chances < high)
        if inside.sum() >= 30:
            assert abs(right[inside].mean() - chances[inside].mean()) < 0.2
    assert right[chances >= 0.8].mean() > 0.85 > right[chances < 0.5].mean()


def test_a_disqualified_window_is_unusable_for_every_purpose() -> None:
    windows = Windows(np.zeros((1, 3750)), 125.0, "ppg")
    found = graded(windows)
    assert not found.usable.any() and (found.probability == 0).all()
    grade = found.grade(0, Purpose.RATE)
    assert not grade.usable and Flaw.FLAT_LINE in grade.reasons


def test_an_ecg_sampled_too_slowly_for_a_qrs_is_refused() -> None:
    ecg = recordings.load("mitdb-101-0").windows("ecg", 30.0)[:, ::8]
    assert Flaw.WRONG_RATE in graded(Windows(ecg, 45.0, "ecg")).reasons(0)


@pytest.mark.parametrize("factor", [0.3, 4.0])
def test_a_misdeclared_rate_leaves_hardly_a_window_usable(factor: float) -> None:
    rows = recordings.load("bidmc-10").windows("ppg", 30.0)
    assert graded(Windows(rows, 125.0, "ppg")).usable_for(Purpose.RATE).mean() > 0.8
    assert graded(Windows(rows, 125.0 * factor, "ppg")).usable_for(Purpose.RATE).mean() < 0.2


def test_a_rate_below_any_heart_is_a_wrong_rate() -> None:
    at = np.arange(0, 30, 1 / 250)
    spikes = np.sum([np.exp(-0.5 * ((at - k) / 0.012) ** 2) for k in np.arange(1, 30, 3.0)], axis=0)
    hiss = 0.01 * np.random.default_rng(1).normal(size=len(at))  # no flat line
    found = graded(Windows((spikes + hiss)[None], 250.0, "ecg"))  # 20 a minute
    assert found.reasons(0) == (Flaw.WRONG_RATE,) and not found.usable.any()


def test_a_ring_in_motion_is_refused_rather_than_measured() -> None:
    recording = recordings.load("heartpy-ring")
    windows = Windows(recording.windows("ppg", 30.0), recording.rate_hz, "ppg")
    assert graded(windows).usable_for(Purpose.RATE).mean() < 0.1


def test_most_windows_as_recorded_are_accepted() -> None:
    for name in ("bidmc-17", "bidmc-18", "bidmc-51", "bidmc-06"):
        recording = recordings.load(name)
        for stream in ("ecg", "ppg"):
            rows = recording.windows(stream, 30.0)
            found = graded(Windows(rows, recording.rate_hz, stream))
            assert found.usable_for(Purpose.RATE).mean() > 0.9
