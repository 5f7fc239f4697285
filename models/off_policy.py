"""Off-policy estimates beside the simulator's truth: what logged decisions alone can tell.

A randomised behaviour policy chooses between near-equal guarded moves and logs with which
probability. From its log alone three estimators say what another policy would have reached; the
simulator then runs that policy on the same people. In the field such rankings can flip with the
estimator, so that nothing here decides anything: it shows how far the estimators can be trusted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from models import choice
from models.simulation import summary, trial
from models.simulation.beliefs import Beliefs
from models.simulation.course import Course
from models.simulation.home import Averages
from models.simulation.legal import MoveBook
from models.simulation.people import Bools, Floats, Ints
from models.simulation.policies import MARGIN, Decision, chosen, likely_symptoms, lines_skipped
from models.simulation.trial import Design
from models.simulation.worlds import World

# Scores this close to the best are near-equal: what a clinician may let chance decide [A].
NEAR: Final = 0.02
# Share of decisions that chance settles, evenly among the near-equal moves [A].
RANDOMISED: Final = 0.4
_RIDGE: Final = 1.0
_RESAMPLES: Final = 200
_UPPER: Final = 130.0
Json = dict[str, Any]
Estimator = Callable[["Log", str], float]


@dataclass(frozen=True, slots=True)
class Options:
    """The moves of one decision, one element each, as the filter sees them."""

    patient: Ints
    keys: Floats
    near: Bools
    """Near-equal to the patient's best; the best itself always is."""
    level: Floats
    symptoms: Floats
    features: Floats
    """(moves, features)."""


def options(asked: Decision) -> Options:
    """Return the filter's view of the offered moves."""
    patient, share = asked.offered.patient, asked.course.taken_share()
    level, spread = asked.beliefs.levels(patient, asked.doses, share)
    symptoms = likely_symptoms(asked)
    drugs = np.asarray(asked.book.column("drugs_changed")[asked.offered.row], dtype=np.float64)
    in_target, low, score = choice.scores(
        level,
        spread,
        symptoms=symptoms,
        drugs_changed=drugs,
        skipped=lines_skipped(asked),
        upper_mmhg=_UPPER,
    )
    keys = choice.rank_keys(low, score - MARGIN * (drugs > 0))
    begins = np.flatnonzero(np.diff(patient, prepend=-1))
    best = np.maximum.reduceat(keys, begins)[np.cumsum(np.diff(patient, prepend=-1) > 0) - 1]
    near = (keys >= best - NEAR) & (low <= choice.LOW_LIMIT) | (keys == best)
    now = level[begins][patient]
    state = (now, asked.beliefs.mean[patient, 0], share[patient], asked.course.people.age[patient])
    columns = np.stack([level, spread, in_target, symptoms, drugs, *state], axis=1)
    return Options(patient, keys, near, level, symptoms, _expanded(columns))


def _expanded(columns: Floats) -> Floats:
    """Centre on public constants; add squares and an intercept."""
    centre = np.array([130.0, 6.0, 0.4, 0.15, 1.0, 135.0, 150.0, 0.9, 60.0])
    scale = np.array([12.0, 3.0, 0.2, 0.15, 1.0, 12.0, 12.0, 0.1, 13.0])
    x = (columns - centre) / scale
    return np.concatenate([np.ones((len(x), 1)), x, np.clip(x, -3.0, 3.0) ** 2], axis=1)


Preference = Callable[[Options], Floats]
TARGETS: Final[Mapping[str, Preference]] = MappingProxyType(
    {
        "filter": lambda seen: seen.keys,
        "gentlest": lambda seen: -seen.symptoms + 1e-3 * seen.keys,
        "strongest": lambda seen: -seen.level,
    }
)
"""Policies that choose among the near-equal moves only: the log can say nothing of others."""


def within_near(prefer: Preference, seen: Options) -> Floats:
    """Return scores whose best is the preferred of the near-equal moves."""
    return np.where(seen.near, prefer(seen), -np.inf)


@dataclass(frozen=True, slots=True)
class Step:
    """One decision of all patients: who did what, with which probability, and what came of it."""

    propensity: Floats
    features: Floats
    target_features: Mapping[str, Floats]
    matches: Mapping[str, Bools]
    """Whether the target policy would have done the same."""
    reward: Floats
    """Points of time in target earned until the next decision."""


class Randomised:
    """The behaviour policy: it logs what it does, and watches the days that follow."""

    def __init__(self, seed: int, days: int) -> None:
        self._chance = np.random.default_rng(seed + 2_000_003)
        self._days = days
        self.steps: list[Step] = []
        self._open: dict[str, Any] | None = None
        self._earned: Floats = np.zeros(0)

    def __call__(self, asked: Decision) -> Floats:
        """Score so that the drawn move is made."""
        self._close()
        seen = options(asked)
        best = chosen(within_near(TARGETS["filter"], seen), asked.offered)
        drawn = chosen(
            np.where(seen.near, self._chance.random(len(seen.keys)), -1.0), asked.offered
        )
        taken = np.where(self._chance.random(len(best)) < RANDOMISED, drawn, best)
        count = np.bincount(seen.patient, weights=seen.near)
        propensity = RANDOMISED / count + np.where(taken == best, 1.0 - RANDOMISED, 0.0)
        picks = {n: chosen(within_near(t, seen), asked.offered) for n, t in TARGETS.items()}
        self._open = {
            "propensity": propensity,
            "features": seen.features[taken],
            "target_features": {name: seen.features[pick] for name, pick in picks.items()},
            "matches": {name: pick == taken for name, pick in picks.items()},
        }
        self._earned = np.zeros(len(best))
        scores = np.zeros(len(seen.keys))
        scores[taken] = 1.0
        return scores

    def measured(self, week: Averages) -> None:
        """Nothing is read off the week."""

    def moved(self, course: Course, week: Averages, beliefs: Beliefs) -> None:
        """Nothing is read off the move: it was logged when it was drawn."""

    def lived(self, course: Course) -> None:
        """Count the day."""
        self._earned += 100.0 * trial.in_target(course.body.latent_systolic()) / self._days

    def log(self) -> "Log":
        """Return the finished log."""
        self._close()
        return Log(tuple(self.steps), np.arange(len(self.steps[0].reward)))

    def _close(self) -> None:
        if self._open is not None:
            self.steps.append(Step(reward=self._earned, **self._open))
        self._open = None


