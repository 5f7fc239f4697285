"""Outcomes as figures with their 95 % intervals, overall, by subgroup, and paired differences.

Intervals are over patients: the same patient meets the same days under every policy, so that a
difference is taken patient by patient.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.simulation.people import Bools, Floats
from models.simulation.trial import DAYS_A_YEAR, Outcomes

_Z_95: Final = 1.959964


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over patients with the bounds of its 95 % interval."""

    mean: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        """Return the three numbers, rounded to what the interval can carry."""
        return {
            "mean": round(self.mean, 3),
            "low": round(self.low, 3),
            "high": round(self.high, 3),
        }


Measures = Mapping[str, Floats]


def measures(outcomes: Outcomes) -> Measures:
    """Return each measure patient by patient."""
    days, years = outcomes.days, outcomes.days / DAYS_A_YEAR
    return {
        "ttr_percent": 100.0 * outcomes.in_target_days / days,
        "sbp_below_100_days_per_year": outcomes.below_100_days / years,
        "latent_below_105_percent": 100.0 * outcomes.latent_low_days / days,
        "symptomatic_ae_percent": np.where(outcomes.symptomatic, 100.0, 0.0),
        "dose_changes_per_year": outcomes.moves.astype(np.float64) / years,
        "final_systolic_mmhg": outcomes.last_systolic,
    }


def figure(values: Floats) -> Figure:
    """Return the mean of one value a patient, with its interval."""
    mean = float(values.mean())
    half = _Z_95 * float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else np.inf
    return Figure(mean, mean - half, mean + half)


def figures(outcomes: Outcomes) -> dict[str, dict[str, float]]:
    """Return every measure of all patients."""
    return {name: figure(values).as_json() for name, values in measures(outcomes).items()}


def by_group(outcomes: Outcomes) -> dict[str, dict[str, dict[str, float]]]:
    """Return every measure by subgroup; a subgroup without two patients is left out."""
    found = measures(outcomes)
    return {
        group: {name: figure(values[inside]).as_json() for name, values in found.items()}
        for group, inside in outcomes.groups.items()
        if inside.sum() > 1
    }


def difference(ours: Outcomes, theirs: Outcomes, inside: Bools | None = None) -> dict[str, Figure]:
    """Return ours minus theirs, patient by patient, of all or of the patients `inside`."""
    first, second = measures(ours), measures(theirs)
    some = slice(None) if inside is None else inside
    return {name: figure((first[name] - second[name])[some]) for name in first}
