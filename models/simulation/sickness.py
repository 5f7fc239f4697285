"""Sick days: who vomits or has diarrhoea, since which report, and how dry it leaves them.

Everyone draws one number a day from a source of its own, so that the rest of a world is the same
with and without sick days. The spell is reported on the morning after its first day.
"""

from typing import Final

import numpy as np

from models.simulation.people import Bools, Floats, Ints
from models.simulation.worlds import World

NEVER: Final = -10_000
_DAYS_A_YEAR: Final = 365.25
# Share of the way to dry that a day of illness takes, and that a well day takes back [A].
_DRIES: Final = 0.6
_RECOVERS: Final = 0.4
# What a fully dry patient lacks or shows [A]: systolic pressure, a faster pulse, a further fall on
# standing.
DRY_SYSTOLIC_MMHG: Final = 10.0
DRY_PULSE_BPM: Final = 10.0
DRY_STANDING_MMHG: Final = 8.0


class Sickness:
    """One element a patient. `dry` is 0 (well filled) to 1."""

    def __init__(self, count: int, world: World, chance: np.random.Generator) -> None:
        self._begins = world.sick_spells_per_year / _DAYS_A_YEAR
        self._ends = 1.0 / world.sick_days_mean
        self.chance = chance
        self.open: Bools = np.zeros(count, dtype=np.bool_)
        """Reported and not closed."""
        self.reported_on: Ints = np.full(count, NEVER)
        """Morning of the last report."""
        self.dry: Floats = np.zeros(count)

    def live(self, morning: int) -> None:
        """Let the day before `morning` pass; nobody is ill before entry."""
        draw = self.chance.random(len(self.open))
        begins = ~self.open & (draw < self._begins) & (morning > 0)
        self.open = (self.open & (draw >= self._ends)) | begins
        self.reported_on = np.where(begins, morning, self.reported_on)
        drier = self.dry + _DRIES * (1.0 - self.dry)
        self.dry = np.where(self.open, drier, (1.0 - _RECOVERS) * self.dry)
