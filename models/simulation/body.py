"""What a day does: doses taken or missed, effects building up and fading, pressure, symptoms.

One `live` call is one day for all patients. The number of random draws in it never depends on what
was prescribed, so two policies on the same seed meet the same days.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import literature
from models.literature import CLASSES, EFFECTS
from models.simulation.people import Bools, Floats, Ints, People
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
    """The changing state of all patients; `prescribed` is in standard doses a day by class."""

    def __init__(self, people: People, world: World, chance: np.random.Generator) -> None:
        count = len(people.age)
        self.people, self.world, self.chance = people, world, chance
        self.prescribed: Floats = np.zeros((count, len(CLASSES)))
        self.effect: Floats = np.zeros((count, len(CLASSES)))
        """Population effect of each class in mmHg as built up so far."""
        self.taking = np.zeros(count, dtype=np.int8)
        self.stopped: Bools = np.zeros(count, dtype=np.bool_)
        self.took: Bools = np.ones(count, dtype=np.bool_)
        self.fainted: Bools = np.zeros(count, dtype=np.bool_)
        self.drift = world.drift_sd_mmhg * chance.standard_normal(count)
        self.salt = world.salt_sd_mmol * chance.standard_normal(count)
        self.salt_felt = self.salt.copy()
        self.noise = chance.standard_normal(count)
        self.sickness = Sickness(count, world, chance.spawn(1)[0])
        self.day = 0
        # Entry levels are as measured: drift, salt and season are deviations from day zero.
        self._at_entry = self._weather()

    def settle(self) -> None:
        """Take the prescribed doses as having had their full effect: treatment before entry."""
        self.effect = population_effect(self.prescribed)

    def live(self) -> None:
        """Let one day pass."""
        chance, count = self.chance, len(self.took)
        self._take(chance.random((3, count), dtype=np.float32))
        target = population_effect(self.prescribed) * self.took[:, None]
        self.effect += (1.0 - np.exp(-1.0 / self.world.onset_days)) * (target - self.effect)
        normal = chance.standard_normal((3, count), dtype=np.float32)
        self._weather_moves(normal)
        rho = self.world.autocorrelation
        self.noise = rho * self.noise + np.sqrt(1.0 - rho**2) * normal[2]
        low = self.day_systolic() < FAINT_MMHG
        share = FAINT_SHARE * np.where(self.people.frail, 2.0, 1.0)
        self.fainted = low & (chance.random(count, dtype=np.float32) < share)
        self.day += 1
        self.sickness.live(self.day)

    def _take(self, uniform: NDArray[np.float32]) -> None:
        people, state = self.people, self.taking
        slip = np.minimum(SLIP_PER_DAY * people.omission, 0.4)
        holiday = np.minimum(HOLIDAY_PER_DAY * people.omission, 0.2)
        draw = uniform[0]
        stays = np.where(state == SLIP, draw < SLIP_STAYS, draw < HOLIDAY_STAYS)
        begun = np.where(draw < slip, SLIP, np.where(draw < slip + holiday, HOLIDAY, TAKING))
        self.taking = np.where(state == TAKING, begun, np.where(stays, state, TAKING)).astype(
            np.int8
        )
        hazard = self.world.stop_per_day * np.where(self.symptoms().any(1), STOP_WITH_SYMPTOM, 1.0)
        self.stopped |= uniform[1] < hazard
        self.took = (self.taking == TAKING) & ~self.stopped

    def _weather_moves(self, normal: NDArray[np.float32]) -> None:
        world = self.world
        keep = np.exp(-1.0 / world.drift_days)
        self.drift = keep * self.drift + world.drift_sd_mmhg * np.sqrt(1 - keep**2) * normal[0]
        keep = np.exp(-1.0 / _SALT_DAYS)
        self.salt = keep * self.salt + world.salt_sd_mmol * np.sqrt(1 - keep**2) * normal[1]
        self.salt_felt += (self.salt - self.salt_felt) / _SALT_LAG_DAYS

    def _weather(self) -> Floats:
        season = np.sin(2 * np.pi * self.day / 365.0 + self.people.season_phase)
        return np.asarray(
            self.drift + _SALT_MMHG_PER_MMOL * self.salt_felt + self.world.season_mmhg * season
        )

    def untreated(self) -> Floats:
        """Return today's home mean without any drug, mmHg."""
        return np.asarray(self.people.systolic + self._weather() - self._at_entry)

    def fall(self) -> Floats:
        """Return today's systolic fall by the drugs, mmHg."""
        person = self.people.sensitivity * self.effect
        return np.asarray(self.people.effect_factor * combined(person, self.effect))

    def latent_systolic(self) -> Floats:
        """Return today's home mean, free of day-to-day noise, mmHg; lower in the dry."""
        dry = DRY_SYSTOLIC_MMHG * self.sickness.dry
        return np.asarray(self.untreated() - self.fall() - dry)

    def day_systolic(self) -> Floats:
        """Return today's own systolic level: the home mean with the noise of the day, mmHg."""
        return np.asarray(self.latent_systolic() + self.people.day_sd * self.noise)

    def latent_diastolic(self) -> Floats:
        """Return today's diastolic home mean, mmHg."""
        dry = DRY_SYSTOLIC_MMHG * self.sickness.dry
        weather = 0.5 * (self._weather() - self._at_entry - dry)
        return np.asarray(self.people.diastolic + weather - DIASTOLIC_SHARE * self.fall())

    def pulse(self) -> Floats:
        """Return today's resting pulse: slower by a beta-blocker, faster when dry; a minute."""
        slower = PULSE_FALL_BPM * self.beta_share()
        return np.asarray(self.people.pulse - slower + DRY_PULSE_BPM * self.sickness.dry)

    def beta_share(self) -> Floats:
        """Return how much of a beta-blocker's greatest effect has built up, 0..1."""
        return np.asarray(self.effect[:, BETA] / EMAX[BETA])

    def symptoms(self, who: slice | Ints = _EVERYONE) -> Bools:
        """Return which classes give which patients a symptom now, (patients, classes)."""
        shown = symptom_shares(self.prescribed[who]) > self.people.symptom_threshold[who]
        return np.asarray(shown & ~self.stopped[who][:, None])


