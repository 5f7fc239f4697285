"""Features of one recording moment, in the one order that training and serving share."""

from dataclasses import dataclass, field, replace

import numpy as np

from services.signals.arrival import Arrival, arrival
from services.signals.beats import Beats
from services.signals.ecg import r_peaks
from services.signals.intervals import Intervals, intervals, rate_bpm
from services.signals.motion import motion
from services.signals.ppg import pulses
from services.signals.pulse_shape import pulse_shape
from services.signals.quality import Flaw, Purpose, Quality, contradicted, quality
from services.signals.rhythm import rhythm
from services.signals.variability import variability
from services.signals.window import BoolArray, FloatArray, Kind, Windows, WrongShape

# Raise the version whenever a name, a unit, an order or a meaning below changes: a model refuses
# features of a version that it was not trained on.
FEATURE_VERSION = "2"
FEATURE_ORDER: tuple[str, ...] = (
    "heart_rate_bpm",
    "pulse_rate_bpm",
    "mean_nn_ms",
    "sdnn_ms",
    "rmssd_ms",
    "pnn50_fraction",
    "poincare_sd1_ms",
    "poincare_sd2_ms",
    "artefact_fraction",
    "rr_entropy",
    "irregular_rhythm_probability",
    "irregular_rhythm",
    "pulse_arrival_ms",
    "pulse_arrival_spread_ms",
    "pulse_rise_ms",
    "pulse_width_ms",
    "perfusion_index_percent",
    "motion_deviation_g",
    "activity_class",
    "rest",
    "quality_rate",
    "quality_variability",
    "quality_morphology",
    "quality_rhythm",
)

# Pulse rate over heart rate beyond which the two streams contradict each other. Source: chosen; two
# beats of 30 s at 40 a minute are a tenth.
MOST_PULSE_SHARE = 1.1

# Windows worked on at once: pairs of beats are compared, so memory grows with this.
CHUNK = 256


class MismatchedMoment(WrongShape):
    """The streams of one moment do not have the same number of windows, or the wrong kind."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Features of a batch.

    values: float64, (windows, len(FEATURE_ORDER)); NaN means "not measurable", never zero.
    ecg, ppg: the trust in each stream; None where the moment has no such stream.
    """

    values: FloatArray
    ecg: Quality | None
    ppg: Quality | None
    version: str = FEATURE_VERSION

    def column(self, name: str) -> FloatArray:
        """Return one feature of every window. Raises ValueError for an unknown name."""
        column: FloatArray = self.values[:, FEATURE_ORDER.index(name)]
        return column

    def row(self, index: int) -> dict[str, float]:
        """Return the features of one window by name."""
        return dict(zip(FEATURE_ORDER, map(float, self.values[index]), strict=True))

    def reasons(self, index: int) -> tuple[tuple[Kind, Flaw], ...]:
        """Return each stream's flaws in one window."""
        streams: tuple[tuple[Kind, Quality | None], ...] = (("ecg", self.ecg), ("ppg", self.ppg))
        return tuple(
            (kind, flaw)
            for kind, trust in streams
            if trust is not None
            for flaw in trust.reasons(index)
        )

    def usable_for(self, purpose: Purpose) -> FloatArray:
        """Return 1 where any stream may be used for a purpose, else 0. (windows,)"""
        usable = np.zeros(len(self.values))
        for trust in (self.ecg, self.ppg):
            if trust is not None:
                usable = np.maximum(usable, trust.usable_for(purpose))
        return usable


@dataclass(frozen=True, slots=True, eq=False)
class _Stream:
    windows: Windows
    beats: Beats
    onsets: Beats
    intervals: Intervals
    quality: Quality
    shape: dict[str, FloatArray] = field(default_factory=dict)


