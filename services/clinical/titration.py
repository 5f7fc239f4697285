"""The deterministic titrator: baseline, fallback and comparator of every model.

A guideline engine. It walks A → A + C → A + C + D → + spironolactone (the clinician), adds a class
at a low rung before it doubles a dose, gives two rungs at stage 2 to those who bear them, and steps
down when the pressure is low or a symptom asks for it. It only orders the moves it is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import NormalDist
from types import MappingProxyType
from typing import assert_never

from services.clinical.averaging import SufficientAverage, average
from services.clinical.formulary import DrugClass, drug_class
from services.clinical.moves import SYMPTOM_OF_CLASS, DoseChange, Move, MoveKind
from services.clinical.patient import Condition, Lab, Snapshot, Target
from services.clinical.preference import OVER_TREATED_TENTHS as OVER_TREATED_TENTHS
from services.clinical.preference import bears_two_at_once
from services.clinical.preference import preference as preference_of
from services.clinical.proposal import RankedMove, Ranking
from services.clinical.regimen import (
    RAS_CLASSES,
    age_years,
    last_change_at,
    latest_lab,
    resume_due_at,
    sick_day_open,
)
from services.clinical.response import REFERENCE_TENTHS, Expected, expected_response

MODEL_ID = "titrator"
MODEL_VERSION = "1"
FEATURE_VERSION = "snapshot-1"


class Guideline(StrEnum):
    """Whose goals and first steps are followed."""

    AHA = "aha_acc_2025"
    ESC = "esc_2024"
    NICE = "nice"
    WHO = "who_2021"


_A, _B = DrugClass.ACE_INHIBITOR, DrugClass.ARB
_C, _D = DrugClass.CALCIUM_CHANNEL_BLOCKER, DrugClass.THIAZIDE
_BETA, _MRA = DrugClass.BETA_BLOCKER, DrugClass.MRA
_RAS_FIRST = (_A, _B, _C, _D, _MRA, _BETA)
_CCB_FIRST = (_C, _A, _B, _D, _MRA, _BETA)
FIRST_LINE = (frozenset({_A, _B}), frozenset({_C}), frozenset({_D}))
"""The three first-line classes; the two blockers of the renin system count as one."""
LATER_LINE = (_MRA, _BETA)
_COMPELLING = frozenset({Condition.CORONARY_DISEASE, Condition.HEART_FAILURE})

NICE_OLD_YEARS, NICE_CCB_FIRST_YEARS = 80, 55
ESC_LENIENT_YEARS = 85
# Source: eGFR < 60 or ACR >= 30 mg/g, RAS blocker first [CLINICAL §7.3].
_KIDNEY_EGFR, _KIDNEY_ACR = 60_000, 30_000
_WHO_HIGH_RISK = frozenset(
    {
        Condition.CORONARY_DISEASE,
        Condition.STROKE,
        Condition.DIABETES_TYPE_2,
        Condition.CHRONIC_KIDNEY_DISEASE,
    }
)


def guideline_target(
    guideline: Guideline, *, age: int | None, conditions: frozenset[Condition]
) -> Target:
    """Return the home-pressure goal that the guideline proposes; the signed goal always wins.

    Source: AHA25 p41, home 130/80 equals office 130/80 p17 [S]; ESC 2024 [S], lenient <140/90 from
    85 years or with frailty; NICE home <135/85, <145/85 from 80 years [V]; WHO 2021 [K].
    """
    match guideline:
        case Guideline.AHA:
            return Target(130, 80)
        case Guideline.ESC:
            lenient = Condition.FRAILTY in conditions or age is None or age >= ESC_LENIENT_YEARS
            return Target(140, 90) if lenient else Target(130, 80)
        case Guideline.NICE:
            old = age is None or age >= NICE_OLD_YEARS
            return Target(145, 85) if old else Target(135, 85)
        case Guideline.WHO:
            return Target(130, 90) if conditions & _WHO_HIGH_RISK else Target(140, 90)
        case _:  # pragma: no cover - the type checker proves it away
            assert_never(guideline)


# On a sick day the pause comes first; once it is over, what was paused comes back first.
_FIRST = 2_000


@dataclass(frozen=True, slots=True)
class _Case:
    """What the ranking looks at."""

    snapshot: Snapshot
    target: Target
    mean: SufficientAverage | None
    order: tuple[DrugClass, ...]
    preference: Mapping[MoveKind, int]
    reason: str
    last_raised: DoseChange | None


@dataclass(frozen=True, slots=True)
class Titrator:
    """Ranks moves as the guideline would. Deterministic: same input, same ranking."""

    guideline: Guideline = Guideline.AHA

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        """Return every given move ranked, best first."""
        case = self._case(snapshot, target, now)
        ranked = [_ranked(move, case) for move in moves]
        # Ties keep the order of the moves given, so that the ranking is one and the same.
        ranked.sort(key=lambda item: -item.score_thousandths)
        return Ranking(
            tuple(ranked),
            _certainty_percent(case),
            MODEL_ID,
            MODEL_VERSION,
            FEATURE_VERSION,
            abstained=None,
        )

    def _case(self, snapshot: Snapshot, target: Target, now: datetime) -> _Case:
        mean = average(
            snapshot.readings, now=now, last_change_at=last_change_at(snapshot), target=target
        )
        known = mean if isinstance(mean, SufficientAverage) else None
        preference, reason = preference_of(
            known, target, snapshot, two_at_once=self._two_at_once(snapshot, now)
        )
        if sick_day_open(snapshot):
            preference, reason = {**preference, MoveKind.PAUSE: _FIRST}, "sick_day"
        resume_at = resume_due_at(snapshot)
        if resume_at is not None and resume_at <= now:
            preference, reason = {**preference, MoveKind.RESUME: _FIRST}, "sick_day_over"
        return _Case(
            snapshot,
            target,
            known,
            self._order(snapshot, now),
            preference,
            reason,
            _last_raised(snapshot),
        )

    def _two_at_once(self, snapshot: Snapshot, now: datetime) -> bool:
        # NICE begins with one drug at every stage and adds one at each step [K].
        return self.guideline is not Guideline.NICE and bears_two_at_once(snapshot, now)

    def _order(self, snapshot: Snapshot, now: datetime) -> tuple[DrugClass, ...]:
        """Return the classes in the order in which they are added."""
        if _kidney_asks_for_ras(snapshot):
            return _RAS_FIRST
        if _COMPELLING & snapshot.conditions:
            return (_A, _B, _BETA, _C, _D, _MRA)
        if self.guideline is not Guideline.NICE or snapshot.birth_date is None:
            return _RAS_FIRST
        diabetic = Condition.DIABETES_TYPE_2 in snapshot.conditions
        old = age_years(snapshot.birth_date, now.date()) >= NICE_CCB_FIRST_YEARS
        return _CCB_FIRST if old and not diabetic else _RAS_FIRST


def _certainty_percent(case: _Case) -> int:
    """Return how sure it is that the true home mean lies where the ranking takes it to be.

    Above goal: above either limit. Over-treated: below either floor. Else: inside all four.
    """
    if case.mean is None:
        return 0
    mean = case.mean
    systolic = NormalDist(mean.systolic_tenths, max(mean.systolic_se_tenths, 1))
    diastolic = NormalDist(mean.diastolic_tenths, max(mean.diastolic_se_tenths, 1))
    low_systolic, low_diastolic = OVER_TREATED_TENTHS
    below = max(systolic.cdf(low_systolic), diastolic.cdf(low_diastolic))
    above = 1.0 - min(
        systolic.cdf(10 * case.target.systolic_below_mmhg),
        diastolic.cdf(10 * case.target.diastolic_below_mmhg),
    )
    shares = {
        "over_treated": below,
        "above_target": above,
        "stage_2": above,
        "in_target": max(1.0 - below - above, 0.0),
    }
    # A sick day is what the patient reported: nothing about it is estimated.
    return int(100 * shares.get(case.reason, 1.0))


def _kidney_asks_for_ras(snapshot: Snapshot) -> bool:
    egfr = latest_lab(snapshot, Lab.EGFR)
    ratio = latest_lab(snapshot, Lab.ALBUMIN_CREATININE_RATIO)
    return (
        Condition.ALBUMINURIA in snapshot.conditions
        or (egfr is not None and egfr.value_thousandths < _KIDNEY_EGFR)
        or (ratio is not None and ratio.value_thousandths >= _KIDNEY_ACR)
    )


def _last_raised(snapshot: Snapshot) -> DoseChange | None:
    """Return the last increase on record: stepping down reverses it first."""
    rises = [change for change in snapshot.changes if change.to_ug > change.from_ug]
    if not rises:
        return None
    last = max(rises, key=lambda change: change.effective_at)
    return DoseChange(last.drug, last.from_ug, last.to_ug)


def _ranked(move: Move, case: _Case) -> RankedMove:
    mean_tenths = REFERENCE_TENTHS if case.mean is None else case.mean.systolic_tenths
    expected = expected_response(move, mean_tenths, 10 * case.target.systolic_below_mmhg)
    return RankedMove(
        move=move,
        score_thousandths=_score(move, case, expected),
        expected_systolic_change_tenths=expected.change_tenths,
        expected_low_tenths=expected.low_tenths,
        expected_high_tenths=expected.high_tenths,
        in_target_percent=expected.in_target_percent,
        low_pressure_percent=expected.low_pressure_percent,
        reasons=(case.reason, move.kind.value),
    )


def _score(move: Move, case: _Case, expected: Expected) -> int:
    """Return the preference of the kind, then of the classes, then of what is gained for what."""
    score = 1000 * case.preference[move.kind]
    score += sum(_class_score(change, case) for change in move.changes)
    score += 10 * expected.in_target_percent - expected.symptoms_per_mille
    score += _symptom_score(move, case.snapshot)
    last = case.last_raised
    if last is not None and any(
        change.drug is last.drug and change.to_ug < change.from_ug for change in move.changes
    ):
        score += 30_000
    return score


def _class_score(change: DoseChange, case: _Case) -> int:
    """Return points for a class by its place in the order; a RAS step-up is nearly symptom-free.

    CLINICAL §7.3 "adding a class before doubling, except ARB/ACEi" has two readings: that doubling
    a RAS blocker comes before a new class, or that it alone is not put off for its symptoms. It
    gives 0.22 of a class all the same, so the second is taken: next after a start, before any other
    step up.
    """
    cls = drug_class(change.drug)
    if change.to_ug < change.from_ug:
        return 1000 * case.order.index(cls)
    points = 10_000 * (len(case.order) - case.order.index(cls))
    if change.from_ug > 0 and cls in RAS_CLASSES:
        points += 150_000
    # Spironolactone and beta-blockers come only after the three first-line classes.
    if change.from_ug == 0 and cls in LATER_LINE and not compelled(cls, case.snapshot.conditions):
        points -= 350_000
    return points


def compelled(cls: DrugClass, conditions: frozenset[Condition]) -> bool:
    """Return whether a condition asks for this class whatever else is taken."""
    return cls is _BETA and bool(_COMPELLING & conditions)


# Whoever has the symptom of a class is first rid of it: the swap outweighs two rungs at stage 2.
_EASED: Mapping[MoveKind, int] = MappingProxyType(
    {MoveKind.SWAP: 850_000, MoveKind.STEP_DOWN: 600_000, MoveKind.PAUSE: 600_000}
)
_WORSENED = -400_000


def _symptom_score(move: Move, snapshot: Snapshot) -> int:
    """Return points for lowering a drug whose known symptom is open, and off for raising it.

    A step down or a pause eases swollen ankles, which go with the dose; a cough or a tired heart
    asks for another drug.
    """
    culprits = {
        SYMPTOM_OF_CLASS[report.symptom]
        for report in snapshot.symptoms
        if report.open and report.symptom in SYMPTOM_OF_CLASS
    }
    if any(drug_class(c.drug) in culprits for c in move.changes if c.to_ug > c.from_ug):
        return _WORSENED
    lowered = {drug_class(c.drug) for c in move.changes if c.to_ug < c.from_ug}
    eases = culprits & lowered and (move.kind is MoveKind.SWAP or culprits == {_C})
    return _EASED.get(move.kind, 0) if eases else 0
