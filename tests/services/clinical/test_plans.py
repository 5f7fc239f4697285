"""Plans: hard limits, tightening, signatures, renewal, revocation, and what is shown to differ."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.clinical.envelope import DrugBounds, Envelope, Stage, StopCondition
from services.clinical.formulary import Drug
from services.clinical.patient import Target
from services.clinical.plans import (
    PLAN_LIFE,
    Difference,
    Fault,
    Loosening,
    NotSignable,
    NotTighter,
    default_envelope,
    differences,
    faults,
    loosenings,
    needs_second_signature,
    renew,
    revoke,
    sign,
    tighten,
)
from services.clinical.units import Micrograms
from tests.services.clinical.examples import DAY, NOW, envelope


def bounds(drug: Drug, *rungs: int) -> DrugBounds:
    return DrugBounds(drug, tuple(Micrograms(rung) for rung in rungs))


AMLODIPINE = bounds(Drug.AMLODIPINE, 5000, 10_000)


def test_a_sound_plan_has_no_fault() -> None:
    assert faults(envelope()) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"bounds": ()}, Fault.NO_BOUNDS),
        ({"bounds": (AMLODIPINE, AMLODIPINE)}, Fault.DRUG_TWICE),
        ({"bounds": (bounds(Drug.AMLODIPINE, 10_000, 5000),)}, Fault.RUNGS_NOT_ASCENDING),
        ({"bounds": (bounds(Drug.AMLODIPINE, 5000, 5000),)}, Fault.RUNGS_NOT_ASCENDING),
        ({"bounds": (bounds(Drug.AMLODIPINE),)}, Fault.RUNGS_NOT_ASCENDING),
        ({"bounds": (AMLODIPINE, bounds(Drug.LISINOPRIL, 7000))}, Fault.OFF_LADDER),
        ({"bounds": (bounds(Drug.RAMIPRIL, 10_000, 20_000),)}, Fault.CLINICIAN_ONLY_RUNG),
        ({"max_step_rungs": 2}, Fault.STEP_TOO_LARGE),
        ({"max_step_rungs": 0}, Fault.STEP_TOO_LARGE),
        ({"min_interval_days": 13}, Fault.INTERVAL_TOO_SHORT),
        ({"steps_allowed": 4}, Fault.TOO_MANY_STEPS),
        ({"steps_allowed": -1}, Fault.TOO_MANY_STEPS),
        ({"potassium_below_thousandths": 5001}, Fault.POTASSIUM_LIMIT_TOO_HIGH),
        ({"egfr_at_least_thousandths": 29_999}, Fault.EGFR_LIMIT_TOO_LOW),
        ({"lab_max_age_days": 184}, Fault.LABS_TOO_OLD),
        ({"expires_at": NOW - 30 * DAY + timedelta(days=185)}, Fault.LIFE_TOO_LONG),
        ({"expires_at": NOW - 30 * DAY}, Fault.ENDS_BEFORE_IT_BEGINS),
        ({"confidence_floor_percent": 101}, Fault.CONFIDENCE_NOT_A_SHARE),
        ({"confidence_floor_percent": -1}, Fault.CONFIDENCE_NOT_A_SHARE),
    ],
)
def test_each_hard_limit_is_a_fault(changes: dict[str, Any], expected: Fault) -> None:
    assert faults(envelope(**changes)) == (expected,)


@pytest.mark.parametrize(
    "changes",
    [
        {"min_interval_days": 14},
        {"steps_allowed": 3},
        {"steps_allowed": 0},
        {"potassium_below_thousandths": 5000},
        {"egfr_at_least_thousandths": 30_000},
        {"lab_max_age_days": 183},
        {"expires_at": NOW - 30 * DAY + timedelta(days=184)},
        {"expires_at": NOW - 30 * DAY + timedelta(seconds=1)},
        {"confidence_floor_percent": 0},
        {"confidence_floor_percent": 100},
        {"bounds": (AMLODIPINE, bounds(Drug.LISINOPRIL, 5000))},
    ],
)
def test_the_hard_limit_itself_is_allowed(changes: dict[str, Any]) -> None:
    assert faults(envelope(**changes)) == ()


def test_a_default_plan_is_a_sound_unsigned_draft_that_only_proposes() -> None:
    made = default_envelope(
        envelope_id="e-2",
        patient_id="p-1",
        bounds=(AMLODIPINE,),
        target=Target(130, 80),
        valid_from=NOW,
    )
    assert made == Envelope(
        envelope_id="e-2",
        version=1,
        patient_id="p-1",
        stage=Stage.PROPOSE_ONLY,
        bounds=(AMLODIPINE,),
        target=Target(130, 80),
        max_step_rungs=1,
        min_interval_days=28,
        steps_allowed=2,
        potassium_below_thousandths=5000,
        egfr_at_least_thousandths=50_000,
        lab_max_age_days=183,
        confidence_floor_percent=50,
        stop_conditions=frozenset(StopCondition),
        allow_age_80_and_over=False,
        valid_from=NOW,
        expires_at=NOW + timedelta(days=182),
        signed_by=None,
        signed_at=None,
    )
    assert faults(made) == () and not needs_second_signature(made)


BASE = envelope(allow_age_80_and_over=False, stage=Stage.ONE_STEP)
LOOSER: list[tuple[dict[str, Any], Loosening, dict[str, Any]]] = [
    ({"stage": Stage.BOUNDED_STEPS}, Loosening.STAGE, {"stage": Stage.OBSERVE}),
    (
        {"bounds": (*BASE.bounds, bounds(Drug.LISINOPRIL, 5000))},
        Loosening.BOUNDS,
        {"bounds": (bounds(Drug.AMLODIPINE, 5000),)},
    ),
    ({"max_step_rungs": 2}, Loosening.STEP, {"max_step_rungs": 0}),
    ({"min_interval_days": 27}, Loosening.INTERVAL, {"min_interval_days": 29}),
    ({"steps_allowed": 3}, Loosening.STEPS, {"steps_allowed": 1}),
    (
        {"potassium_below_thousandths": 5001},
        Loosening.POTASSIUM,
        {"potassium_below_thousandths": 4999},
    ),
    ({"egfr_at_least_thousandths": 49_999}, Loosening.EGFR, {"egfr_at_least_thousandths": 50_001}),
    ({"lab_max_age_days": 184}, Loosening.LAB_AGE, {"lab_max_age_days": 182}),
    ({"confidence_floor_percent": 59}, Loosening.CONFIDENCE, {"confidence_floor_percent": 61}),
    (
        {"expires_at": BASE.expires_at + timedelta(seconds=1)},
        Loosening.LIFE,
        {"expires_at": BASE.expires_at - timedelta(seconds=1)},
    ),
    ({"target": Target(129, 80)}, Loosening.TARGET, {"target": Target(131, 80)}),
    ({"target": Target(130, 79)}, Loosening.TARGET, {"target": Target(130, 81)}),
]


@pytest.mark.parametrize(("looser", "named", "tighter"), LOOSER)
def test_each_setting_has_a_looser_and_a_tighter_side(
    looser: dict[str, Any], named: Loosening, tighter: dict[str, Any]
) -> None:
    assert loosenings(BASE, replace(BASE, **looser)) == (named,)
    assert loosenings(BASE, replace(BASE, **tighter)) == ()
    assert loosenings(replace(BASE, **tighter), BASE) == (named,)


def test_fewer_stop_conditions_and_allowing_old_age_are_looser() -> None:
    fewer = replace(BASE, stop_conditions=frozenset({StopCondition.ALARM_OPEN}))
    assert loosenings(BASE, fewer) == (Loosening.STOP_CONDITIONS,)
    assert loosenings(fewer, BASE) == ()
    old = replace(BASE, allow_age_80_and_over=True)
    assert loosenings(BASE, old) == (Loosening.AGE,)
    assert loosenings(old, BASE) == loosenings(old, old) == loosenings(BASE, BASE) == ()


def test_one_signature_is_enough_to_tighten_and_the_version_rises() -> None:
    tighter = replace(BASE, min_interval_days=60)
    assert tighten(BASE, tighter) == replace(tighter, version=2)
    with pytest.raises(NotTighter, match="interval"):
        tighten(tighter, BASE)


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, False),
        ({"min_interval_days": 27}, True),
        ({"min_interval_days": 28}, False),
        ({"steps_allowed": 3}, True),
        ({"egfr_at_least_thousandths": 49_999}, True),
        ({"egfr_at_least_thousandths": 50_000}, False),
        ({"confidence_floor_percent": 49}, True),
        ({"confidence_floor_percent": 50}, False),
    ],
)
def test_settings_looser_than_the_default_need_a_second_signature(
    changes: dict[str, Any], needed: bool
) -> None:
    draft = replace(BASE, signed_by=None, signed_at=None, **changes)
    assert needs_second_signature(draft) is needed
    if not needed:
        assert sign(draft, signed_by="a", signed_at=NOW).signed_by == "a"
        return
    for second in (None, "a"):
        with pytest.raises(NotSignable, match="second"):
            sign(draft, signed_by="a", signed_at=NOW, second_signed_by=second)
    signed = sign(draft, signed_by="a", signed_at=NOW, second_signed_by="b")
    assert (signed.signed_by, signed.signed_at, signed.second_signed_by) == ("a", NOW, "b")


def test_nobody_signs_beyond_a_hard_limit() -> None:
    with pytest.raises(NotSignable, match="too_many_steps"):
        sign(replace(BASE, steps_allowed=4), signed_by="a", signed_at=NOW, second_signed_by="b")


def test_a_renewal_is_a_new_unsigned_plan_of_six_months() -> None:
    old = replace(BASE, version=7, second_signed_by="b", revoked_at=NOW)
    made = renew(old, envelope_id="e-2", valid_from=NOW)
    assert made == replace(
        BASE,
        envelope_id="e-2",
        version=1,
        valid_from=NOW,
        expires_at=NOW + PLAN_LIFE,
        signed_by=None,
        signed_at=None,
    )


def test_a_plan_stays_revoked_since_it_was_first_revoked() -> None:
    once = revoke(BASE, revoked_at=NOW)
    assert (once.version, once.revoked_at) == (2, NOW)
    assert revoke(once, revoked_at=NOW + DAY).revoked_at == NOW
    assert revoke(once, revoked_at=NOW - DAY).revoked_at == NOW - DAY


def test_differences_are_shown_in_words_with_what_is_looser_marked() -> None:
    after = replace(
        BASE,
        bounds=(AMLODIPINE, bounds(Drug.LISINOPRIL, 5000)),
        target=Target(135, 85),
        min_interval_days=21,
        stop_conditions=frozenset({StopCondition.SYMPTOM_OPEN, StopCondition.ALARM_OPEN}),
        expires_at=BASE.expires_at - DAY,
    )
    assert differences(BASE, after) == (
        Difference(
            "bounds",
            "amlodipine 2500, 5000, 10000 µg",
            "amlodipine 5000, 10000 µg; lisinopril 5000 µg",
            looser=True,
        ),
        Difference("target", "below 130/80 mmHg", "below 135/85 mmHg", looser=False),
        Difference("min_interval_days", "28", "21", looser=True),
        Difference(
            "stop_conditions",
            "alarm_open, device_changed, irregular_rhythm, low_pressure, symptom_open",
            "alarm_open, symptom_open",
            looser=True,
        ),
        Difference(
            "expires_at",
            BASE.expires_at.isoformat(),
            (BASE.expires_at - DAY).isoformat(),
            looser=False,
        ),
    )
    assert differences(BASE, BASE) == ()
