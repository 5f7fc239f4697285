"""What a colleague would ask of a ranking: does it agree with a guideline, is it sane?

The guideline engines are the clinical core's titrator under two guidelines; they share nothing with
the filter but the list of moves. The sanity rules are written here by themselves, from the bedside,
and judge the best move alone. Simulated patients.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from models.literature import CLASSES
from models.simulation import policies, summary, trial
from models.simulation.legal import TARGET, MoveBook
from models.simulation.people import Bools, Floats, Ints
from models.simulation.policies import Decision, Policy, chosen
from models.simulation.trial import Design
from models.simulation.worlds import World
from services.clinical.formulary import DrugClass
from services.clinical.titration import Guideline, Titrator

ENGINES: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        guideline.value: policies.titrated_by(Titrator(guideline))
        for guideline in (Guideline.AHA, Guideline.NICE)
    }
)
_RAS: Final = [CLASSES.index(c) for c in (DrugClass.ACE_INHIBITOR, DrugClass.ARB)]
_FIRST_LINE: Final = [
    CLASSES.index(c) for c in (DrugClass.CALCIUM_CHANNEL_BLOCKER, DrugClass.THIAZIDE)
]
_LATER: Final = [CLASSES.index(c) for c in (DrugClass.MRA, DrugClass.BETA_BLOCKER)]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Picked:
    """The best move of each patient, with what a clinician has in front of them.

    Doses in standard doses (patients, classes), pressure in tenths of mmHg.
    """

    before: Floats
    after: Floats
    systolic_tenths: Ints
    diastolic_tenths: Ints
    known: Bools
    symptoms: Bools
    """(patients, classes): the class gives a symptom now."""

    @property
    def direction(self) -> Ints:
        """Return 1 where treatment grows, -1 where it shrinks, 0 for the rest, swaps included."""
        up, down = (self.after > self.before).any(1), (self.after < self.before).any(1)
        return np.asarray(up.astype(np.int64) - down)

    @property
    def above(self) -> Bools:
        """Return who is at or above either limit of the target by the week's average."""
        systolic = self.systolic_tenths >= 10 * TARGET.systolic_below_mmhg
        return np.asarray(systolic | (self.diastolic_tenths >= 10 * TARGET.diastolic_below_mmhg))


Check = Callable[[Picked], Bools]


def _raised(seen: Picked) -> Bools:
    return np.asarray(seen.after > seen.before)


def _lowers_without_reason(seen: Picked) -> Bools:
    calm = ~seen.symptoms.any(1)
    return np.asarray(seen.known & seen.above & calm & (seen.direction < 0))


def _later_line_too_soon(seen: Picked) -> Bools:
    first = (seen.after[:, _FIRST_LINE] > 0).sum(1) + (seen.after[:, _RAS] > 0).any(1)
    return np.asarray(_raised(seen)[:, _LATER].any(1) & (first < 2))


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "raises_without_an_average": lambda p: ~p.known & _raised(p).any(1),
        "raises_when_in_target": lambda p: p.known & ~p.above & (p.direction > 0),
        "lowers_when_above_without_a_symptom": _lowers_without_reason,
        "raises_what_gives_a_symptom": lambda p: np.asarray((_raised(p) & p.symptoms).any(1)),
        "two_blockers_of_the_renin_system": lambda p: np.asarray((p.after[:, _RAS] > 0).all(1)),
        "fourth_line_before_first": _later_line_too_soon,
    }
)
"""What a clinician would frown at in the best move [A]."""


class Asking:
    """A policy that also asks the guideline engines, and counts."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.same: dict[str, list[Bools]] = {name: [] for name in ENGINES}
        self.direction: dict[str, list[Bools]] = {name: [] for name in ENGINES}
        self.frowned: dict[str, list[Bools]] = {name: [] for name in CHECKS}

    def __call__(self, asked: Decision) -> Floats:
        """Score as the policy does."""
        scores = self._policy(asked)
        best = chosen(scores, asked.offered)
        ours = picked(asked, best)
        for name, engine in ENGINES.items():
            other = chosen(engine(asked), asked.offered)
            self.same[name].append(best == other)
            self.direction[name].append(ours.direction == picked(asked, other).direction)
        for name, check in CHECKS.items():
            self.frowned[name].append(check(ours))
        return scores


def picked(asked: Decision, place: Ints) -> Picked:
    """Return the moves at these places of the offered, one a patient."""
    body, week = asked.course.body, asked.week
    return Picked(
        body.prescribed,
        asked.doses[place],
        week.systolic,
        week.diastolic,
        week.known,
        asked.course.reported(),
    )


def judged(policy: Policy, world: World, design: Design, seed: int) -> Json:
    """Return agreement with each engine and the share of sane best moves, over one trial."""
    asking = Asking(policy)
    trial.run(asking, world, design, seed, MoveBook())
    frowned = {name: _by_patient(found) for name, found in asking.frowned.items()}
    any_frown = np.stack([np.stack(found) for found in asking.frowned.values()]).any(0)
    return {
        "world": world.name,
        "decisions": int(any_frown.size),
        "sane_percent": summary.figure(100.0 * (1.0 - any_frown.mean(0))).as_json(),
        "frowned_at_percent": {n: round(float(v.mean()), 2) for n, v in frowned.items()},
        "agreement": {
            name: {
                "same_move_percent": summary.figure(_by_patient(asking.same[name])).as_json(),
                "same_direction_percent": summary.figure(
                    _by_patient(asking.direction[name])
                ).as_json(),
            }
            for name in ENGINES
        },
    }


def _by_patient(found: list[Bools]) -> Floats:
    """Return each patient's share of decisions, percent: decisions of one patient go together."""
    return np.asarray(100.0 * np.stack(found).mean(0))
