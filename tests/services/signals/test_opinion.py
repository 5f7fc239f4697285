import numpy as np

from demo import recordings
from services.signals.beats import Beats
from services.signals.ecg import r_peaks
from services.signals.intervals import intervals
from services.signals.opinion import second_opinion, unsteadiness
from services.signals.ppg import upstrokes
from services.signals.window import Windows


def test_two_detectors_agree_on_clean_recordings_and_not_on_noise() -> None:
    rng = np.random.default_rng(5)
    ppg = Windows(recordings.load("bidmc-51").windows("ppg", 30.0), 125.0, "ppg")
    ecg = Windows(recordings.load("mitdb-101-0").windows("ecg", 30.0), 360.0, "ecg")
    for clean, find in ((ppg, upstrokes), (ecg, r_peaks)):
        noise = Windows(rng.normal(size=clean.samples.shape), clean.rate_hz, clean.kind)
        assert np.median(second_opinion(clean, find(clean))) > 0.98
        assert np.median(second_opinion(noise, find(noise))) < 0.9


def test_a_beat_that_only_one_sees_lowers_the_share() -> None:
    ecg = Windows(recordings.load("mitdb-230-0").windows("ecg", 30.0)[:1], 360.0, "ecg")
    beats = r_peaks(ecg)
    half = Beats(beats.times_s[:, ::2])
    assert second_opinion(ecg, half)[0] < 0.75 < second_opinion(ecg, beats)[0]
    assert second_opinion(ecg, Beats(np.empty((1, 0))))[0] == 0.0


def test_one_missed_beat_is_unsteady_and_an_irregular_rhythm_is_less_so() -> None:
    steady = np.arange(0, 30, 0.8)
    missed = Beats(np.delete(steady, 15)[None])
    wild = Beats(np.cumsum(0.8 + 0.15 * np.random.default_rng(1).uniform(-1, 1, 38))[None])
    found = [float(unsteadiness(intervals(b))[0]) for b in (Beats(steady[None]), missed, wild)]
    assert found[0] < 1e-6 < found[2] < found[1]
