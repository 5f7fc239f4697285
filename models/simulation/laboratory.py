"""Laboratory results of simulated patients: what the drugs do to them, and when blood is drawn."""

from typing import Final

import numpy as np

from models.literature import CLASSES
from models.simulation.body import Body, population_effect
from models.simulation.people import Bools, Floats, Ints
from models.simulation.place import Array
from models.simulation.sickness import NEVER
from services.clinical.formulary import DrugClass
from services.clinical.laboratory import CHECK_AFTER
from services.clinical.regimen import DIURETIC_CLASSES, RAS_CLASSES

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
# In a fully dry patient [A]: what is lost of eGFR, more with a RAS blocker or a diuretic taken, and
# potassium, lost with the stool, kept back by a RAS blocker or an MRA.
_DRY_EGFR_SHARE: Final = -0.08
_DRY_EGFR_SHARE_TREATED: Final = -0.17
_DRY_POTASSIUM: Final = -0.2
_DRY_POTASSIUM_TREATED: Final = 0.4
# A routine draw when the last one is older than this; one asked for is missed by some [A].
_ROUTINE_DAYS: Final = 150
_DONE: Final = 0.92
# Results are back before the decision, drawn at noon this many days ahead of it.
DRAWN_DAYS_AHEAD: Final = 5
# Who is well again and waits for paused drugs comes on any one day with this chance [A].
_COMES_AFTER_ILLNESS: Final = 0.4

WATCHED: Final = tuple(
    CLASSES.index(c) for c in CLASSES if c in RAS_CLASSES or c in DIURETIC_CLASSES
)
RAS: Final = tuple(CLASSES.index(c) for c in CLASSES if c in RAS_CLASSES)
_KEEPS_POTASSIUM: Final = (*RAS, CLASSES.index(DrugClass.MRA))


def _by_class(table: dict[DrugClass, float]) -> Floats:
    return np.array([table.get(cls, 0.0) for cls in CLASSES])


_FIXED: Final = {
    "standard": population_effect(np.ones(len(CLASSES))),
    "potassium": _by_class(_POTASSIUM),
    "sodium": _by_class(_SODIUM),
    "egfr": _by_class(_EGFR_SHARE),
}
"""Effect of one standard dose in mmHg, and what it does, by class."""


