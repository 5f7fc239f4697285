"""Which maxima of a batch are beats: judged by level, by neighbours and by rhythm.

Everything is flat arrays over the whole batch, so that the cost per window falls with its size.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter

from services.signals.beats import median_rows, pad_rows
from services.signals.window import BoolArray, Float32Array, FloatArray, IntArray

# Two beats are never closer. Source: the absolute refractory period of the ventricle, 0.2 s.
NEAR_FROM_S = 0.2
# A wave of half the usual height is a beat, not its shadow, more often than not.
STRONG = 0.5


@dataclass(frozen=True, slots=True)
class Rules:
    """How a kind of stream's maxima are judged.

    A candidate is the highest in `peak_width_s` around it. Strength is its height over the median
    of the highest in `level_blocks` blocks of `level_block_s` around. Those below `least_strength`
    are ignored, those above `sure_strength` accepted. Two waves closer than `near_s` (or
    `near_intervals` usual intervals, if less, but never less than half of it) belong to one beat
    unless the weaker has a share of the stronger: `near_share` at `NEAR_FROM_S`, falling to
    `far_share`; closer than that there is one beat at most. A gap of `gap_intervals` usual
    intervals hides a beat, which is above `sought_strength` and keeps `clear_s` from others.
    """

    peak_width_s: float
    level_block_s: float
    level_blocks: int
    least_strength: float
    sure_strength: float
    sought_strength: float
    near_s: float
    near_intervals: float
    near_share: float
    far_share: float
    gap_intervals: float
    clear_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """Waves of a batch, flat, ordered by window and time; `count` windows of `duration_s`."""

    rows: IntArray
    times_s: FloatArray
    strength: Float32Array
    accepted: BoolArray
    count: int
    duration_s: float


def candidates(height: Float32Array, rate_hz: float, rules: Rules) -> Waves:
    """Return the local maxima above the least strength, the sure ones accepted.

    height: (windows, samples). The first and the last sample are never maxima.
    """
    highest = maximum_filter1d(height, round(rules.peak_width_s * rate_hz) | 1, axis=1)
    bar = rules.least_strength * _level(height, rate_hz, rules)
    inner = slice(1, height.shape[1] - 1)
    there = (height[:, inner] == highest[:, inner]) & (height[:, inner] > bar[:, inner])
    rows, at = np.nonzero(there)
    at = at + 1
    strength = height[rows, at] * (rules.least_strength / bar[rows, at])
    sure = strength > rules.sure_strength
    return Waves(rows, at / rate_hz, strength, sure, len(height), height.shape[1] / rate_hz)


def accept(waves: Waves, rules: Rules) -> Waves:
    """Return the accepted waves alone, shadows dropped and gaps filled."""
    waves = _fill_gaps(_drop_shadows(waves, rules), rules)
    kept = waves.accepted
    return replace(
        waves,
        rows=waves.rows[kept],
        times_s=waves.times_s[kept],
        strength=waves.strength[kept],
        accepted=waves.accepted[kept],
    )


def _level(height: Float32Array, rate_hz: float, rules: Rules) -> Float32Array:
    """Return the usual height of a beat around each place, above zero; as `height`."""
    block = min(round(rules.level_block_s * rate_hz), height.shape[1])
    count = height.shape[1] // block
    tops = height[:, : count * block].reshape(len(height), count, block).max(axis=2)
    usual = median_filter(tops, size=(1, min(rules.level_blocks, count)), mode="nearest")
    place = np.minimum(np.arange(height.shape[1]) // block, count - 1)
    level: Float32Array = np.maximum(usual, np.finfo(np.float32).tiny)[:, place]
    return level


def _drop_shadows(waves: Waves, rules: Rules) -> Waves:
    """Return the waves without those that belong to a stronger neighbour's beat."""
    accepted = waves.accepted.copy()
    # From strong waves alone: shadows among them would halve the interval and save themselves.
    usual_s = _usual_interval_s(waves, waves.strength > STRONG)
    near_s = np.clip(rules.near_intervals * usual_s, rules.near_s / 2, rules.near_s)
    for _ in range(3):  # a wave before and a wave after one beat need two passes
        kept = np.flatnonzero(accepted)
        before, after = kept[:-1], kept[1:]
        apart_s = waves.times_s[after] - waves.times_s[before]
        limit_s = near_s[waves.rows[before]]
        near = (waves.rows[before] == waves.rows[after]) & (apart_s < limit_s)
        if not near.any():
            break
        before, after = before[near], after[near]
        far = (apart_s[near] - NEAR_FROM_S) / np.maximum(limit_s[near] - NEAR_FROM_S, 1e-9)
        share = rules.near_share + (rules.far_share - rules.near_share) * np.clip(far, 0, 1)
        share = np.where(apart_s[near] < NEAR_FROM_S, np.inf, share)
        first, second = waves.strength[before], waves.strength[after]
        shadow = np.minimum(first, second) < share * np.maximum(first, second)
        accepted[np.where(first < second, before, after)[shadow]] = False
    return replace(waves, accepted=accepted)


def _fill_gaps(waves: Waves, rules: Rules) -> Waves:
    """Return the waves with the strongest passed-over one accepted in every long gap."""
    kept = np.flatnonzero(waves.accepted)
    if not kept.size:
        return waves
    usual_s = _usual_interval_s(waves, waves.accepted)
    following = np.searchsorted(kept, np.arange(len(waves.rows)))
    start_s, end_s = _gap(waves, kept, following, rules.clear_s)
    eligible = (
        ~waves.accepted
        & (waves.strength > rules.sought_strength)
        & (end_s - start_s > rules.gap_intervals * usual_s[waves.rows])
        & (waves.times_s - start_s > rules.clear_s)
        & (end_s - waves.times_s > rules.clear_s)
    )
    sought = np.flatnonzero(eligible)
    gap = following[sought] * waves.count + waves.rows[sought]
    order = np.lexsort((-waves.strength[sought], gap))
    _, strongest = np.unique(gap[order], return_index=True)
    accepted = waves.accepted.copy()
    accepted[sought[order[strongest]]] = True
    return replace(waves, accepted=accepted)


def _gap(
    waves: Waves, kept: IntArray, following: IntArray, clear_s: float
) -> tuple[FloatArray, FloatArray]:
    """Return the times of the accepted waves before and after each wave; a window's ends else."""
    before, after = kept[np.maximum(following - 1, 0)], kept[np.minimum(following, len(kept) - 1)]
    first = (following == 0) | (waves.rows[before] != waves.rows)
    last = (following == len(kept)) | (waves.rows[after] != waves.rows)
    start_s = np.where(first, -clear_s, waves.times_s[before])
    return start_s, np.where(last, waves.duration_s + clear_s, waves.times_s[after])


def _usual_interval_s(waves: Waves, accepted: BoolArray) -> FloatArray:
    """Return the median interval of each window, one second where there are too few beats."""
    laid = np.diff(pad_rows(waves.rows[accepted], waves.times_s[accepted], waves.count), axis=1)
    few = np.isfinite(laid).sum(axis=1) < 3
    return np.where(few, 1.0, median_rows(laid))
