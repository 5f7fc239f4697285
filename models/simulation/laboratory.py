"""Laboratory results of simulated patients: what the drugs do to them, and when blood is drawn."""

from typing import Final

import numpy as np

from models.literature import CLASSES
from models.simulation.body import Body, population_effect
from models.simulation.people import Bools, Floats, Ints
from services.clinical.formulary import DrugClass
from services.clinical.laboratory import CHECK_AFTER
from services.clinical.regimen import DIURETIC_CLASSES, RAS_CLASSES

NEVER: Final = -10_000
# At the effect of one standard dose. Source: thiazide -0.3 to -0.4 mmol/L, ACEi/ARB +0.1 to +0.2,
# K > 5.5 in 1-2 %, 5-10 % in CKD or with an MRA [K]. Sodium and kidney figures are assumptions.
_POTASSIUM: Final = {
    DrugClass.ACE_INHIBITOR: 0.15,
    DrugClass.ARB: 0.12,
    DrugClass.THIAZIDE: -0.35,
    DrugClass.MRA: 0.30,
}
_SODIUM: Final = {DrugClass.THIAZIDE: -1.5, DrugClass.MRA: -0.5}
_EGFR_SHARE: Final = {
    DrugClass.ACE_INHIBITOR: -0.06,
    DrugClass.ARB: -0.06,
    DrugClass.THIAZIDE: -0.04,
    DrugClass.MRA: -0.05,
}
_STANDARD_EFFECT: Final = population_effect(np.ones(len(CLASSES)))
# A routine draw when the last one is older than this; one asked for is missed by some [A].
_ROUTINE_DAYS: Final = 150
_DONE: Final = 0.92
# Results are back before the decision, drawn this many days ahead of it.
DRAWN_DAYS_AHEAD: Final = 4

WATCHED: Final = tuple(
    CLASSES.index(c) for c in CLASSES if c in RAS_CLASSES or c in DIURETIC_CLASSES
)
RAS: Final = tuple(CLASSES.index(c) for c in CLASSES if c in RAS_CLASSES)


def _by_class(table: dict[DrugClass, float]) -> Floats:
    return np.array([table.get(cls, 0.0) for cls in CLASSES])


class Laboratory:
    """Latest results, in thousandths of the unit, and what the last rises ask for.

    Days count from entry; `NEVER` where there was none.
    """

    def __init__(self, body: Body) -> None:
        count = len(body.took)
        self._body = body
        self.day: Ints = np.zeros(count, dtype=np.int64)
        self.watched_rise: Ints = np.full(count, NEVER)
        self.ras_rise: Ints = np.full(count, NEVER)
        self.potassium, self.sodium, self.egfr, self.creatinine = self._values()
        self.base_egfr: Ints = self.egfr.copy()
        self.base_creatinine: Ints = self.creatinine.copy()
        self.day[:] = body.day
        self.history: list[tuple[Bools, int, Ints, Ints, Ints, Ints]] = []
        """Who was drawn, the day, then potassium, sodium, eGFR and creatinine."""
        self._remember(np.ones(count, dtype=np.bool_))

    def draw(self) -> None:
        """Draw blood from those who are due today, as far as they come."""
        body, today = self._body, self._body.day
        check = self.watched_rise + CHECK_AFTER.days
        due = (self.watched_rise > NEVER) & (self.day < check) & (today >= check)
        due |= today - self.day > _ROUTINE_DAYS
        come = due & (body.chance.random(len(due)) < _DONE)
        found = self._values()
        self.potassium = np.where(come, found[0], self.potassium)
        self.sodium = np.where(come, found[1], self.sodium)
        self.egfr = np.where(come, found[2], self.egfr)
        self.creatinine = np.where(come, found[3], self.creatinine)
        self.day = np.where(come, today, self.day)
        self._remember(come)

    def note_rise(self, raised: Bools, today: int) -> None:
        """Take note of doses raised today, (patients, classes)."""
        watched, ras = raised[:, WATCHED].any(1), raised[:, RAS].any(1)
        self.watched_rise = np.where(watched, today, self.watched_rise)
        self.ras_rise = np.where(ras, today, self.ras_rise)
        self.base_egfr = np.where(ras, self.egfr, self.base_egfr)
        self.base_creatinine = np.where(ras, self.creatinine, self.base_creatinine)

    def _remember(self, drawn: Bools) -> None:
        values = (self.potassium, self.sodium, self.egfr, self.creatinine)
        self.history.append((drawn, self._body.day, *values))

    def _values(self) -> tuple[Ints, Ints, Ints, Ints]:
        body = self._body
        people, count = body.people, len(body.took)
        share = body.effect / _STANDARD_EFFECT
        noise = body.chance.standard_normal((3, count))
        sick = np.where(people.egfr < 60.0, 1.6, 1.0)
        potassium = people.potassium + sick * (share @ _by_class(_POTASSIUM)) + 0.15 * noise[0]
        sodium = people.sodium + share @ _by_class(_SODIUM) + 1.2 * noise[1]
        dip = sick * (share @ _by_class(_EGFR_SHARE)) + 0.04 * noise[2]
        egfr = np.clip(people.egfr * (1.0 + dip), 8.0, 140.0)
        # CKD-EPI's slope above the knee, creatinine to the power of -1.2 [K].
        knee = np.where(people.female, 0.7, 0.9)
        top = 142.0 * 0.9938**people.age * np.where(people.female, 1.012, 1.0)
        creatinine = knee * (egfr / top) ** (-1.0 / 1.2)
        scaled = (potassium.clip(2.5, 6.8), sodium.clip(120, 150), egfr, creatinine.clip(0.4, 9.0))
        first, second, third, fourth = (np.rint(1000 * v).astype(np.int64) for v in scaled)
        return first, second, third, fourth