class Laboratory:
    """Latest results, in thousandths of the unit, and what the last rises ask for.

    Days count from entry; `NEVER` where there was none.
    """

    def __init__(self, body: Body) -> None:
        count, people, of = len(body.people.age), body.people, body.place.of
        self._body = body
        self._fixed = {name: of(values) for name, values in _FIXED.items()}
        self._weak = of(np.where(people.egfr < 60.0, 1.6, 1.0))
        # CKD-EPI's slope above the knee, creatinine to the power of -1.2 [K].
        self._knee = of(np.where(people.female, 0.7, 0.9))
        self._top = of(142.0 * 0.9938**people.age * np.where(people.female, 1.012, 1.0))
        self.day: Ints = np.zeros(count, dtype=np.int64)
        self.watched_rise: Ints = np.full(count, NEVER)
        self.ras_rise: Ints = np.full(count, NEVER)
        found = self._values(self._noise(body.chance))
        self.potassium, self.sodium, self.egfr, self.creatinine = found
        self.base_egfr: Ints = self.egfr.copy()
        self.base_creatinine: Ints = self.creatinine.copy()
        self.day[:] = body.day
        self.history: list[tuple[Bools, int, Ints, Ints, Ints, Ints]] = []
        """Who was drawn, the day, then potassium, sodium, eGFR and creatinine."""
        self._remember(np.ones(count, dtype=np.bool_), body.day)

    def draw(self) -> None:
        """Draw blood at noon of the day just lived from those who are due, as far as they come."""
        body, yesterday = self._body, self._body.day - 1
        check = self.watched_rise + CHECK_AFTER.days
        due = (self.watched_rise > NEVER) & (self.day < check) & (yesterday >= check)
        due |= yesterday - self.day > _ROUTINE_DAYS
        self._take(due & (body.chance.random(len(due)) < _DONE), self._noise(body.chance))

    def draw_after_illness(self, waiting: Bools, ill_until: Ints) -> None:
        """Draw blood at noon of the day just lived from who is well and has drugs paused.

        `ill_until` is the morning of the last report or pause. Who already came and still waits is
        asked again once a check would be due.
        """
        chance, yesterday = self._body.sickness.chance, self._body.day - 1
        old = (self.day < ill_until) | (yesterday - self.day >= CHECK_AFTER.days)
        come = chance.random(len(waiting)) < _COMES_AFTER_ILLNESS
        self._take(waiting & old & come, self._noise(chance))

    def _take(self, come: Bools, noise: Floats) -> None:
        if not come.any():
            return
        found = self._values(noise)
        self.potassium = np.where(come, found[0], self.potassium)
        self.sodium = np.where(come, found[1], self.sodium)
        self.egfr = np.where(come, found[2], self.egfr)
        self.creatinine = np.where(come, found[3], self.creatinine)
        self.day = np.where(come, self._body.day - 1, self.day)
        self._remember(come, self._body.day - 1)

    def note_rise(self, raised: Bools, today: int) -> None:
        """Take note of doses raised today, (patients, classes)."""
        watched, ras = raised[:, WATCHED].any(1), raised[:, RAS].any(1)
        self.watched_rise = np.where(watched, today, self.watched_rise)
        self.ras_rise = np.where(ras, today, self.ras_rise)
        self.base_egfr = np.where(ras, self.egfr, self.base_egfr)
        self.base_creatinine = np.where(ras, self.creatinine, self.base_creatinine)

    def _remember(self, drawn: Bools, day: int) -> None:
        values = (self.potassium, self.sodium, self.egfr, self.creatinine)
        self.history.append((drawn, day, *values))

    def _noise(self, chance: np.random.Generator) -> Floats:
        """Draw the error of everyone's sample, whoever comes: days stay the same."""
        return chance.standard_normal((3, len(self._weak)))

    def _values(self, errors: Floats) -> tuple[Ints, Ints, Ints, Ints]:
        """Return potassium, sodium, eGFR and creatinine of everyone, in thousandths."""
        body, place, fixed = self._body, self._body.place, self._fixed
        here, clip = body.here, place.xp.clip
        noise = place.of(errors)
        share = body.effect_here() / fixed["standard"]
        dry_potassium, dry_egfr = self._when_dry()
        potassium = here.potassium + dry_potassium + 0.15 * noise[0]
        potassium = potassium + self._weak * (share @ fixed["potassium"])
        sodium = here.sodium + share @ fixed["sodium"] + 1.2 * noise[1]
        dip = self._weak * (share @ fixed["egfr"]) + dry_egfr + 0.04 * noise[2]
        egfr = clip(here.egfr * (1.0 + dip), 8.0, 140.0)
        creatinine = self._knee * (egfr / self._top) ** (-1.0 / 1.2)
        return (
            place.whole(1000 * clip(potassium, 2.5, 6.8)),
            place.whole(1000 * clip(sodium, 120.0, 150.0)),
            place.whole(1000 * egfr),
            place.whole(1000 * clip(creatinine, 0.4, 9.0)),
        )

    def _when_dry(self) -> tuple[Array, Array]:
        """Return what dryness adds to potassium (mmol/L) and to eGFR (as a share) today."""
        body, dry = self._body, self._body.place.of(self._body.sickness.dry)
        taken = body.taken_here()
        harmed, kept = taken[:, list(WATCHED)].any(1), taken[:, list(_KEEPS_POTASSIUM)].any(1)
        return (
            _DRY_POTASSIUM * dry + _DRY_POTASSIUM_TREATED * (dry * kept),
            _DRY_EGFR_SHARE * dry + _DRY_EGFR_SHARE_TREATED * (dry * harmed),
        )