def population_effect(standard_doses: Floats) -> Floats:
    """Return the published full systolic effect by class, mmHg, of doses in standard doses."""
    return np.asarray(EMAX * standard_doses / (ED50 + standard_doses))


def combined(person_effect: Floats, population: Floats) -> Floats:
    """Return the sum over classes, times 0.9 once two of them act. Source: Wang 2025 [D]."""
    several = (population > COMBINED_FROM_MMHG).sum(-1) > 1
    factor = np.where(several, literature.COMBINATION_FACTOR, 1.0)
    return np.asarray(person_effect.sum(-1) * factor)


_SYMPTOM_AT: Final = (0.0, 0.5, 1.0, 2.0)
_SYMPTOM_SHARE: Final = np.array(
    [[0.0, *(p / 100.0 for p in EFFECTS[cls].symptom_percent)] for cls in CLASSES]
)
_SYMPTOM_SLOPE: Final = np.diff(_SYMPTOM_SHARE, axis=1) / np.diff(_SYMPTOM_AT)
BETA: Final = CLASSES.index(DrugClass.BETA_BLOCKER)


def symptom_shares(standard_doses: Floats) -> Floats:
    """Return the share of people with symptoms over placebo, (..., classes).

    The class with the most symptoms counts in full, each further one three quarters.
    """
    # Straight lines between the published doses, level beyond the double one.
    shares = np.zeros_like(standard_doses)
    for place, begins in enumerate(_SYMPTOM_AT[:-1]):
        within = np.clip(standard_doses - begins, 0.0, _SYMPTOM_AT[place + 1] - begins)
        shares += _SYMPTOM_SLOPE[:, place] * within
    most = shares.max(-1, keepdims=True)
    return np.where(shares < most, shares * literature.SECOND_DRUG_SYMPTOM_FACTOR, shares)
