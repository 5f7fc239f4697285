"""The small reference world: three classes, 64 regimens, no guard.

It shows what choosing alone is worth when nothing holds a move back. It is not how the system
works; the guarded trial is. Levels are none, half, one and two standard doses of a class.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Final

import numpy as np

from models.literature import CLASSES
from models.simulation.beliefs import Beliefs, levels
from models.simulation.course import Course
from models.simulation.legal import STANDARD_UG
from models.simulation.people import Floats, Ints
from models.simulation.policies import Level, learned, level_keys, symptoms_of_doses, truth
from models.simulation.trial import BadTrial, DayCount, Design, Outcomes
from models.simulation.worlds import PERSISTENT, REFERENCE, World
from services.clinical.formulary import DrugClass
from services.clinical.windows import WINDOW_DAYS

_PLACES: Final = [
    CLASSES.index(cls)
    for cls in (
        DrugClass.ACE_INHIBITOR,
        DrugClass.THIAZIDE,
        DrugClass.CALCIUM_CHANNEL_BLOCKER,
    )
]
DOSES: Final = np.array([0.0, 0.5, 1.0, 2.0])
REGIMENS: Final[Ints] = np.array(list(product(range(4), repeat=3)), dtype=np.int64)
_UPPER_MMHG: Final = 130.0
_LOW_MMHG: Final = 110.0
# Rungs of the two ladders, as levels of (ACE inhibitor, thiazide, CCB).
_STEPPED: Final = ((0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0), (3, 0, 1), (3, 0, 2), (3, 0, 3),
                   (3, 1, 3), (3, 2, 3), (3, 3, 3))  # fmt: skip
_DUAL: Final = ((0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 0, 3), (3, 1, 3), (3, 2, 3), (3, 3, 3))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a policy of this world is given; `place` is each patient's row of `REGIMENS`."""

    course: Course
    beliefs: Beliefs
    place: Ints
    mean: Floats
    """The week's mean of each patient, mmHg; nan where nothing was measured."""
    moves: int


Chooser = Callable[[Seen], Ints]


def standard_doses(places: Ints) -> Floats:
    """Return standard doses (rows, classes) of regimens."""
    doses = np.zeros((len(places), len(CLASSES)))
    doses[:, _PLACES] = DOSES[REGIMENS[places]]
    return doses


def reachable(place: Ints, levels: int) -> tuple[Ints, Ints]:
    """Return (patient, regimen) of all regimens within so many levels of each patient's own."""
    distance = np.abs(REGIMENS[place][:, None, :] - REGIMENS[None]).sum(2)
    patient, regimen = np.nonzero(distance <= levels)
    return patient, regimen


def _best(keys: Floats, patient: Ints, regimen: Ints) -> Ints:
    order = np.lexsort((regimen, -keys, patient))
    return np.asarray(regimen[order][np.flatnonzero(np.diff(patient, prepend=-1))])


def by_filter(seen: Seen) -> Ints:
    """Choose by the untrained filter."""
    return chosen_by(seen, seen.beliefs.mean, seen.beliefs.covariance)


def chosen_by(seen: Seen, mean: Floats, covariance: Floats) -> Ints:
    """Choose by posteriors (patients, states)."""
    patient, regimen = reachable(seen.place, seen.moves)
    doses = standard_doses(regimen)
    level = levels(mean, covariance, patient, doses, seen.course.taken_share())
    symptoms = symptoms_of_doses(doses, patient, seen.course)
    return _best(_keys(seen, Level(*level), symptoms, patient, regimen), patient, regimen)


def by_knowable(seen: Seen) -> Ints:
    """Choose by what could be known by now."""
    patient, regimen = reachable(seen.place, seen.moves)
    doses = standard_doses(regimen)
    level = learned(seen.course, patient, doses)
    symptoms = symptoms_of_doses(doses, patient, seen.course)
    return _best(_keys(seen, level, symptoms, patient, regimen), patient, regimen)


def by_oracle(seen: Seen) -> Ints:
    """Choose by the truth."""
    patient, regimen = reachable(seen.place, seen.moves)
    level, shown = truth(seen.course, patient, standard_doses(regimen))
    return _best(_keys(seen, level, shown, patient, regimen), patient, regimen)


def _keys(seen: Seen, level: Level, symptoms: Floats, patient: Ints, regimen: Ints) -> Floats:
    changed = (REGIMENS[regimen] != REGIMENS[seen.place[patient]]).sum(1)
    return level_keys(level.mean, level.spread, symptoms, changed)


def climb(rungs: tuple[tuple[int, int, int], ...]) -> Chooser:
    """Return a policy that goes one rung up when above target and one down when low."""
    places = np.array([int(np.flatnonzero((r == REGIMENS).all(1))[0]) for r in np.array(rungs)])

    def choose(seen: Seen) -> Ints:
        at = np.argmax(places[None] == seen.place[:, None], axis=1)
        up, down = seen.mean >= _UPPER_MMHG, seen.mean < _LOW_MMHG
        return np.asarray(places[np.clip(at + up - down, 0, len(places) - 1)])

    return choose


CHOOSERS: Final[Mapping[str, Chooser]] = MappingProxyType(
    {
        "stepped_care": climb(_STEPPED),
        "dual_first": climb(_DUAL),
        "filter": by_filter,
        "knowable": by_knowable,
        "oracle": by_oracle,
    }
)


SETTLED_FROM_DAY: Final = 56


def run(
    choose: Chooser, design: Design, seed: int, *, levels: int = 2, world: World = REFERENCE
) -> Outcomes:
    """Return the outcomes of one policy; a move changes `levels` levels at most in total.

    Days count from the first one, in the persistent world from `SETTLED_FROM_DAY`.

    Raises:
        BadTrial: no day is left to count.
    """
    first = SETTLED_FROM_DAY if world is PERSISTENT else 0
    if design.days <= first:
        raise BadTrial(f"--days must be more than {first} in this world")
    course = Course(design.patients, world, seed, design.where)
    beliefs = Beliefs(course)
    count = DayCount(course)
    place: Ints = np.zeros(course.count, dtype=np.int64)
    for start in range(0, design.days, design.cadence_days):
        beliefs.read_week(course)
        place = choose(Seen(course, beliefs, place, _week_mean(course), levels))
        count.moves += course.prescribe(
            np.rint(standard_doses(place) * STANDARD_UG).astype(np.int64)
        )
        following = start + design.cadence_days
        for day in range(start, min(following, design.days)):
            course.live(measuring=day >= following - WINDOW_DAYS, next_decision=following)
            beliefs.live(course)
            if day >= first:
                count.day(course)
    return count.outcomes(course, design.days - first)


def _week_mean(course: Course) -> Floats:
    week = course.weeks[-1]
    present = week.present
    total, count = (week.systolic * present).sum((1, 2)), present.sum((1, 2))
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
