import numpy as np

from demo import recordings
from services.signals.ecg import r_peaks
from services.signals.ppg import upstrokes
from services.signals.template import agreement, polarity
from services.signals.window import Windows


def test_beats_of_a_clean_recording_agree_and_noise_does_not() -> None:
    rows = recordings.load("bidmc-51").windows("ppg", 30.0)
    clean = Windows(rows, 125.0, "ppg")
    noise = Windows(np.random.default_rng(1).normal(size=rows.shape), 125.0, "ppg")
    assert np.median(agreement(clean, upstrokes(clean)).mean) > 0.95
    assert np.median(agreement(noise, upstrokes(noise)).mean) < 0.7


def test_agreement_falls_with_noise() -> None:
    recording = recordings.load("mitdb-101-0")
    rows = recording.windows("ecg", 30.0)
    means = []
    for size in (0.0, 0.3, 1.0):
        noise = size * rows.std() * np.random.default_rng(1).normal(size=rows.shape)
        batch = Windows(rows + noise, recording.rate_hz, "ecg")
        means.append(np.mean(agreement(batch, r_peaks(batch)).mean))
    assert means[0] > means[1] > means[2]


def test_agreement_is_unknown_without_beats() -> None:
    flat = Windows(np.zeros((2, 3000)), 100.0, "ecg")
    assert np.isnan(agreement(flat, r_peaks(flat)).mean).all()


def test_a_reversed_pulse_falls_faster_than_it_rises() -> None:
    for name in recordings.names("bidmc"):
        rows = recordings.load(name).windows("ppg", 30.0)
        assert np.median(polarity(Windows(rows, 125.0, "ppg"))) > 0.2
        assert np.median(polarity(Windows(-rows, 125.0, "ppg"))) < -0.2
