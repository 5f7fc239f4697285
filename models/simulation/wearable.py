"""What a wearable shows of simulated patients: the features of `services.signals`, one day's means
and its course.

Only what a wearable can show goes in: age, illnesses and frailty as they mark the pulse; the pulse,
dryness and the day's pressure of the body as they are today. A true sensitivity, who will have
symptoms, or the untreated level has no way here, nor has the future; a missed beta-blocker shows in
the pulse, as it would. Atrial fibrillation is left out of the worlds, so rhythms are regular.

All relations are of the right size rather than fitted [A]; where there is a source it is named.
Draws come from a source of their own and never depend on what was prescribed.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy.special import ndtr

from models.simulation.body import Body
from models.simulation.people import Bools, Floats
from services.signals.wearable import WEARABLE_ORDER

# Who owns one, fewer of the old; who of them one with an ECG; on how many days it is worn [A].
_OWN_AT_60: Final = 0.65
_OWN_PER_YEAR: Final = -0.008
_WITH_ECG: Final = 0.35
_WORN_ON_A_DAY: Final = 0.85
# Streams of a worn day that were never good enough for the shape of the pulse [A].
_SHAPELESS: Final = 0.2
# Natural logarithm of ms at 60 years, per year, and between people. Source: variability falls with
# age, Umetani 1998 [K]; a fifth less in diabetes [K]; figures [A].
_SDNN: Final = (np.log(42.0), -0.008, 0.35)
_RMSSD: Final = (np.log(28.0), -0.010, 0.40)
_DIABETIC: Final = -0.2
# Pulse arrival in ms. Stiff arteries carry the pulse faster: -1 a year and -0.5 a mmHg within a
# person, 40 between people whatever their pressure, so that it tells little of the level. Source:
# no better than carrying the last cuff reading forward (bench/signals.md) [D]; figures [A].
_ARRIVAL: Final = (255.0, -1.0, -0.5, 40.0)
# Mean amplitude deviation over a day in g at 60 years: logarithm, per year, between people. Source:
# rest is below 0.0225, light activity below 0.091 (Vähä-Ypyä 2015) [S]; means by age [A].
_MOTION: Final = (np.log(0.035), -0.012, 0.35)
# Nightly fall of the heart rate as a share: at 60 years, per year, between people; less in diabetes
# and kidney disease, and under a beta-blocker, which slows the day. Source: 10-20 % is usual
# (ESH 2014); relations [K], figures [A].
_DIP: Final = (0.15, -0.0012, 0.05)
_DIP_ILL: Final = -0.03
_DIP_BETA: Final = -0.04


class Wearable:
    """Traits drawn once, and the last day's features; arrays have one row a patient."""

    def __init__(self, body: Body, chance: np.random.Generator) -> None:
        people, count = body.people, len(body.people.age)
        self._chance = chance
        self._body = body
        self._older = people.age - 60.0
        normal = chance.standard_normal((6, count))
        share = np.clip(_OWN_AT_60 + _OWN_PER_YEAR * self._older, 0.1, 0.9)
        self.owned: Bools = chance.random(count) < share
        self._ecg: Bools = self.owned & (chance.random(count) < _WITH_ECG)
        ill = people.diabetes | (people.egfr < 60.0)
        self._sdnn = self._by_age(_SDNN, normal[0]) + _DIABETIC * people.diabetes
        # Both are of one heart: who has much of one has much of the other.
        self._rmssd = self._by_age(_RMSSD, 0.8 * normal[0] + 0.6 * normal[1])
        self._rmssd += _DIABETIC * people.diabetes
        self._arrival = _ARRIVAL[0] + _ARRIVAL[1] * self._older + _ARRIVAL[3] * normal[2]
        self._motion = self._by_age(_MOTION, normal[3]) - 0.4 * people.frail
        self._dip = self._by_age(_DIP, normal[4]) + _DIP_ILL * ill
        self._perfusion = np.log(2.6) + 0.5 * normal[5]
        self.features: Floats = np.full((count, len(WEARABLE_ORDER)), np.nan)
        """(patients, features) in the order of `WEARABLE_ORDER`; NaN: not worn, not measurable."""

    def measure(self) -> None:
        """Take the features of the day just lived."""
        chance, count = self._chance, len(self.owned)
        normal = chance.standard_normal((14, count))
        uniform = chance.random((3, count))
        worn = self.owned & (uniform[0] < _WORN_ON_A_DAY)
        shaped = worn & (uniform[1] >= _SHAPELESS)
        motion = self._moved(normal[:2], uniform[2])
        columns = {
            **self._beats(normal[2:6], motion["activity_class"]),
            **self._shape(normal[6:11], self._body.day_systolic()),
            **motion,
            **self._quality(normal[11:14]),
        }
        seen = dict.fromkeys(_OF_SHAPE, shaped) | dict.fromkeys(_OF_BOTH, shaped & self._ecg)
        columns |= self._course(columns, normal[0])
        self.features = np.stack(
            [np.where(seen.get(name, worn), columns[name], np.nan) for name in WEARABLE_ORDER], 1
        )

    def of(self, patient: int) -> tuple[tuple[str, float], ...]:
        """Return one patient's features as the chart holds them: known ones, by name."""
        found = dict(zip(WEARABLE_ORDER, self.features[patient].tolist(), strict=True))
        return tuple(sorted((n, v) for n, v in found.items() if np.isfinite(v)))

    def _by_age(self, at_60: tuple[float, float, float], normal: Floats) -> Floats:
        level, per_year, between = at_60
        return np.asarray(level + per_year * self._older + between * normal)

    def _moved(self, normal: Floats, uniform: Floats) -> dict[str, Floats]:
        """Activity of the day; the ill lie down."""
        calm = np.where(self._body.sickness.open, -0.7, 0.0)
        deviation = np.exp(self._motion + calm + 0.25 * normal[0])
        rest = 1.0 / (1.0 + (deviation / 0.045) ** 1.5)
        active = 0.9 * (1.0 - rest) + 0.4 * uniform * (1.0 - rest)
        return {"motion_deviation_g": deviation, "activity_class": active, "rest": rest}

    def _beats(self, normal: Floats, active: Floats) -> dict[str, Floats]:
        """Rates and variability. The mean of a day lies above the resting pulse, as one moves."""
        rate = np.clip(self._body.pulse() + 3.0 + 8.0 * active + 2.0 * normal[0], 38.0, 150.0)
        sdnn = np.exp(self._sdnn + 0.12 * normal[1])
        rmssd = np.minimum(np.exp(self._rmssd + 0.12 * normal[2]), 1.35 * sdnn)
        first = rmssd / np.sqrt(2.0)  # by definition, as is the second below
        entropy = np.log(160.0 / (60_000.0 / rate)) + 0.1 + 0.002 * rmssd
        return {
            "heart_rate_bpm": rate,
            "pulse_rate_bpm": rate - 0.3 * np.abs(normal[3]),
            "mean_nn_ms": 60_000.0 / rate,
            "sdnn_ms": sdnn,
            "rmssd_ms": rmssd,
            # Neighbours that differ by more than 50 ms, were their differences normal.
            "pnn50_fraction": 2.0 * ndtr(-50.0 / rmssd),
            "poincare_sd1_ms": first,
            "poincare_sd2_ms": np.sqrt(np.maximum(2.0 * sdnn**2 - first**2, first**2 / 4.0)),
            "artefact_fraction": np.clip(0.02 + 0.03 * active + 0.01 * normal[3], 0.0, 1.0),
            "rr_entropy": entropy,
            "irregular_rhythm_probability": 1.0 / (1.0 + np.exp(-5.9 * (entropy + 0.78))),
            "irregular_rhythm": np.zeros(len(rate)),
        }

    def _shape(self, normal: Floats, systolic: Floats) -> dict[str, Floats]:
        arrival = self._arrival + _ARRIVAL[2] * (systolic - 140.0) + 8.0 * normal[0]
        return {
            "pulse_arrival_ms": np.clip(arrival, 80.0, 450.0),
            "pulse_arrival_spread_ms": np.exp(np.log(8.0) + 0.4 * normal[1]),
            "pulse_rise_ms": np.clip(140.0 + 0.6 * self._older + 25.0 * normal[2], 60.0, 320.0),
            "pulse_width_ms": np.clip(350.0 - 0.8 * self._older + 50.0 * normal[3], 150.0, 600.0),
            "perfusion_index_percent": np.exp(self._perfusion + 0.2 * normal[4]),
        }

    def _quality(self, normal: Floats) -> dict[str, Floats]:
        rate, variability, shape = (
            1.0 / (1.0 + np.exp(-(level + 0.6 * n)))
            for level, n in zip((2.5, 1.5, 1.0), normal, strict=True)
        )
        return {
            "quality_rate": rate,
            "quality_variability": variability,
            "quality_morphology": shape,
            "quality_rhythm": variability,
        }

    def _course(self, columns: Mapping[str, Floats], normal: Floats) -> dict[str, Floats]:
        """Day, night and dip."""
        blocked = self._body.beta_share()
        dip = self._dip + _DIP_BETA * blocked + 0.02 * normal
        # Twelve hours by day and five by night, with the hours between, make up the mean.
        day = columns["heart_rate_bpm"] / (1.0 - 0.35 * dip)
        rest, motion = columns["rest"], columns["motion_deviation_g"]
        return {
            "heart_rate_day_bpm": day,
            "heart_rate_night_bpm": day * (1.0 - dip),
            "heart_rate_dip_fraction": dip,
            "rest_day_fraction": 0.8 * rest,
            "rest_night_fraction": np.minimum(0.9 + 0.1 * rest, 1.0),
            "motion_deviation_day_g": 1.4 * motion,
            "motion_deviation_night_g": 0.15 * motion,
        }


_OF_SHAPE: Final = ("pulse_rise_ms", "pulse_width_ms", "perfusion_index_percent")
# Of two streams on one clock.
_OF_BOTH: Final = ("pulse_arrival_ms", "pulse_arrival_spread_ms")
