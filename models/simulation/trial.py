"""The trial: one cohort under one policy, a decision every so many days, days counted.

The same seed gives the same people and the same days to every policy, so differences are paired.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from models.simulation.beliefs import Beliefs
from models.simulation.course import Course
from models.simulation.home import Averages
from models.simulation.judged import allowed
from models.simulation.legal import KINDS, MoveBook, Offered
from models.simulation.people import Bools, Floats, Ints
from models.simulation.place import CPU, Place
from models.simulation.policies import Decision, Policy, chosen
from models.simulation.sick_days import SICK_DAY_KINDS, SickDays
from models.simulation.worlds import World
from services.clinical.windows import WINDOW_DAYS

# Source: time in target range 110-130 mmHg, Fatani, JACC 2021 [S].
TARGET_RANGE_MMHG: Final = (110.0, 130.0)
HYPOTENSION_MMHG: Final = 100.0
LATENT_LOW_MMHG: Final = 105.0
DAYS_A_YEAR: Final = 365.25
MIN_CADENCE_DAYS: Final = 14


class BadTrial(ValueError):
    """The trial cannot be run as asked. The message says which figure to change."""


@dataclass(frozen=True, slots=True)
class Design:
    """Patients, days and days between decisions; `inertia` is the share of moves not made.

    `where` the days are computed changes nothing but the time they take.
    """

    patients: int
    days: int
    cadence_days: int
    inertia: float = 0.0
    where: Place = CPU

    def __post_init__(self) -> None:
        if self.cadence_days < MIN_CADENCE_DAYS:
            raise BadTrial(f"--cadence must be {MIN_CADENCE_DAYS} days or more")
        if self.patients < 1 or self.days < 1:
            raise BadTrial("--patients and --days must be positive")
        if not 0.0 <= self.inertia < 1.0:
            raise BadTrial("inertia is a share from 0 to below 1")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What happened to each patient, one element a patient; days are counted over the trial."""

    days: int
    in_target_days: Ints
    below_100_days: Ints
    latent_low_days: Ints
    symptomatic: Bools
    moves: Ints
    last_systolic: Floats
    """Home mean at the end, free of noise, mmHg."""
    groups: dict[str, Bools]
    """Subgroups by name."""
    offered: int
    """Moves that the guard let through, all decisions together."""
    most_rungs_raised: int
    """The largest rise of any move made, in rungs of all drugs together."""


class Watcher(Protocol):
    """Looks on while a trial runs; it changes nothing and draws nothing at random."""

    def measured(self, week: Averages) -> None:
        """A week has been measured; a decision follows."""

    def moved(self, course: Course, week: Averages, beliefs: Beliefs) -> None:
        """The decision has been made and is in force."""

    def lived(self, course: Course) -> None:
        """A day has passed."""


def run(
    policy: Policy,
    world: World,
    design: Design,
    seed: int,
    book: MoveBook,
    watcher: Watcher | None = None,
) -> Outcomes:
    """Return the outcomes of one policy on one seed's cohort, with `watcher` looking on."""
    course = Course(design.patients, world, seed, design.where)
    beliefs, sick_days = Beliefs(course), SickDays(course)
    # Inertia draws from its own source: the course's days stay paired between policies.
    inertia = np.random.default_rng(seed + 1_000_003)
    total = DayCount(course)
    for start in range(0, design.days, design.cadence_days):
        beliefs.read_week(course)
        week = course.averages()
        if watcher is not None:
            watcher.measured(week)
        rows = _decide(policy, Seen(course, week, beliefs, book), total)
        acts = inertia.random(course.count) >= design.inertia
        total.moves += course.carry_out(book, np.where(acts, rows.best, rows.keep))
        if watcher is not None:
            watcher.moved(course, week, beliefs)
        following = start + design.cadence_days
        for day in range(start, min(following, design.days)):
            course.live(measuring=day >= following - WINDOW_DAYS, next_decision=following)
            beliefs.live(course)
            total.day(course)
            if watcher is not None:
                watcher.lived(course)
            sick_days.attend()
    return total.outcomes(course, design.days)


