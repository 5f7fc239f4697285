"""Earned autonomy: one stage at a time up, at once down."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.clinical.autonomy import (
    Setback,
    TrackRecord,
    demoted,
    is_earned,
    may_rise_to,
    setbacks_of,
)
from services.clinical.envelope import Stage
from services.clinical.facts import STAGES
from services.clinical.formulary import Drug
from services.clinical.patient import Lab, Symptom, SymptomReport
from services.clinical.readings import BloodPressure
from tests.services.clinical.examples import (
    DAY,
    LABS,
    NOW,
    changed,
    envelope,
    lab,
    reading,
    snapshot,
    week,
)

FULL = TrackRecord(
    weeks_observed=4,
    proposals_reviewed=2,
    proposals_agreed=2,
    steps_reviewed=1,
    training_finished=True,
)


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (Stage.OBSERVE, Stage.PROPOSE_ONLY),
        (Stage.PROPOSE_ONLY, Stage.ONE_STEP),
        (Stage.ONE_STEP, Stage.BOUNDED_STEPS),
        (Stage.BOUNDED_STEPS, Stage.BOUNDED_STEPS),
    ],
)
def test_a_full_record_earns_the_next_stage(stage: Stage, expected: Stage) -> None:
    assert may_rise_to(FULL, stage) is expected


@pytest.mark.parametrize(
    ("stage", "changes", "rises"),
    [
        (Stage.OBSERVE, {"weeks_observed": 3}, False),
        (Stage.OBSERVE, {"proposals_reviewed": 0, "training_finished": False}, True),
        (Stage.PROPOSE_ONLY, {"training_finished": False}, False),
        (Stage.PROPOSE_ONLY, {"proposals_reviewed": 1, "proposals_agreed": 1}, False),
        (Stage.PROPOSE_ONLY, {"proposals_reviewed": 10, "proposals_agreed": 8}, True),
        (Stage.PROPOSE_ONLY, {"proposals_reviewed": 10, "proposals_agreed": 7}, False),
        (Stage.PROPOSE_ONLY, {"proposals_reviewed": 101, "proposals_agreed": 80}, False),
        (Stage.ONE_STEP, {"steps_reviewed": 0}, False),
        (Stage.ONE_STEP, {"setbacks_open": frozenset({Setback.DRIFT})}, False),
        (Stage.OBSERVE, {"setbacks_open": frozenset({Setback.HARM})}, False),
    ],
)
def test_what_is_lacking_keeps_the_stage(
    stage: Stage, changes: dict[str, Any], rises: bool
) -> None:
    assert (may_rise_to(replace(FULL, **changes), stage) is not stage) is rises


NOTHING = TrackRecord(0, 0, 0, 0, training_finished=False)


@pytest.mark.parametrize(
    ("record", "before", "highest"),
    [
        (NOTHING, None, Stage.PROPOSE_ONLY),
        (NOTHING, Stage.OBSERVE, Stage.OBSERVE),
        (NOTHING, Stage.ONE_STEP, Stage.ONE_STEP),
        (NOTHING, Stage.BOUNDED_STEPS, Stage.BOUNDED_STEPS),
        (FULL, None, Stage.ONE_STEP),
        (FULL, Stage.OBSERVE, Stage.PROPOSE_ONLY),
        (FULL, Stage.PROPOSE_ONLY, Stage.ONE_STEP),
        (FULL, Stage.ONE_STEP, Stage.BOUNDED_STEPS),
    ],
)
def test_one_clinician_may_sign_what_is_earned_and_everything_below(
    record: TrackRecord, before: Stage | None, highest: Stage
) -> None:
    earned = [stage for stage in STAGES if is_earned(record, before, stage)]
    assert earned == list(STAGES[: STAGES.index(highest) + 1])


@pytest.mark.parametrize("setback", Setback)
def test_each_setback_ends_steps_alone_at_once_and_none_ends_proposals(setback: Setback) -> None:
    fallen = demoted(envelope(version=3), frozenset({setback}))
    assert fallen == envelope(stage=Stage.PROPOSE_ONLY, version=3)


def test_a_setback_never_raises_a_stage_and_none_changes_nothing() -> None:
    observing = envelope(stage=Stage.OBSERVE)
    assert demoted(observing, frozenset({Setback.DRIFT})) is observing
    running = envelope()
    assert demoted(running, frozenset()) is running
    both = demoted(running, frozenset({Setback.DRIFT, Setback.HARM}))
    assert both.stage is Stage.PROPOSE_ONLY


def found(reviewed: bool = True, **changes: Any) -> frozenset[Setback]:
    plan = changes.pop("plan", envelope())
    return setbacks_of(snapshot(**changes), plan, NOW, last_step_reviewed=reviewed)


def test_an_uneventful_record_shows_no_setback() -> None:
    assert found() == found(reviewed=False) == frozenset()


def test_expiry_is_a_setback_from_its_moment() -> None:
    assert found(plan=envelope(expires_at=NOW)) == {Setback.EXPIRED}
    assert found(plan=envelope(expires_at=NOW + timedelta(seconds=1))) == frozenset()


@pytest.mark.parametrize(
    ("labs", "missed"),
    [
        (LABS, False),
        (LABS[1:], True),
        (LABS[:3], True),
        ((lab(Lab.POTASSIUM, 4200, 183), lab(Lab.EGFR, 85_000, 183)), False),
        ((lab(Lab.POTASSIUM, 4200, 184), lab(Lab.EGFR, 85_000, 1)), True),
        ((lab(Lab.POTASSIUM, 4200, 1), lab(Lab.EGFR, 85_000, 184)), True),
    ],
)
def test_missed_labs(labs: tuple[Any, ...], missed: bool) -> None:
    assert found(labs=labs) == ({Setback.MISSED_LABS} if missed else frozenset())


@pytest.mark.parametrize(
    ("days_ago", "labs_days_ago", "missed"),
    [(29, 40, True), (28, 40, False), (29, 19, False), (29, 20, True)],
)
def test_labs_are_missed_four_weeks_after_a_rise(
    days_ago: int, labs_days_ago: int, missed: bool
) -> None:
    labs = (lab(Lab.POTASSIUM, 4200, labs_days_ago), lab(Lab.EGFR, 85_000, labs_days_ago))
    rise = (changed(days_ago, Drug.LISINOPRIL, 5000, 10_000),)
    assert (Setback.MISSED_LABS in found(labs=labs, changes=rise)) is missed


def test_a_decrease_asks_for_no_labs() -> None:
    labs = (lab(Lab.POTASSIUM, 4200, 40), lab(Lab.EGFR, 85_000, 40))
    assert found(labs=labs, changes=(changed(30, Drug.LISINOPRIL, 10_000, 5000),)) == frozenset()


def step(days_ago: int, by_patient: bool = True, envelope_id: str | None = "e-1") -> Any:
    return changed(days_ago, by_patient=by_patient, envelope_id=envelope_id)


@pytest.mark.parametrize(
    ("stage", "steps", "reviewed", "expected"),
    [
        (Stage.ONE_STEP, (step(3),), False, True),
        (Stage.ONE_STEP, (step(3),), True, False),
        (Stage.ONE_STEP, (step(2),), False, False),
        (Stage.BOUNDED_STEPS, (step(3),), False, False),
        (Stage.ONE_STEP, (step(3, by_patient=False),), False, False),
        (Stage.ONE_STEP, (step(3, envelope_id="other"),), False, False),
        (Stage.ONE_STEP, (step(2), step(9, by_patient=False)), False, False),
        (Stage.ONE_STEP, (step(9), step(2)), False, False),
        (Stage.ONE_STEP, (step(4), step(1, by_patient=False)), False, True),
        (Stage.ONE_STEP, (), False, False),
    ],
)
def test_a_step_of_the_one_step_stage_is_reviewed_by_the_end_of_the_next_day(
    stage: Stage, steps: tuple[Any, ...], reviewed: bool, expected: bool
) -> None:
    setbacks = found(reviewed, changes=steps, plan=envelope(stage=stage))
    assert (Setback.STEP_NOT_REVIEWED in setbacks) is expected


def test_two_monitors_within_a_fortnight_are_a_change_of_device() -> None:
    def on(device: str, days_ago: float) -> BloodPressure:
        return reading(NOW - days_ago * DAY, device_id=device)

    assert found(readings=(on("a", 2), on("b", 1))) == {Setback.DEVICE_CHANGED}
    assert found(readings=(on("a", 14), on("b", 1))) == {Setback.DEVICE_CHANGED}
    assert found(readings=(on("a", 14.1), on("b", 1))) == frozenset()
    assert found(readings=(on("a", 0), on("b", -1))) == frozenset()
    assert found(readings=(on("a", 1), on("b", 0))) == {Setback.DEVICE_CHANGED}
    assert found(readings=week(device_id="a")) == frozenset()


@pytest.mark.parametrize(
    ("changes", "harmed"),
    [
        ({"readings": week(86, 56)}, True),
        ({"readings": week(186, 112)}, False),
        ({"labs": (lab(Lab.POTASSIUM, 6300, 0), lab(Lab.EGFR, 85_000, 1))}, True),
        ({"symptoms": (SymptomReport(Symptom.SYNCOPE, NOW - DAY, open=True),)}, True),
        ({"symptoms": (SymptomReport(Symptom.SYNCOPE, NOW - 8 * DAY, open=True),)}, True),
        ({"symptoms": (SymptomReport(Symptom.SYNCOPE, NOW - 9 * DAY, open=True),)}, False),
    ],
)
def test_what_a_plan_may_have_done_is_harm_from_the_day_it_began(
    changes: dict[str, Any], harmed: bool
) -> None:
    plan = envelope(valid_from=NOW - 8 * DAY)
    assert (Setback.HARM in found(plan=plan, **changes)) is harmed
