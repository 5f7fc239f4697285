"""Who chooses: every policy scores the same guarded moves, and the best score is made.

A policy sees the record. Two bounds see the body. The oracle knows today's level, adherence, how
every class works in each person, tried or not, and who will have symptoms: nobody could know that.
`knowable` has the same of the classes that a person has taken by now, and the population's mean of
the others: what a perfect learner could have learned, and no symptom before it is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np

from models import choice
from models.literature import CLASSES, COMBINATION_FACTOR
from models.simulation.beliefs import Beliefs
from models.simulation.body import population_effect, several, symptom_shares
from models.simulation.course import Course
from models.simulation.home import Averages
from models.simulation.legal import ENTRY, KINDS, TARGET, MoveBook, Offered
from models.simulation.people import Bools, Floats, Ints
from services.clinical.formulary import DrugClass
from services.clinical.moves import MoveKind
from services.clinical.titration import OVER_TREATED_TENTHS, Titrator

_UPPER: Final = float(TARGET.systolic_below_mmhg)
# A change must beat "no change" by this much. Source: prototype [M].
MARGIN: Final = 0.02
# What even the truth of today leaves open until the next decision: drift, salt, season [A].
ORACLE_SD_MMHG: Final = 2.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy is asked: the course, its averages, the beliefs, and the allowed moves."""

    course: Course
    week: Averages
    beliefs: Beliefs
    book: MoveBook
    offered: Offered
    """Only moves that the guard lets a clinician make; KEEP comes first for each patient."""

    @property
    def doses(self) -> Floats:
        """Standard doses by class after each move."""
        return self.book.doses_after(self.offered.row)


class Policy(Protocol):
    """Scores moves; higher is better, ties go to the move offered first."""

    def __call__(self, asked: Decision) -> Floats:
        """Return one score for each offered move."""
        ...


def chosen(scores: Floats, offered: Offered) -> Ints:
    """Return the place of each patient's best move among the offered."""
    order = np.lexsort((np.arange(len(scores)), -scores, offered.patient))
    first = np.flatnonzero(np.diff(offered.patient, prepend=-1))
    return np.asarray(order[first])


def expected(mean: Floats, spread: Floats, asked: Decision, symptoms: Floats) -> Floats:
    """Return the score of full-effect levels, with the margin over "no change" taken off."""
    drugs = np.asarray(asked.book.column("drugs_changed")[asked.offered.row], dtype=np.int64)
    return level_keys(mean, spread, symptoms, drugs, lines_skipped(asked))


def lines_skipped(asked: Decision) -> Floats:
    """Return how many first-line classes each move skips; nobody here has a reason to."""
    return choice.lines_skipped(asked.course.body.prescribed[asked.offered.patient], asked.doses)


def level_keys(
    mean: Floats,
    spread: Floats,
    symptoms: Floats,
    drugs_changed: Ints,
    skipped: Floats | float = 0.0,
) -> Floats:
    """Return the sort keys of levels; a change of any drug must beat "no change" by the margin."""
    _, low, score = choice.scores(
        mean,
        spread,
        symptoms=symptoms,
        drugs_changed=drugs_changed.astype(np.float64),
        skipped=skipped,
        upper_mmhg=_UPPER,
    )
    return choice.rank_keys(low, score - MARGIN * (drugs_changed > 0))


def filtered(asked: Decision) -> Floats:
    """Score by the untrained filter's posterior."""
    share = asked.course.taken_share()
    mean, spread = asked.beliefs.levels(asked.offered.patient, asked.doses, share)
    return expected(mean, spread, asked, likely_symptoms(asked))


def likely_symptoms(asked: Decision) -> Floats:
    """Return the probability of any symptom after each move, given those the patient has now."""
    return symptoms_of_doses(asked.doses, asked.offered.patient, asked.course)


def symptoms_of_doses(doses: Floats, patient: Ints, course: Course) -> Floats:
    """Return the probability of any symptom under doses (candidates, classes).

    A class that gives its symptom keeps giving it while its dose does not fall.
    """
    shares = symptom_shares(doses)
    has = course.reported()[patient]
    held = doses >= course.body.prescribed[patient]
    # Who takes a dose without a symptom is not among those in whom that dose gives one.
    before = np.where(has, 0.0, symptom_shares(course.body.prescribed)[patient])
    risen = np.clip((shares - before) / np.maximum(1.0 - before, 1e-6), 0.0, 1.0)
    shares = np.where(has & held & (doses > 0), 1.0, np.where(has, shares, risen))
    return np.asarray(1.0 - (1.0 - shares).prod(1))


def oracle(asked: Decision) -> Floats:
    """Score by the truth."""
    level, shown = truth(asked.course, asked.offered.patient, asked.doses)
    return expected(level.mean, level.spread, asked, shown)


def knowable(asked: Decision) -> Floats:
    """Score by what could be known by now: the truth of classes taken, the mean of the others."""
    level = learned(asked.course, asked.offered.patient, asked.doses)
    return expected(level.mean, level.spread, asked, likely_symptoms(asked))


@dataclass(frozen=True, slots=True)
class Level:
    """Full-effect home means (candidates,) in mmHg and their SD."""

    mean: Floats
    spread: Floats


