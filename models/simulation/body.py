"""What a day does: doses taken or missed, effects building up and fading, pressure, symptoms.

One `live` call is one day for all patients. The number of random draws in it never depends on what
was prescribed, so two policies on the same seed meet the same days.
"""

import math
from typing import Any, Final

import numpy as np

from models import literature
from models.literature import CLASSES, EFFECTS
from models.simulation.people import Bools, Floats, Ints, People
from models.simulation.place import CPU, Array, Place
from models.simulation.sickness import DRY_PULSE_BPM, DRY_SYSTOLIC_MMHG, Sickness
from models.simulation.worlds import World
from services.clinical.formulary import DrugClass

EMAX: Final = np.array([EFFECTS[cls].emax_mmhg for cls in CLASSES])
ED50: Final = np.array([EFFECTS[cls].ed50_standard for cls in CLASSES])
# Diastolic fall over systolic fall at the standard dose. Source: Law 2003, 5.5 / 9.1 [S].
DIASTOLIC_SHARE: Final = 5.5 / 9.1
# Two classes count as combined once each has this much effect (mmHg) [A].
COMBINED_FROM_MMHG: Final = 0.5

# Three states of taking: taking, a slip of a day or two, a holiday. Ten per cent of doses omitted,
# 42 % of these single days, 43 % in runs of three or more. Source: Vrijens, BMJ 2008 [S]; the
# rates solve for these shares [D].
TAKING, SLIP, HOLIDAY = 0, 1, 2
SLIP_PER_DAY: Final = 0.0528
HOLIDAY_PER_DAY: Final = 0.0098
SLIP_STAYS: Final = 0.152
HOLIDAY_STAYS: Final = 0.80
# At full effect; 1 standard dose has 0.7 of it. Source: BB HR -8 to -12 [K].
PULSE_FALL_BPM: Final = 14.0
# A symptom makes stopping likelier [A].
STOP_WITH_SYMPTOM: Final = 2.0
_SALT_LAG_DAYS: Final = 10.0
_SALT_MMHG_PER_MMOL: Final = 2.1 / 50.0
_SALT_DAYS: Final = 30.0
# Below this a day may bring dizziness, more often in the old and frail [A].
FAINT_MMHG: Final = 95.0
FAINT_SHARE: Final = 0.15
_EVERYONE: Final = slice(None)


