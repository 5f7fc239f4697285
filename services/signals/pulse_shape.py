"""Shape of the PPG pulse wave: rise, width, and perfusion where the baseline was kept."""

import numpy as np

from services.signals.beats import Beats, median_rows
from services.signals.ppg import Pulses
from services.signals.window import FloatArray, Windows, bridge


def pulse_shape(ppg: Windows, waves: Pulses) -> dict[str, FloatArray]:
    """Return pulse_rise_ms, pulse_width_ms and perfusion_index_percent of each window.

    The width is between the half heights of the rise and of the fall, the perfusion index
    100 × pulse height / level. It is NaN where the stream's baseline was removed: there is no
    level then. Source: Awad 2007 (width); Lima 2002 (perfusion index).
    """
    rise_ms = median_rows((waves.peaks.times_s - waves.onsets.times_s) * 1000.0)
    half_s, height = _half_width(ppg, waves)
    return {
        "pulse_rise_ms": rise_ms,
        "pulse_width_ms": median_rows(half_s) * 1000.0,
        "perfusion_index_percent": _perfusion(ppg, median_rows(height)),
    }


def _value_at(samples: FloatArray, times_s: FloatArray, rate_hz: float) -> FloatArray:
    """Return the sample nearest each time; NaN where there is no time. As `times_s`."""
    known = np.isfinite(times_s)
    at = np.clip(np.rint(np.where(known, times_s, 0.0) * rate_hz), 0, samples.shape[1] - 1)
    found: FloatArray = np.take_along_axis(samples, at.astype(np.intp), axis=1)
    nearest: FloatArray = np.where(known, found, np.nan)
    return nearest


def _half_width(ppg: Windows, waves: Pulses) -> tuple[FloatArray, FloatArray]:
    """Return each pulse's width at half height in s and its height; (windows, pulses)."""
    if not waves.peaks.times_s.shape[1]:
        return waves.peaks.times_s, waves.peaks.times_s
    samples = bridge(ppg.samples, ppg.missing()).astype(np.float64)
    foot = _value_at(samples, waves.onsets.times_s, ppg.rate_hz)
    top = _value_at(samples, waves.peaks.times_s, ppg.rate_hz)
    half = (foot + top) / 2
    ends = _next(waves.onsets)
    steps = np.arange(0.0, 1.0, 0.02)
    after = waves.peaks.times_s[:, :, None] + steps
    value = _value_at(samples, after.reshape(len(samples), -1), ppg.rate_hz).reshape(after.shape)
    below = (value <= half[:, :, None]) & (after < ends[:, :, None])
    fall_s = np.where(below.any(axis=2), steps[below.argmax(axis=2)], np.nan)
    width_s = fall_s + (waves.peaks.times_s - waves.upstrokes.times_s)
    return np.where(top > foot, width_s, np.nan), np.where(top > foot, top - foot, np.nan)


def _next(beats: Beats) -> FloatArray:
    """Return the time of the following beat, NaN for the last; (windows, beats)."""
    following = np.full_like(beats.times_s, np.nan)
    following[:, :-1] = beats.times_s[:, 1:]
    return following


def _perfusion(ppg: Windows, height: FloatArray) -> FloatArray:
    if not ppg.baseline_kept:
        return np.full(ppg.count, np.nan)
    level = np.where(ppg.missing(), np.nan, ppg.samples)
    known = np.isfinite(level)
    mean = np.where(known, level, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    share: FloatArray = np.divide(
        100.0 * height, mean, out=np.full(ppg.count, np.nan), where=mean > 0
    )
    return share