def extract(
    *,
    ecg: Windows | None = None,
    ppg: Windows | None = None,
    accelerometer: Windows | None = None,
) -> FeatureTable:
    """Return the features of recording moments; row i of each stream is the same moment.

    Bad data never raise: they are graded unusable with a reason and their features are NaN.

    Raises:
        MismatchedMoment: no stream at all, a stream of the wrong kind, or different counts.
    """
    streams: dict[Kind, Windows | None] = {
        "ecg": ecg,
        "ppg": ppg,
        "accelerometer": accelerometer,
    }
    count = _count(streams)
    parts = [
        _extract({kind: _rows(windows, begin) for kind, windows in streams.items()})
        for begin in range(0, max(count, 1), CHUNK)
    ]
    return FeatureTable(
        np.concatenate([part.values for part in parts]),
        _join([part.ecg for part in parts]),
        _join([part.ppg for part in parts]),
    )


def _rows(windows: Windows | None, begin: int) -> Windows | None:
    """Return up to `CHUNK` windows from one on."""
    if windows is None:
        return None
    kept = slice(begin, begin + CHUNK)
    gaps = None if windows.gaps is None else windows.gaps[kept]
    return replace(windows, samples=windows.samples[kept], gaps=gaps)


def _join(parts: list[Quality | None]) -> Quality | None:
    given = [part for part in parts if part is not None]
    if not given:
        return None
    return Quality(
        np.concatenate([part.probability for part in given]),
        np.concatenate([part.usable for part in given]),
        np.concatenate([part.flaws for part in given]),
    )


def _extract(streams: dict[Kind, Windows | None]) -> FeatureTable:
    ecg, ppg, accelerometer = streams["ecg"], streams["ppg"], streams["accelerometer"]
    count = _count(streams)
    columns = {name: np.full(count, np.nan) for name in FEATURE_ORDER}
    deviation_g = np.full(count, np.nan)
    if accelerometer is not None:
        deviation_g = _add_motion(columns, accelerometer)
    heart = _ecg_stream(ecg, deviation_g) if ecg is not None else None
    pulse = _ppg_stream(ppg, deviation_g) if ppg is not None else None
    heart, pulse = _without_contradiction(heart, pulse)
    _add_rates(columns, heart, pulse)
    _add_rhythm(columns, heart, pulse)
    _add_pulse(columns, heart, pulse)
    return FeatureTable(
        np.stack([columns[name] for name in FEATURE_ORDER], axis=1),
        heart.quality if heart else None,
        pulse.quality if pulse else None,
    )


def _count(streams: dict[Kind, Windows | None]) -> int:
    given = {kind: windows for kind, windows in streams.items() if windows is not None}
    wrong = [kind for kind, windows in given.items() if windows.kind != kind]
    counts = {windows.count for windows in given.values()}
    if wrong or len(counts) != 1:
        raise MismatchedMoment(f"wrong kind: {wrong}; windows per stream: {sorted(counts)}")
    return counts.pop()


def _ecg_stream(windows: Windows, deviation_g: FloatArray) -> _Stream:
    beats = r_peaks(windows)
    found = intervals(beats)
    return _Stream(windows, beats, beats, found, quality(windows, beats, found, deviation_g))


def _ppg_stream(windows: Windows, deviation_g: FloatArray) -> _Stream:
    waves = pulses(windows)
    found = intervals(waves.upstrokes)
    trust = quality(windows, waves.upstrokes, found, deviation_g)
    return _Stream(
        windows, waves.upstrokes, waves.onsets, found, trust, pulse_shape(windows, waves)
    )


def _without_contradiction(
    heart: _Stream | None, pulse: _Stream | None
) -> tuple[_Stream | None, _Stream | None]:
    """Return the streams untrusted where the pulse is faster than the heart.

    A beat may make no pulse, but there is no pulse without a beat: one of the two has another
    sampling rate than it says, or was recorded from somebody else. Which one cannot be told.
    """
    if heart is None or pulse is None:
        return heart, pulse
    faster: BoolArray = _rate(pulse) > MOST_PULSE_SHARE * _rate(heart)  # False where unknown
    return (
        replace(heart, quality=contradicted(heart.quality, faster)),
        replace(pulse, quality=contradicted(pulse.quality, faster)),
    )