class Body:
    """The changing state of all patients; `prescribed` is in standard doses a day by class.

    It lies in one place and is shown as numpy's: what is public are host arrays, which on the CPU
    are the state itself.
    """

    def __init__(
        self, people: People, world: World, chance: np.random.Generator, place: Place = CPU
    ) -> None:
        count = len(people.age)
        self.people, self.world, self.chance, self.place = people, world, chance, place
        self.here = place.record(people)
        """The people as arrays of the place."""
        none = np.zeros((count, len(CLASSES)))
        self._prescribed, self._effect = place.of(none), place.of(none.copy())
        self._taking = place.of(np.zeros(count, dtype=np.int64))
        self._stopped = place.of(np.zeros(count, dtype=np.bool_))
        self._took = place.of(np.ones(count, dtype=np.bool_))
        self._fainted = place.of(np.zeros(count, dtype=np.bool_))
        self._drift = place.of(world.drift_sd_mmhg * chance.standard_normal(count))
        self._salt = place.of(world.salt_sd_mmol * chance.standard_normal(count))
        self._salt_felt = self._salt * 1.0
        self._noise = place.of(chance.standard_normal(count))
        self.sickness = Sickness(count, world, chance.spawn(1)[0])
        self.day = 0
        self._constants = tuple(place.of(c) for c in (EMAX, ED50, _SYMPTOM_SLOPE.T.copy()))
        # Entry levels are as measured: drift, salt and season are deviations from day zero.
        self._at_entry = self._weather()

    @property
    def prescribed(self) -> Floats:
        """Standard doses a day by class, (patients, classes)."""
        return self.place.host(self._prescribed)

    @prescribed.setter
    def prescribed(self, standard_doses: Floats) -> None:
        self._prescribed = self.place.of(standard_doses)

    @property
    def effect(self) -> Floats:
        """Population effect of each class in mmHg as built up so far."""
        return self.place.host(self._effect)

    @effect.setter
    def effect(self, built_up: Floats) -> None:
        self._effect = self.place.of(built_up)

    @property
    def taking(self) -> Ints:
        """Taking, on a slip or on a holiday."""
        return self.place.host(self._taking)

    @property
    def stopped(self) -> Bools:
        """Who has stopped all tablets for good."""
        return self.place.host(self._stopped)

    @property
    def took(self) -> Bools:
        """Who took the doses of the last day."""
        return self.place.host(self._took)

    @property
    def fainted(self) -> Bools:
        """Who was faint on the last day."""
        return self.place.host(self._fainted)

    def settle(self) -> None:
        """Take the prescribed doses as having had their full effect: treatment before entry."""
        self._effect = self._full_effect()

    def live(self) -> None:
        """Let one day pass."""
        chance, count, of = self.chance, len(self.people.age), self.place.of
        self._take(of(chance.random((3, count), dtype=np.float32)))
        target = self._full_effect() * self._took[:, None]
        self._effect += (1.0 - math.exp(-1.0 / self.world.onset_days)) * (target - self._effect)
        normal = of(chance.standard_normal((3, count), dtype=np.float32).astype(np.float64))
        self._weather_moves(normal)
        rho = self.world.autocorrelation
        self._noise = rho * self._noise + math.sqrt(1.0 - rho**2) * normal[2]
        low = self.day_here() < FAINT_MMHG
        share = FAINT_SHARE * self.place.xp.where(self.here.frail, 2.0, 1.0)
        self._fainted = low & (of(chance.random(count, dtype=np.float32)) < share)
        self.day += 1
        self.sickness.live(self.day)

    def effect_here(self) -> Array:
        """Return `effect` as an array of the place."""
        return self._effect

    def taken_here(self) -> Array:
        """Return which classes were taken on the last day, as an array of the place."""
        return (self._prescribed > 0.0) & self._took[:, None]

    def _full_effect(self) -> Array:
        return population_effect(self._prescribed, *self._constants[:2])

    def _take(self, uniform: Array) -> None:
        xp, omission, state, draw = self.place.xp, self.here.omission, self._taking, uniform[0]
        slip = xp.clip(SLIP_PER_DAY * omission, None, 0.4)
        holiday = xp.clip(HOLIDAY_PER_DAY * omission, None, 0.2)
        stays = xp.where(state == SLIP, draw < SLIP_STAYS, draw < HOLIDAY_STAYS)
        begun = xp.where(draw < slip, SLIP, xp.where(draw < slip + holiday, HOLIDAY, TAKING))
        self._taking = xp.where(state == TAKING, begun, xp.where(stays, state, TAKING))
        ill = self._shown(slice(None)).any(1)
        hazard = self.world.stop_per_day * xp.where(ill, STOP_WITH_SYMPTOM, 1.0)
        self._stopped = self._stopped | (uniform[1] < hazard)
        self._took = (self._taking == TAKING) & ~self._stopped

    def _weather_moves(self, normal: Array) -> None:
        world = self.world
        keep = math.exp(-1.0 / world.drift_days)
        new = world.drift_sd_mmhg * math.sqrt(1 - keep**2)
        self._drift = keep * self._drift + new * normal[0]
        keep = math.exp(-1.0 / _SALT_DAYS)
        new = world.salt_sd_mmol * math.sqrt(1 - keep**2)
        self._salt = keep * self._salt + new * normal[1]
        self._salt_felt = self._salt_felt + (self._salt - self._salt_felt) / _SALT_LAG_DAYS

    def _weather(self) -> Array:
        season = self.place.xp.sin(2 * math.pi * self.day / 365.0 + self.here.season_phase)
        salt = _SALT_MMHG_PER_MMOL * self._salt_felt
        return self._drift + salt + self.world.season_mmhg * season

    def _dry_mmhg(self) -> Array:
        return DRY_SYSTOLIC_MMHG * self.place.of(self.sickness.dry)

    def _untreated(self) -> Array:
        return self.here.systolic + self._weather() - self._at_entry

    def _fall(self) -> Array:
        person = self.here.sensitivity * self._effect
        return self.here.effect_factor * combined(person, self._effect, self.place.xp)

    def latent_here(self) -> Array:
        """Return `latent_systolic` as an array of the place."""
        return self._untreated() - self._fall() - self._dry_mmhg()

    def day_here(self) -> Array:
        """Return `day_systolic` as an array of the place."""
        return self.latent_here() + self.here.day_sd * self._noise

    def diastolic_here(self) -> Array:
        """Return `latent_diastolic` as an array of the place."""
        weather = 0.5 * (self._weather() - self._at_entry - self._dry_mmhg())
        return self.here.diastolic + weather - DIASTOLIC_SHARE * self._fall()

    def untreated(self) -> Floats:
        """Return today's home mean without any drug, mmHg."""
        return self.place.host(self._untreated())

    def fall(self) -> Floats:
        """Return today's systolic fall by the drugs, mmHg."""
        return self.place.host(self._fall())

    def latent_systolic(self) -> Floats:
        """Return today's home mean, free of day-to-day noise, mmHg; lower in the dry."""
        return self.place.host(self.latent_here())

    def day_systolic(self) -> Floats:
        """Return today's own systolic level: the home mean with the noise of the day, mmHg."""
        return self.place.host(self.day_here())

    def latent_diastolic(self) -> Floats:
        """Return today's diastolic home mean, mmHg."""
        return self.place.host(self.diastolic_here())

    def pulse(self) -> Floats:
        """Return today's resting pulse: slower by a beta-blocker, faster when dry; a minute."""
        slower = PULSE_FALL_BPM * self.beta_share()
        return np.asarray(self.people.pulse - slower + DRY_PULSE_BPM * self.sickness.dry)

    def beta_share(self) -> Floats:
        """Return how much of a beta-blocker's greatest effect has built up, 0..1."""
        return self.place.host(self._effect[:, BETA] / EMAX[BETA])

    def symptoms(self, who: slice | Ints = _EVERYONE) -> Bools:
        """Return which classes give which patients a symptom now, (patients, classes)."""
        return self.place.host(self._shown(who))

    def _shown(self, who: slice | Ints) -> Array:
        shares = symptom_shares(self._prescribed[who], self._constants[2], self.place.xp)
        return (shares > self.here.symptom_threshold[who]) & ~self._stopped[who][:, None]


