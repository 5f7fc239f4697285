from dataclasses import replace

import numpy as np

from services.signals.candidates import Rules, Waves, accept, candidates

RULES = Rules(
    peak_width_s=0.2,
    level_block_s=2.0,
    level_blocks=5,
    least_strength=0.05,
    sure_strength=0.3,
    sought_strength=0.1,
    near_s=0.4,
    near_intervals=10.0,
    near_share=0.9,
    far_share=0.4,
    gap_intervals=1.6,
    clear_s=0.3,
)
RATE_HZ = 50.0


def spikes(beats: dict[float, float], duration_s: float = 20.0) -> np.ndarray:
    height = np.zeros((1, int(duration_s * RATE_HZ)), np.float32)
    for time_s, size in beats.items():
        height[0, round(time_s * RATE_HZ)] = size
    return height


def found(beats: dict[float, float], rules: Rules = RULES) -> list[float]:
    waves = accept(candidates(spikes(beats), RATE_HZ, rules), rules)
    return [float(time_s) for time_s in np.round(waves.times_s, 2)]


STEADY = {float(k): 1.0 for k in range(1, 19)}


def test_steady_beats_are_all_accepted() -> None:
    assert found(STEADY) == list(STEADY)


def test_a_weaker_wave_close_behind_a_beat_is_its_shadow() -> None:
    assert found(STEADY | {5.3: 0.45}) == list(STEADY)


def test_a_wave_as_strong_as_its_neighbour_is_a_beat() -> None:
    assert 5.34 in found(STEADY | {5.34: 0.95})


def test_a_weak_wave_in_a_long_gap_is_sought_and_a_weaker_is_not() -> None:
    gap = {time: size for time, size in STEADY.items() if time != 8.0}
    assert 8.0 in found(gap | {8.0: 0.2})
    assert 8.0 not in found(gap | {8.0: 0.07})


def test_a_weak_wave_outside_a_gap_stays_out() -> None:
    assert 8.5 not in found(STEADY | {8.5: 0.2})


def test_only_the_strongest_in_a_gap_is_taken() -> None:
    gap = {time: size for time, size in STEADY.items() if time != 8.0}
    times = found(gap | {7.7: 0.15, 8.1: 0.25})
    assert 8.1 in times and 7.7 not in times


def test_the_level_follows_a_quiet_stretch() -> None:
    quiet = {float(k): 0.2 if k > 9 else 1.0 for k in range(1, 19)}
    times = found(quiet)
    assert set(range(12, 19)) <= set(times)
    strict = replace(RULES, sure_strength=0.9, gap_intervals=99.0)
    assert len(found(quiet, replace(strict, level_blocks=1))) >= len(found(quiet, strict))


def test_no_candidates_is_no_beats() -> None:
    waves = accept(candidates(np.zeros((3, 100), np.float32), RATE_HZ, RULES), RULES)
    assert isinstance(waves, Waves) and not waves.rows.size and waves.count == 3
