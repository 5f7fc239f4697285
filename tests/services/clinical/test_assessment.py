"""Whole assessments: the predictor only re-orders, and everything in between is kept."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.clinical.assessment import Assessment, assess
from services.clinical.envelope import Stage
from services.clinical.formulary import Drug
from services.clinical.moves import KEEP, Move, MoveKind, Path
from services.clinical.patient import Lab, Snapshot, Target
from services.clinical.proposal import PredictorUnavailable, Ranking
from services.clinical.titration import Titrator
from services.clinical.verdict import Advise, Ask, Hold, NeedsData, Refuse
from tests.services.clinical.examples import (
    DAY,
    LABS,
    NOW,
    envelope,
    prescription,
    snapshot,
    start,
    week,
)


@dataclass(frozen=True)
class Reordering:
    """A predictor made of the titrator and a change of its ranking."""

    change: Callable[[Ranking], Ranking]

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        return self.change(replace(Titrator().rank(snapshot, moves, target, now), model_id="mine"))


RAMIPRIL = start(Drug.RAMIPRIL, 2500)


class Absent:
    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        raise PredictorUnavailable("no model")


def run(predictor: Any = None, plan: Any = None, **changes: Any) -> Assessment:
    return assess(snapshot(**changes), plan, predictor or Titrator(), NOW, "q-1")


NAMES = st.sampled_from(("systolic_mmhg", "heart_rate_bpm", "pulse_arrival_ms", "irregular_rhythm"))
CONTEXT = st.lists(st.tuples(NAMES | st.text(), st.floats()), max_size=6).map(tuple)


BARE = assess(snapshot(), envelope(), Titrator(), NOW, "q-1")


@settings(max_examples=15, deadline=None)
@given(CONTEXT, st.none() | st.text())
def test_no_wearable_context_changes_an_average_a_ranking_or_a_verdict(
    context: tuple[tuple[str, float], ...], version: str | None
) -> None:
    """Whatever a wearable says, and under whatever name: only cuff readings judge a dose."""
    worn = run(plan=envelope(), wearable_features=context, wearable_version=version)
    assert worn == BARE


def test_the_patient_s_step_comes_first_where_the_stage_permits() -> None:
    for stage in (Stage.ONE_STEP, Stage.BOUNDED_STEPS):
        found = run(plan=envelope(stage=stage))
        assert found.proposal.path is Path.PATIENT
        assert isinstance(found.verdict, Advise)
    found = run(plan=envelope(stage=Stage.PROPOSE_ONLY))
    assert found.proposal.path is Path.CLINICIAN and isinstance(found.verdict, Ask)


def test_a_step_that_may_not_be_taken_alone_goes_to_the_clinician_and_is_kept() -> None:
    found = run(plan=envelope(steps_allowed=0))
    assert found.proposal.path is Path.CLINICIAN
    fell = found.rejected[0]
    assert fell.path is Path.PATIENT and fell.move.kind is MoveKind.STEP_UP
    assert fell.binding is not None and fell.binding.rule_id == "steps_used_up"


def test_moves_that_fell_are_kept_with_the_rule_that_stopped_them() -> None:
    found = run(labs=tuple(r for r in LABS if r.lab is not Lab.POTASSIUM))
    assert found.rejected
    reasons = {item.binding.rule_id for item in found.rejected if item.binding}
    assert "need_potassium" in reasons
    assert found.proposal.move not in {item.move for item in found.rejected}


def test_a_predictor_re_orders() -> None:
    def worst_first(ranking: Ranking) -> Ranking:
        ups = [item for item in ranking.moves if item.move.kind is MoveKind.STEP_UP]
        rest = [item for item in ranking.moves if item not in ups]
        return replace(ranking, moves=(*ups, *rest))

    found = run(Reordering(worst_first))
    assert found.proposal.move.kind is MoveKind.STEP_UP
    assert found.ranking.model_id == "mine"


@pytest.mark.parametrize(
    "change",
    [
        lambda r: replace(r, moves=r.moves[1:]),
        lambda r: replace(
            r, moves=(*r.moves, replace(r.moves[0], move=start(Drug.RAMIPRIL, 2500)))
        ),
        lambda r: replace(r, moves=(*r.moves[1:], r.moves[1])),
        lambda r: replace(r, moves=(*r.moves, r.moves[0])),
    ],
)
def test_a_ranking_that_loses_or_adds_a_move_is_not_used(
    change: Callable[[Ranking], Ranking],
) -> None:
    found = run(Reordering(change))
    assert found.ranking.model_id == "titrator after illegal ranking: mine"
    assert {item.move for item in found.ranking.moves} == set(found.moves)


def test_without_a_predictor_the_titrator_answers_and_says_so() -> None:
    found = run(Absent())
    assert found.ranking.model_id == "titrator after unavailable: PredictorUnavailable"
    assert isinstance(found.verdict, Ask)


def test_an_abstaining_predictor_leads_to_no_step_alone() -> None:
    found = run(Reordering(lambda r: replace(r, abstained="interval too wide")), plan=envelope())
    assert found.proposal.path is Path.CLINICIAN
    assert found.ranking.abstained == "interval too wide"
    assert found.ranking.model_id == "titrator after abstention: mine"


def test_a_predictor_that_prefers_no_change_is_heard() -> None:
    def keep_first(ranking: Ranking) -> Ranking:
        keep = [item for item in ranking.moves if item.move is KEEP]
        return replace(ranking, moves=(*keep, *(i for i in ranking.moves if i.move is not KEEP)))

    found = run(Reordering(keep_first), plan=envelope())
    assert found.proposal.move is KEEP and found.rejected == ()
    assert isinstance(found.verdict, Ask)


def test_a_step_that_fell_alone_does_not_speak_for_a_clinician_who_keeps() -> None:
    def keep_first_of_many(ranking: Ranking) -> Ranking:
        if len(ranking.moves) < 4:
            return ranking
        return replace(ranking, moves=tuple(sorted(ranking.moves, key=lambda i: i.move != KEEP)))

    found = run(Reordering(keep_first_of_many), plan=envelope(steps_allowed=0))
    assert [item.path for item in found.rejected] == [Path.PATIENT]
    assert found.proposal.move is KEEP and found.verdict == Ask((), None)


def test_without_a_goal_it_is_wanted_first() -> None:
    found = run(target=None)
    assert isinstance(found.verdict, NeedsData) and "target" in found.verdict.missing


def test_in_target_nothing_is_due() -> None:
    found = run(plan=envelope(), readings=week(122, 74))
    assert isinstance(found.verdict, Hold)
    assert found.verdict.binding.rule_id == "in_target"
    assert found.proposal.move is KEEP


def test_when_everything_fell_for_its_own_reason_the_best_move_s_reason_is_given() -> None:
    found = run(medicines_complete=False)
    assert isinstance(found.verdict, NeedsData)
    assert found.verdict.binding.rule_id == "need_medicines"
    assert found.proposal.move is KEEP


@pytest.mark.parametrize("changes", [{"deceased": True}, {"as_of": NOW.replace(year=2027)}])
def test_input_that_cannot_be_right_is_refused(changes: dict[str, Any]) -> None:
    found = run(**changes)
    assert isinstance(found.verdict, Refuse)
    assert found.verdict.binding in found.verdict.findings
    assert found.proposal.move is KEEP


def test_the_average_and_the_alarms_are_kept() -> None:
    found = run(readings=())
    assert found.average.kind == "insufficient"
    assert run(open_alarm=True).alarms == ()


PAUSED = (prescription(Drug.LISINOPRIL, 10_000, paused_since=NOW - 3 * DAY),)
SINCE = tuple(replace(result, taken_at=NOW - DAY) for result in LABS)


@pytest.mark.parametrize("readings", [week(122, 74), week()], ids=["in target", "above"])
def test_after_a_sick_day_fresh_labs_are_asked_for_before_anything_else(readings: Any) -> None:
    found = run(regimen=PAUSED, readings=readings)
    assert found.proposal.move == KEEP
    assert isinstance(found.verdict, NeedsData)
    assert found.verdict.missing == ("potassium", "egfr")
    assert [item.move.kind for item in found.rejected] == [MoveKind.RESUME]


def test_a_step_alone_does_not_come_before_the_labs_of_a_resumption_either() -> None:
    taken = (*PAUSED, prescription())
    found = run(plan=envelope(), regimen=taken)
    assert found.proposal.move == KEEP
    assert isinstance(found.verdict, NeedsData)
    paths = [(item.path, item.move.kind) for item in found.rejected]
    assert paths == [(path, MoveKind.RESUME) for path in (Path.PATIENT, Path.CLINICIAN)]


@pytest.mark.parametrize("stage", list(Stage))
def test_with_labs_since_the_sick_day_what_was_paused_is_proposed(stage: Stage) -> None:
    found = run(plan=envelope(stage=stage), regimen=PAUSED, readings=week(122, 74), labs=SINCE)
    if stage is Stage.OBSERVE:
        assert found.verdict.binding is not None
        assert found.verdict.binding.rule_id == "observe_only"
    else:
        assert found.proposal.move.kind is MoveKind.RESUME
        assert isinstance(found.verdict, Ask | Advise)


def test_the_dead_are_not_sent_for_labs() -> None:
    found = run(regimen=PAUSED, deceased=True)
    assert isinstance(found.verdict, Refuse)


def test_the_halted_are_not_sent_for_labs_to_resume() -> None:
    found = run(regimen=PAUSED, halted=True)
    assert isinstance(found.verdict, Hold)
    assert found.verdict.binding.rule_id == "halted"