@dataclass(frozen=True, slots=True)
class Log:
    """Decisions in order; the same patients in each."""

    steps: tuple[Step, ...]
    place: Ints
    """Which patient of the trial each is; a resample has some more than once."""

    @property
    def patients(self) -> int:
        """How many there are."""
        return len(self.steps[0].reward)

    def of(self, patients: Ints) -> "Log":
        """Return the log of these patients, in this order, repeated where an index is."""
        steps = tuple(
            Step(
                s.propensity[patients],
                s.features[patients],
                {name: f[patients] for name, f in s.target_features.items()},
                {name: m[patients] for name, m in s.matches.items()},
                s.reward[patients],
            )
            for s in self.steps
        )
        return Log(steps, self.place[patients])

    def ratios(self, target: str) -> Floats:
        """Return cumulative importance ratios (steps, patients)."""
        each = [np.where(s.matches[target], 1.0 / s.propensity, 0.0) for s in self.steps]
        return np.cumprod(np.stack(each), axis=0)


def wis(log: Log, target: str) -> float:
    """Return the weighted importance sampling estimate, decision by decision."""
    total = 0.0
    for step, ratio in zip(log.steps, log.ratios(target), strict=True):
        total += float((ratio * step.reward).sum() / max(ratio.sum(), 1e-12))
    return total


def fitted(log: Log, target: str) -> list[Floats]:
    """Return the weights of each decision's Q by fitted Q evaluation, ridge regression."""
    weights: list[Floats] = []
    following: Floats | None = None
    for step in reversed(log.steps):
        x = step.features
        y = step.reward if following is None else step.reward + following
        w = np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ y)
        weights.append(np.asarray(w, dtype=np.float64))
        # What the policy would reach from here on, seen from the decision before.
        following = step.target_features[target] @ w
    return weights[::-1]


def fqe(log: Log, target: str) -> float:
    """Return the value at the first decision by fitted Q evaluation."""
    return float((log.steps[0].target_features[target] @ fitted(log, target)[0]).mean())


def doubly_robust(log: Log, target: str) -> float:
    """Return the doubly robust estimate, Q fitted on one half of the patients, used on the other.

    A patient drawn twice in a resample stays in one half.
    """
    values = []
    for half in (0, 1):
        inside = log.place % 2 == half
        learn, judge = log.of(np.flatnonzero(~inside)), log.of(np.flatnonzero(inside))
        weights = fitted(learn, target)
        value: Floats = np.zeros(judge.patients)
        for step, w in zip(reversed(judge.steps), reversed(weights), strict=True):
            ratio = np.where(step.matches[target], 1.0 / step.propensity, 0.0)
            surprise = step.reward + value - step.features @ w
            value = step.target_features[target] @ w + ratio * surprise
        values.append(value)
    return float(np.concatenate(values).mean())


ESTIMATORS: Final[Mapping[str, Estimator]] = MappingProxyType(
    {"wis": wis, "dr": doubly_robust, "fqe": fqe}
)


def interval(log: Log, estimate: Estimator, target: str, *, seed: int) -> tuple[float, float]:
    """Return the 95 % interval by resampling patients."""
    chance = np.random.default_rng(seed)
    found = [
        estimate(log.of(chance.integers(0, log.patients, log.patients)), target)
        for _ in range(_RESAMPLES)
    ]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def compared(world: World, design: Design, seed: int) -> Json:
    """Return estimates of each target policy beside its truth on the same simulated patients."""
    book, behaviour = MoveBook(), Randomised(seed, design.days)
    seen = trial.run(behaviour, world, design, seed, book, behaviour)
    log = behaviour.log()
    targets = {name: _target(log, name, (world, design, seed), book) for name in TARGETS}
    truth = sorted(TARGETS, key=lambda n: targets[n]["truth"]["mean"])
    return {
        "world": world.name,
        "patients": design.patients,
        "decisions": len(log.steps),
        "randomised_share": RANDOMISED,
        "behaviour": summary.figures(seen)["ttr_percent"],
        "targets": targets,
        "ranks_as_the_truth": {
            e: sorted(TARGETS, key=lambda n: targets[n][e]["mean"]) == truth for e in ESTIMATORS
        },
    }


def _target(log: Log, name: str, run: tuple[World, Design, int], book: MoveBook) -> Json:
    world, design, seed = run
    prefer = TARGETS[name]
    outcomes = trial.run(
        lambda asked: within_near(prefer, options(asked)), world, design, seed, book
    )
    truth = summary.figures(outcomes)["ttr_percent"]
    last = log.ratios(name)[-1]
    found: Json = {
        "truth": truth,
        # Kish: how many patients the weights of the last decision are worth.
        "effective_patients": round(float(last.sum() ** 2 / max((last**2).sum(), 1e-12)), 1),
    }
    for estimator, estimate in ESTIMATORS.items():
        low, high = interval(log, estimate, name, seed=seed)
        found[estimator] = {
            "mean": round(estimate(log, name), 3),
            "low": round(low, 3),
            "high": round(high, 3),
            "holds_the_truth": bool(low <= truth["mean"] <= high),
        }
    return found
