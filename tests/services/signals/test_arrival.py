import numpy as np
import pytest

from services.signals.arrival import Arrival, NoArrival, arrival
from services.signals.beats import Beats
from services.signals.window import Windows


def streams(ecg_clock: str | None, ppg_clock: str | None) -> tuple[Windows, Windows]:
    flat = np.zeros((1, 3000))
    return (
        Windows(flat, 100.0, "ecg", clock_id=ecg_clock),
        Windows(flat, 100.0, "ppg", clock_id=ppg_clock),
    )


PEAKS = Beats(np.arange(0.5, 28, 0.8)[None])


@pytest.mark.parametrize("clocks", [(None, None), ("a", None), (None, "a"), ("a", "b")])
def test_without_one_clock_it_is_refused(clocks: tuple[str | None, str | None]) -> None:
    found = arrival(*streams(*clocks), PEAKS, Beats(PEAKS.times_s + 0.22))
    assert found == NoArrival("no_shared_clock")


def test_the_delay_is_the_median_of_the_pairs() -> None:
    onsets = PEAKS.times_s + 0.22
    onsets[0, 4] += 0.1
    found = arrival(*streams("a", "a"), PEAKS, Beats(onsets))
    assert isinstance(found, Arrival)
    assert found.median_ms[0] == pytest.approx(220.0)
    assert found.pairs[0] == PEAKS.count[0]
    assert found.spread_ms[0] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("delay_s", [0.02, 0.75])
def test_a_delay_that_no_artery_has_is_no_pair(delay_s: float) -> None:
    few = Beats(PEAKS.times_s[:, ::12])
    found = arrival(*streams("a", "a"), few, Beats(few.times_s + delay_s))
    assert isinstance(found, Arrival)
    assert found.pairs[0] == 0 and np.isnan(found.median_ms[0])


def test_scattered_delays_are_unknown() -> None:
    delay_s = np.random.default_rng(1).uniform(0.1, 0.6, size=PEAKS.times_s.shape)
    found = arrival(*streams("a", "a"), PEAKS, Beats(np.sort(PEAKS.times_s + delay_s)))
    assert isinstance(found, Arrival)
    assert found.pairs[0] >= 10 and np.isnan(found.median_ms[0])


def test_no_beats_is_unknown() -> None:
    found = arrival(*streams("a", "a"), Beats(np.empty((1, 0))), PEAKS)
    assert isinstance(found, Arrival) and np.isnan(found.median_ms[0])