def population_effect(standard_doses: Array, emax: Array = EMAX, ed50: Array = ED50) -> Array:
    """Return the published full systolic effect by class, mmHg, of doses in standard doses."""
    return emax * standard_doses / (ed50 + standard_doses)


def combined(person_effect: Array, population: Array, xp: Any = np) -> Array:
    """Return the sum over classes, times 0.9 once two of them act. Source: Wang 2025 [D]."""
    total = person_effect.sum(-1)
    return xp.where(several(population), literature.COMBINATION_FACTOR * total, total)


def several(population: Array) -> Array:
    """Return where two classes or more act."""
    return (population > COMBINED_FROM_MMHG).sum(-1) > 1


_SYMPTOM_AT: Final = (0.0, 0.5, 1.0, 2.0)
_SYMPTOM_SHARE: Final = np.array(
    [[0.0, *(p / 100.0 for p in EFFECTS[cls].symptom_percent)] for cls in CLASSES]
)
_SYMPTOM_SLOPE: Final = np.diff(_SYMPTOM_SHARE, axis=1) / np.diff(_SYMPTOM_AT)
BETA: Final = CLASSES.index(DrugClass.BETA_BLOCKER)


def symptom_shares(standard_doses: Array, slopes: Array = _SYMPTOM_SLOPE.T, xp: Any = np) -> Array:
    """Return the share of people with symptoms over placebo, (..., classes).

    The class with the most symptoms counts in full, each further one three quarters. `slopes` are
    of the straight lines between the published doses, (doses, classes).
    """
    shares = 0.0 * standard_doses
    for place, begins in enumerate(_SYMPTOM_AT[:-1]):
        # Level beyond the double dose.
        within = xp.clip(standard_doses - begins, 0.0, _SYMPTOM_AT[place + 1] - begins)
        shares = shares + slopes[place] * within
    most = xp.amax(shares, axis=-1, keepdims=True)
    return xp.where(shares < most, shares * literature.SECOND_DRUG_SYMPTOM_FACTOR, shares)