def truth(course: Course, patient: Ints, doses: Floats) -> tuple[Level, Floats]:
    """Return the true level under doses (candidates, classes), and any symptom."""
    people = course.body.people
    level = _level(course, patient, doses, people.sensitivity, np.zeros_like(people.sensitivity))
    shown = (symptom_shares(doses) > people.symptom_threshold[patient]).any(1)
    return level, np.asarray(shown, dtype=np.float64)


def learned(course: Course, patient: Ints, doses: Floats) -> Level:
    """Return the level under doses (candidates, classes) as a perfect learner would know it."""
    mean = np.array(course.world.class_factor)
    taken = course.ever_taken
    sensitivity = np.where(taken, course.body.people.sensitivity, mean)
    unknown = np.where(taken, 0.0, course.world.effect_variation * mean)
    return _level(course, patient, doses, sensitivity, unknown)


def _level(
    course: Course, patient: Ints, doses: Floats, sensitivity: Floats, unknown: Floats
) -> Level:
    """Return the level with sensitivities (patients, classes) and their SD."""
    body, people = course.body, course.body.people
    omitted = 0.1 * people.omission
    share = np.where(body.stopped, 0.0, 1.0 - np.minimum(omitted, 0.6))
    effect = population_effect(doses) * share[patient][:, None]
    factor = people.effect_factor[patient] * np.where(several(effect), COMBINATION_FACTOR, 1.0)
    fall = factor[:, None] * effect
    mean = body.untreated()[patient] - (fall * sensitivity[patient]).sum(1)
    variance = ((fall * unknown[patient]) ** 2).sum(1)
    return Level(mean, np.sqrt(ORACLE_SD_MMHG**2 + variance))


def titrated_by(titrator: Titrator) -> Policy:
    """Return a policy that scores by the rank that the clinical core's own titrator gives."""

    def scored(asked: Decision) -> Floats:
        now = ENTRY + timedelta(days=asked.course.body.day)
        offered, book = asked.offered, asked.book
        scores = np.zeros(len(offered.row))
        begins = np.flatnonzero(np.diff(offered.patient, prepend=-1))
        for begin, end in zip(begins, [*begins[1:], len(scores)], strict=True):
            if end - begin == 1:
                continue
            rows = offered.row[begin:end]
            moves = tuple(book.moves[row] for row in rows)
            snapshot = asked.course.snapshot(int(offered.patient[begin]))
            ranking = titrator.rank(snapshot, moves, TARGET, now)
            place = {ranked.move: -position for position, ranked in enumerate(ranking.moves)}
            scores[begin:end] = [place[move] for move in moves]
        return scores

    return scored


titrated: Final = titrated_by(Titrator())


_KEEP: Final = KINDS.index(MoveKind.KEEP)
_CLASS_ORDER: Final = (
    DrugClass.ACE_INHIBITOR,
    DrugClass.CALCIUM_CHANNEL_BLOCKER,
    DrugClass.THIAZIDE,
    DrugClass.ARB,
    DrugClass.MRA,
    DrugClass.BETA_BLOCKER,
)
_POINTS: Final = np.array([len(CLASSES) - _CLASS_ORDER.index(cls) for cls in CLASSES])

Preference = Mapping[MoveKind, int]
# One drug at a time, to its top, then the next class.
_STEPPED: Final[Preference] = MappingProxyType({MoveKind.STEP_UP: 3, MoveKind.START: 2})
# Two classes at once, two rungs at once. Source: AHA25 p36 stage 2; WHO HEARTS ladder [S, K].
_DUAL: Final[Preference] = MappingProxyType(
    {
        MoveKind.START_TWO: 6,
        MoveKind.ADD_AND_STEP_UP: 5,
        MoveKind.STEP_UP_TWO: 4,
        MoveKind.START: 3,
        MoveKind.STEP_UP: 2,
    }
)
_EASING: Final = (MoveKind.SWAP,)


def ladder(preference: Preference) -> Policy:
    """Return a policy that climbs by kind of move, then by class; down when low, swap if ill."""
    kinds_points = np.array([100.0 * preference.get(kind, -1) for kind in KINDS])
    kinds_points[_KEEP] = 0.0
    down = KINDS.index(MoveKind.STEP_DOWN)
    easing = np.array([kind in _EASING for kind in KINDS])

    def scored(asked: Decision) -> Floats:
        kinds, patient = asked.book.kinds()[asked.offered.row], asked.offered.patient
        before = asked.course.body.prescribed[patient]
        raised = (asked.doses > before).astype(np.float64)
        # Two agents: one blocker of the renin system and one that is not come first by the order.
        score = kinds_points[kinds] + raised @ _POINTS
        low_systolic, low_diastolic = OVER_TREATED_TENTHS
        week = asked.week
        low = week.known & ((week.systolic < low_systolic) | (week.diastolic < low_diastolic))
        score += np.where(kinds == down, np.where(low[patient], 2000.0, 0.0), 0.0)
        eased = easing[kinds] & _lowers_a_culprit(asked, before)
        return np.asarray(score + np.where(eased, 1000.0, 0.0))

    return scored


def _lowers_a_culprit(asked: Decision, before: Floats) -> Bools:
    shown = asked.course.reported()[asked.offered.patient]
    return np.asarray(((asked.doses < before) & shown).any(1))


POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        "stepped_care": ladder(_STEPPED),
        "dual_first": ladder(_DUAL),
        "titrator": titrated,
        "filter": filtered,
        "knowable": knowable,
        "oracle": oracle,
    }
)
