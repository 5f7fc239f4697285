"""The guard: how findings become a verdict, whom they bind, and what a clinician may pass."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.clinical.formulary import Drug
from services.clinical.guard import KEEP_RULES, REASONS, RULES, describe, judge
from services.clinical.moves import KEEP, Move, MoveKind, Path
from services.clinical.patient import Condition, Lab, Symptom, SymptomReport
from services.clinical.verdict import (
    Advise,
    Ask,
    Finding,
    FindingKind,
    Hold,
    NeedsData,
    Refuse,
    Strength,
    Verdict,
)
from tests.proof.worlds import random_envelope, random_proposal, random_snapshot
from tests.services.clinical.examples import (
    DOWN,
    LABS,
    NOW,
    STOP,
    UP,
    change,
    envelope,
    override,
    prescription,
    proposal,
    reading,
    snapshot,
    start,
    week,
)

LISINOPRIL = start(Drug.LISINOPRIL, 10_000)


def verdict(move: Move = UP, path: Path = Path.CLINICIAN, **changes: Any) -> Verdict:
    of_proposal = {
        name: changes.pop(name) for name in ("decided", "overrides", "ranking") if name in changes
    }
    plan = changes.pop("envelope", None)
    return judge(proposal(move, path, **of_proposal), snapshot(**changes), plan, NOW)


def test_every_rule_has_its_own_id_a_sentence_and_a_source() -> None:
    assert len(REASONS) == len(RULES)
    for rule in RULES:
        assert describe(rule.rule_id) == rule.sentence
        assert rule.sentence.endswith(".") and rule.source
        assert bool(rule.missing) == (rule.kind is FindingKind.NEEDS_DATA)
        assert rule.strength is not Strength.AUTONOMY or rule.kind is FindingKind.ASK
    with pytest.raises(KeyError):
        describe("no such rule")


def test_an_open_question_to_the_clinician_has_nothing_binding() -> None:
    assert verdict() == Ask((), None)


def test_a_signed_move_with_nothing_against_it_goes_on() -> None:
    assert verdict(decided=True) == Advise(())


def test_the_patient_inside_the_plan_goes_on() -> None:
    assert verdict(path=Path.PATIENT, envelope=envelope()) == Advise(())


def test_a_finding_of_autonomy_asks_the_clinician_and_binds_no_signed_move() -> None:
    frail = frozenset({Condition.FRAILTY})
    found = verdict(path=Path.PATIENT, envelope=envelope(), conditions=frail)
    finding = Finding("alone_frailty", FindingKind.ASK, Strength.AUTONOMY)
    assert found == Ask((finding,), finding)
    assert verdict(path=Path.PATIENT, decided=True, conditions=frail) == Advise(())
    assert verdict(conditions=frail) == Ask((), None)


def test_all_findings_are_listed_and_the_strictest_kind_binds() -> None:
    found = verdict(
        LISINOPRIL,
        conditions=frozenset({Condition.ANGIOEDEMA}),
        labs=tuple(r for r in LABS if r.lab is not Lab.POTASSIUM),
        adherence=None,
        open_alarm=True,
    )
    assert isinstance(found, Refuse)
    assert found.binding.rule_id == "angioedema_ace"
    assert {finding.rule_id for finding in found.findings} == {
        "angioedema_ace",
        "need_potassium",
        "need_adherence",
        "open_alarm",
    }


def test_a_hold_binds_before_a_need_for_data() -> None:
    found = verdict(adherence=None, open_alarm=True)
    assert isinstance(found, Hold)
    assert [finding.rule_id for finding in found.findings] == ["open_alarm", "need_adherence"]


def test_within_a_kind_hard_binds_before_clinician_before_autonomy() -> None:
    no_labs = verdict(LISINOPRIL, labs=())
    assert isinstance(no_labs, NeedsData)
    assert no_labs.binding.rule_id == "need_potassium"
    assert no_labs.missing == ("potassium", "egfr")
    asked = verdict(
        path=Path.PATIENT,
        envelope=envelope(),
        conditions=frozenset({Condition.FRAILTY}),
        labs=(*LABS[:3], replace(LABS[3], value_thousandths=20_000)),
    )
    assert isinstance(asked, Ask) and asked.binding is not None
    assert asked.binding.rule_id == "egfr_below_30"


def test_missing_names_come_once_each_and_say_what_the_average_lacks() -> None:
    found = verdict(readings=())
    assert isinstance(found, NeedsData)
    assert found.missing == ("readings", "days", "morning_readings", "evening_readings")
    need = next(f for f in found.findings if f.rule_id == "need_readings")
    assert need.missing == found.missing


def test_a_clinician_passes_a_rule_of_clinician_strength_and_it_stays_on_record() -> None:
    found = verdict(decided=True, overrides=override("open_alarm"), open_alarm=True)
    assert found == Advise(
        (Finding("open_alarm", FindingKind.HOLD, Strength.CLINICIAN, overridden=True),)
    )


def test_each_rule_is_passed_by_itself() -> None:
    found = verdict(decided=True, overrides=override("open_alarm"), open_alarm=True, adherence=None)
    assert isinstance(found, NeedsData)
    assert found.binding.rule_id == "need_adherence"
    assert [finding.overridden for finding in found.findings] == [True, False]


def test_an_override_without_a_signature_passes_nothing() -> None:
    found = verdict(overrides=override("open_alarm"), open_alarm=True)
    assert isinstance(found, Hold)
    assert not found.findings[0].overridden


# Pinned: a rule that a signature can no longer pass, or suddenly can, is a decision of its own.
HARD = {
    *("deceased", "wrong_patient", "malformed_move", "stale_regimen", "off_ladder"),
    *("current_off_ladder", "conflicting_regimen", "snapshot_inconsistent", "step_too_large"),
    *("swap_stronger", "halted", "no_consent", "observe_only", "proposal_expired", "pregnancy"),
    *("need_pregnancy_status", "need_conditions", "need_medicines", "ace_with_arb"),
    *("ras_with_aliskiren", "ras_with_arni", "two_of_a_class", "angioedema_ace"),
    *("eplerenone_strong_inhibitor", "beta_blocker_verapamil", "potassium_above_5_5"),
    *("need_potassium", "too_soon_floor", "too_soon_slow_drug"),
}


def test_the_hard_rules_are_these_and_no_others() -> None:
    assert {rule.rule_id for rule in RULES if rule.strength is Strength.HARD} == HARD


def test_nobody_passes_a_hard_rule() -> None:
    angioedema = frozenset({Condition.ANGIOEDEMA})
    found = verdict(
        LISINOPRIL, decided=True, overrides=override("angioedema_ace"), conditions=angioedema
    )
    assert isinstance(found, Refuse)
    assert not found.binding.overridden


def test_keep_is_never_refused_and_says_why_nothing_is_done() -> None:
    dead = verdict(KEEP, deceased=True)
    assert isinstance(dead, Hold)
    assert dead.binding == Finding("deceased", FindingKind.HOLD, Strength.HARD)
    lacking = verdict(KEEP, readings=())
    assert isinstance(lacking, NeedsData)
    assert "readings" in lacking.missing
    assert verdict(KEEP) == Ask((), None)
    assert verdict(KEEP, path=Path.PATIENT) == Advise(())
    assert verdict(KEEP, decided=True) == Advise(())


def test_keep_is_not_asked_about_what_only_a_class_needs() -> None:
    assert verdict(KEEP, labs=(), medicines_complete=False) == Ask((), None)


def test_the_rules_that_explain_keep_are_the_general_ones() -> None:
    assert {rule.rule_id for rule in KEEP_RULES} == {
        "deceased",
        "conflicting_regimen",
        "snapshot_inconsistent",
        "halted",
        "no_consent",
        "observe_only",
        "crisis",
        "open_alarm",
        "low",
        "recent_low",
        "need_recent_reading",
        "unsteady",
        "orthostatic",
        "need_standing",
        "irregular_rhythm",
        "too_soon_floor",
        "too_soon_slow_drug",
        "too_soon",
        "need_readings",
        "need_target",
        "in_target",
        "within_noise",
        "need_adherence",
        "adherence_talk",
    }


def test_nothing_known_stops_no_signed_decrease() -> None:
    nothing: dict[str, Any] = {
        "birth_date": None,
        "medicines_complete": False,
        "conditions_complete": False,
        "intolerances_complete": False,
        "pregnancy": None,
        "labs": (),
        "readings": (),
        "adherence": None,
        "target": None,
    }
    assert verdict(DOWN, decided=True, **nothing) == Advise(())
    assert verdict(STOP, decided=True, **nothing) == Advise(())
    assert verdict(DOWN, **nothing) == Ask((), None)
    lone = verdict(DOWN, path=Path.PATIENT, envelope=envelope(), **nothing)
    assert lone == Advise(())


def test_a_patient_steps_down_with_nothing_known_but_the_goal() -> None:
    found = verdict(
        DOWN, path=Path.PATIENT, envelope=envelope(), labs=(), readings=(), adherence=None
    )
    assert found == Advise(())


SEEDS = st.integers(0, 2**32)


def _random(seed: int) -> tuple[Any, Any, Any]:
    import random

    source = random.Random(seed)
    made = random_snapshot(source)
    return made, random_proposal(source, made), random_envelope(source, made)


@given(SEEDS)
@settings(max_examples=300, deadline=None)
def test_a_permitted_move_stays_on_the_ladder_and_never_joins_what_may_not_meet(seed: int) -> None:
    made, asked, plan = _random(seed)
    found = judge(asked, made, plan, NOW)
    if isinstance(found, Advise) or (isinstance(found, Ask) and found.binding is None):
        from services.clinical.formulary import FORMULARY, DrugClass, drug_class

        after = {item.drug: item.daily_dose_ug for item in made.regimen}
        raised = any(c.to_ug > c.from_ug for c in asked.move.changes)
        for step in asked.move.changes:
            assert step.to_ug in (0, *FORMULARY[step.drug].ladder_ug)
            if step.to_ug or asked.move.kind is MoveKind.PAUSE:
                after[step.drug] = step.to_ug
            else:
                after.pop(step.drug)
        if raised:
            classes = [drug_class(drug) for drug in after]
            assert len(classes) == len(set(classes))
            assert not {DrugClass.ACE_INHIBITOR, DrugClass.ARB} <= set(classes)


@given(SEEDS)
@settings(max_examples=300, deadline=None)
def test_forgetting_something_about_a_patient_never_widens_permission(seed: int) -> None:
    made, asked, plan = _random(seed)
    before = _permission(judge(asked, made, plan, NOW))
    for forgotten in (
        {"labs": ()},
        {"adherence": None},
        {"conditions_complete": False, "conditions": frozenset()},
        {"medicines_complete": False, "other_medicines": ()},
        {"intolerances_complete": False, "intolerances": ()},
        {"birth_date": None},
        {"readings": ()},
        {"target": None},
    ):
        after = _permission(judge(asked, replace(made, **forgotten), plan, NOW))
        lowers = not any(c.to_ug > c.from_ug for c in asked.move.changes)
        if asked.move is KEEP or lowers:
            continue
        assert after <= before, forgotten


def _permission(found: Verdict) -> int:
    if isinstance(found, Advise):
        return 2
    return 1 if isinstance(found, Ask) else 0


@given(SEEDS)
@settings(max_examples=200, deadline=None)
def test_a_verdict_depends_on_nothing_but_its_arguments(seed: int) -> None:
    made, asked, plan = _random(seed)
    assert judge(asked, made, plan, NOW) == judge(asked, made, plan, NOW)


def test_a_beta_blocker_is_tapered_and_the_reason_says_so() -> None:
    bisoprolol = prescription(Drug.BISOPROLOL, 10_000)
    stop = Move(MoveKind.STOP, (change(Drug.BISOPROLOL, 10_000, 0),))
    found = verdict(stop, regimen=(bisoprolol,))
    assert isinstance(found, Refuse)
    assert "step down" in describe(found.binding.rule_id)


def test_an_old_proposal_is_held_on_its_eighth_day() -> None:
    asked = proposal(UP, made_at=NOW - timedelta(days=8))
    held = judge(asked, snapshot(), None, NOW)
    assert isinstance(held, Hold) and held.binding.rule_id == "proposal_expired"
    on_time = replace(asked, made_at=NOW - timedelta(days=8) + timedelta(seconds=1))
    assert judge(on_time, snapshot(), None, NOW) == Ask((), None)


@pytest.mark.parametrize(("systolic", "rule_id"), [(184, "crisis"), (96, "recent_low")])
def test_a_reading_of_a_clock_that_runs_ahead_holds_an_increase(
    systolic: int, rule_id: str
) -> None:
    ahead = reading(NOW + timedelta(minutes=9), systolic, 70)
    held = verdict(decided=True, readings=(*week(), ahead))
    assert isinstance(held, Hold) and held.binding.rule_id == rule_id
    normal = reading(NOW + timedelta(minutes=9), 140, 88)
    assert verdict(decided=True, readings=(*week(), normal)) == Advise(())


def test_an_open_symptom_is_open_whatever_else_is_closed() -> None:
    reports = (
        SymptomReport(Symptom.DIZZINESS, NOW, open=True),
        SymptomReport(Symptom.DIZZINESS, NOW, open=False),
    )
    assert isinstance(verdict(symptoms=reports), Hold)