@dataclass(frozen=True, slots=True)
class Seen:
    """The cohort at one decision."""

    course: Course
    week: Averages
    beliefs: Beliefs
    book: MoveBook


_MADE_EVERY_MORNING: Final = [KINDS.index(kind) for kind in SICK_DAY_KINDS]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the book, one a patient: the policy's move, and KEEP."""

    best: Ints
    keep: Ints


def _decide(policy: Policy, seen: Seen, total: "DayCount") -> Rows:
    offered = seen.course.offer(seen.book, seen.week)
    legal = allowed(seen.course, seen.week, seen.book, offered)
    # Pauses and resumptions are made every morning, whatever the policy.
    legal &= ~np.isin(seen.book.kinds()[offered.row], _MADE_EVERY_MORNING)
    kept = Offered(offered.patient[legal], offered.row[legal])
    asked = Decision(seen.course, seen.week, seen.beliefs, seen.book, kept)
    best = kept.row[chosen(policy(asked), kept)]
    raised = int(seen.book.column("rungs_raised")[best].max())
    total.most_rungs_raised = max(total.most_rungs_raised, raised)
    total.offered += len(kept.row)
    # KEEP is offered first to everyone, and no rule speaks against it.
    return Rows(best, kept.row[np.flatnonzero(np.diff(kept.patient, prepend=-1))])


class DayCount:
    """Running counts."""

    def __init__(self, course: Course) -> None:
        self._range: Ints = np.zeros(course.count, dtype=np.int64)
        self._hypotension = self._range.copy()
        self._low = self._range.copy()
        self._symptomatic: Bools = np.zeros(course.count, dtype=np.bool_)
        self.moves = self._range.copy()
        self.offered = 0
        self.most_rungs_raised = 0

    def day(self, course: Course) -> None:
        latent = course.body.latent_systolic()
        self._range += in_target(latent)
        self._hypotension += course.body.day_systolic() < HYPOTENSION_MMHG
        self._low += latent < LATENT_LOW_MMHG
        self._symptomatic |= course.reported().any(1) | course.body.fainted

    def outcomes(self, course: Course, days: int) -> Outcomes:
        return Outcomes(
            days,
            self._range,
            self._hypotension,
            self._low,
            self._symptomatic,
            self.moves,
            course.body.latent_systolic(),
            groups(course),
            self.offered,
            self.most_rungs_raised,
        )


def in_target(latent_mmhg: Floats) -> Bools:
    """Return who has the true home mean in the target range today."""
    low, high = TARGET_RANGE_MMHG
    return np.asarray((latent_mmhg >= low) & (latent_mmhg < high))


def groups(course: Course) -> dict[str, Bools]:
    """Return the subgroups that are reported apart."""
    people = course.people
    return {
        "women": people.female,
        "men": ~people.female,
        "under_65": people.age < 65,
        "65_and_over": people.age >= 65,
        "egfr_under_60": people.egfr < 60.0,
        "egfr_60_and_over": people.egfr >= 60.0,
        "misses_more_doses": people.omission > np.median(people.omission),
        "misses_fewer_doses": people.omission <= np.median(people.omission),
    }


def pooled(runs: list[Outcomes]) -> Outcomes:
    """Return the outcomes of several seeds as one cohort."""

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(run, name) for run in runs])

    first = runs[0]
    return Outcomes(
        days=first.days,
        in_target_days=joined("in_target_days"),
        below_100_days=joined("below_100_days"),
        latent_low_days=joined("latent_low_days"),
        symptomatic=joined("symptomatic"),
        moves=joined("moves"),
        last_systolic=joined("last_systolic"),
        groups={n: np.concatenate([r.groups[n] for r in runs]) for n in first.groups},
        offered=sum(r.offered for r in runs),
        most_rungs_raised=max(r.most_rungs_raised for r in runs),
    )
