"""The three arms: who decides what, counted from the clinical core's own verdicts."""

from dataclasses import replace
from datetime import datetime

import numpy as np

from models import workload
from models.simulation.legal import ENTRY
from models.simulation.worlds import WORLDS
from models.workload import ARMS, Work
from services.clinical.alarm_types import Alarm, AlarmCause, Urgency
from services.clinical.moves import Move
from services.clinical.patient import Snapshot, Target
from services.clinical.proposal import Ranking
from services.clinical.titration import Titrator

USUAL, REVIEWED, LOOPS = ARMS
LOW = Alarm(AlarmCause.POTASSIUM_LOW, Urgency.SAME_DAY, ENTRY, ("lab-1",))


class Abstaining:
    """The titrator, keeping out of it."""

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        return replace(Titrator().rank(snapshot, moves, target, now), abstained="too_few_days")


def test_only_a_signed_plan_lets_steps_be_taken_alone() -> None:
    reviewed = workload.run(REVIEWED, WORLDS["literature"], 60, days=60, seed=4)[1]
    loops = workload.run(LOOPS, WORLDS["literature"], 60, days=60, seed=4)[1]
    assert reviewed.alone.sum() == 0 and reviewed.signatures.sum() == 0
    assert loops.alone.sum() > 0
    assert (loops.signatures[loops.alone > 0] > 0).all()
    assert loops.decisions.sum() < reviewed.decisions.sum()


def test_a_ranker_that_abstains_leaves_every_step_to_the_clinician() -> None:
    work = workload.run(LOOPS, WORLDS["literature"], 60, days=60, seed=4, predictor=Abstaining())[1]
    assert work.alone.sum() == 0
    assert work.decisions.sum() > 0


def test_no_plan_raises_more_often_than_its_two_steps_but_may_still_step_down() -> None:
    work = workload.run(LOOPS, WORLDS["severe"], 25, days=150, seed=4)[1]
    assert work.raised_alone.max() == 2
    assert work.alone.max() > 2


def test_a_sick_day_is_looked_after_between_decisions_where_the_loops_run() -> None:
    ill = replace(WORLDS["literature"], sick_spells_per_year=12.0, untreated_at_entry=0.0)
    moved = {}
    for arm in (USUAL, LOOPS):
        # Usual care has its one visit on day 0, before anyone is ill.
        work = workload.run(arm, ill, 30, days=60, seed=4)[1]
        calm = workload.run(arm, replace(ill, sick_spells_per_year=0.0), 30, days=60, seed=4)[1]
        moved[arm.name] = (work.steps - calm.steps, work.alone - calm.alone)
    assert not moved[USUAL.name][0].any()
    assert moved[LOOPS.name][0].sum() > 0 and moved[LOOPS.name][1].sum() > 0


def test_an_alarm_counts_once_while_its_cause_goes_on_and_again_when_it_returns() -> None:
    work = Work(2)
    for alarms in ((LOW,), (LOW,), (), (LOW,)):
        work.alarmed(1, alarms)
    assert work.alarms.tolist() == [0.0, 2.0]
    assert work.minutes[1] == 2 * workload.ALARM_MINUTES[Urgency.SAME_DAY]


def test_the_comparison_names_its_assumptions_and_pairs_its_arms() -> None:
    found = workload.compared(WORLDS["literature"], 20, days=60, seed=4)
    assert set(found["arms"]) == {arm.name for arm in ARMS}
    assert found["assumed"]["review_minutes"] == workload.REVIEW_MINUTES
    assert set(found["equally_safe_as"]) == {"usual_care", "review_of_every_step"}
    for figures in found["arms"].values():
        assert np.isfinite(figures["clinician_minutes_per_year"]["mean"])