def _add_motion(columns: dict[str, FloatArray], accelerometer: Windows) -> FloatArray:
    moved = motion(accelerometer)
    columns["motion_deviation_g"] = moved.deviation_g
    columns["activity_class"] = moved.activity
    columns["rest"] = moved.rest
    return moved.deviation_g


def _only(trust: Quality, purpose: Purpose, values: FloatArray) -> FloatArray:
    return np.where(trust.usable_for(purpose), values, np.nan)


def _first_known(*choices: FloatArray) -> FloatArray:
    """Return the first choice that is not NaN, place by place."""
    chosen = choices[0]
    for other in choices[1:]:
        chosen = np.where(np.isnan(chosen), other, chosen)
    return chosen


def _given(*streams: _Stream | None) -> tuple[_Stream, ...]:
    return tuple(stream for stream in streams if stream is not None)


def _add_rates(
    columns: dict[str, FloatArray], heart: _Stream | None, pulse: _Stream | None
) -> None:
    """Fill the rates; the heart's own rate comes from the ECG where that can be used."""
    rates = [_rate(stream) for stream in _given(heart, pulse)]
    if rates:
        columns["heart_rate_bpm"] = _first_known(*rates)
    if pulse is not None:
        columns["pulse_rate_bpm"] = _rate(pulse)
    for purpose in Purpose:
        trusts = [
            stream.quality.probability[:, list(Purpose).index(purpose)]
            for stream in _given(heart, pulse)
        ]
        if trusts:
            columns[f"quality_{purpose}"] = np.max(trusts, axis=0)


def _rate(stream: _Stream) -> FloatArray:
    rate = rate_bpm(stream.intervals, stream.windows.kind)
    return _only(stream.quality, Purpose.RATE, rate)


def _add_rhythm(
    columns: dict[str, FloatArray], heart: _Stream | None, pulse: _Stream | None
) -> None:
    """Fill variability and rhythm from the ECG where usable, else from the PPG."""
    for stream in _given(heart, pulse):
        spread = variability(stream.intervals.normal_ms)
        rhythmic = rhythm(stream.intervals.counted_ms)
        for purpose, found in (
            (
                Purpose.VARIABILITY,
                {
                    "mean_nn_ms": spread.mean_nn_ms,
                    "sdnn_ms": spread.sdnn_ms,
                    "rmssd_ms": spread.rmssd_ms,
                    "pnn50_fraction": spread.pnn50_fraction,
                    "poincare_sd1_ms": spread.poincare_sd1_ms,
                    "poincare_sd2_ms": spread.poincare_sd2_ms,
                },
            ),
            (
                Purpose.RHYTHM,
                {
                    "artefact_fraction": stream.intervals.artefact_fraction,
                    "rr_entropy": rhythmic.entropy,
                    "irregular_rhythm_probability": rhythmic.probability,
                    "irregular_rhythm": rhythmic.irregular,
                },
            ),
        ):
            for name, values in found.items():
                columns[name] = _first_known(columns[name], _only(stream.quality, purpose, values))


def _add_pulse(
    columns: dict[str, FloatArray], heart: _Stream | None, pulse: _Stream | None
) -> None:
    """Fill the pulse wave's shape and, with an ECG on the same clock, its arrival time."""
    if pulse is None:
        return
    for name, values in pulse.shape.items():
        columns[name] = _only(pulse.quality, Purpose.MORPHOLOGY, values)
    if heart is None:
        return
    found = arrival(heart.windows, pulse.windows, heart.beats, pulse.onsets)
    if isinstance(found, Arrival):
        both = heart.quality.usable_for(Purpose.RATE) & pulse.quality.usable_for(Purpose.MORPHOLOGY)
        columns["pulse_arrival_ms"] = np.where(both, found.median_ms, np.nan)
        columns["pulse_arrival_spread_ms"] = np.where(both, found.spread_ms, np.nan)
