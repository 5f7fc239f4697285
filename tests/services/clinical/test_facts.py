"""Facts: every field of a snapshot, a plan and a move lands where the rules read it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.clinical.envelope import Stage
from services.clinical.facts import (
    CONDITIONS,
    DRUG_PLACE,
    MEDICINES,
    SYMPTOMS,
    Facts,
    facts,
    steps_used,
)
from services.clinical.formulary import Drug
from services.clinical.patient import (
    Adherence,
    Condition,
    ConsentPurpose,
    Intolerance,
    OtherMedicine,
    OtherMedicineKind,
    Pregnancy,
    Sex,
    Symptom,
    SymptomReport,
)
from services.clinical.readings import CLOCK_AHEAD
from tests.services.clinical.examples import (
    DAY,
    LABS,
    NOW,
    changed,
    envelope,
    prescription,
    proposal,
    reading,
    snapshot,
)


def read(**changes: Any) -> Facts:
    return facts(snapshot(**changes), proposal(), envelope(), NOW)


def test_the_person() -> None:
    person = read(deceased=True, halted=True, open_alarm=True).person
    assert person.deceased and person.halted and person.open_alarm and person.consented
    person = read(consent=frozenset({ConsentPurpose.MONITORING})).person
    assert not (person.deceased or person.halted or person.open_alarm or person.consented)


@pytest.mark.parametrize(("sex", "female"), [(Sex.FEMALE, 1), (Sex.MALE, 0), (Sex.UNKNOWN, None)])
def test_sex(sex: Sex, female: int | None) -> None:
    assert read(sex=sex).person.female == female


@pytest.mark.parametrize(
    ("status", "risk"),
    [
        (Pregnancy.PREGNANT, 1),
        (Pregnancy.TRYING, 1),
        (Pregnancy.POSSIBLE, 1),
        (Pregnancy.NOT_PREGNANT, 0),
        (Pregnancy.NOT_APPLICABLE, 0),
        (None, None),
    ],
)
def test_pregnancy(status: Pregnancy | None, risk: int | None) -> None:
    assert read(pregnancy=status).person.pregnancy_risk == risk


@pytest.mark.parametrize(
    ("born", "years"),
    [(date(1970, 5, 20), 56), (date(1970, 5, 21), 55), (date(1970, 6, 1), 55), (None, None)],
)
def test_age_is_in_completed_years(born: date | None, years: int | None) -> None:
    assert read(birth_date=born).person.age == years


def test_lists_are_marked_by_place_and_told_incomplete() -> None:
    person = read(
        conditions=frozenset({Condition.GOUT}),
        conditions_complete=False,
        other_medicines=(OtherMedicine(OtherMedicineKind.NSAID, "x", False),),
        medicines_complete=False,
        intolerances=(Intolerance(Drug.RAMIPRIL),),
        intolerances_complete=False,
        symptoms=(
            SymptomReport(Symptom.COUGH, NOW, True),
            SymptomReport(Symptom.FALL, NOW, False),
        ),
    ).person
    assert [CONDITIONS[n] for n, on in enumerate(person.condition) if on] == [Condition.GOUT]
    assert [MEDICINES[n] for n, on in enumerate(person.medicine) if on] == [OtherMedicineKind.NSAID]
    assert [n for n, on in enumerate(person.intolerant) if on] == [DRUG_PLACE[Drug.RAMIPRIL]]
    assert [SYMPTOMS[n] for n, on in enumerate(person.symptom) if on] == [Symptom.COUGH]
    assert not (person.conditions_known or person.medicines_known or person.intolerances_known)
    whole = read().person
    assert whole.conditions_known and whole.medicines_known and whole.intolerances_known
    widths = (len(CONDITIONS), len(MEDICINES), 24, len(SYMPTOMS))
    assert (
        tuple(map(len, (whole.condition, whole.medicine, whole.intolerant, whole.symptom)))
        == widths
    )


def test_antihypertensives_outside_the_formulary_count_and_others_do_not() -> None:
    others = (
        OtherMedicine(OtherMedicineKind.OTHER_ANTIHYPERTENSIVE, "x", True),
        OtherMedicine(OtherMedicineKind.NSAID, "y", False),
    )
    assert read(other_medicines=others).person.drug_count == 2


@pytest.mark.parametrize(
    ("adherence", "percent"),
    [
        (None, None),
        (Adherence(0, 0), None),
        (Adherence(1, -1), None),
        (Adherence(0, 1), 0),
        (Adherence(79, 99), 79),
        (Adherence(28, 28), 100),
    ],
)
def test_adherence_is_whole_percent_rounded_down(
    adherence: Adherence | None, percent: int | None
) -> None:
    assert read(adherence=adherence).person.adherence_percent == percent


def test_a_snapshot_is_inconsistent_with_what_came_after_it() -> None:
    assert not read().person.snapshot_inconsistent
    second = timedelta(seconds=1)
    assert read(as_of=NOW + second).person.snapshot_inconsistent
    late = (reading(NOW - DAY + CLOCK_AHEAD + second),)
    assert read(as_of=NOW - DAY, readings=late, labs=()).person.snapshot_inconsistent
    on_time = (reading(NOW - DAY + CLOCK_AHEAD),)
    assert not read(as_of=NOW - DAY, readings=on_time, labs=()).person.snapshot_inconsistent
    labs = (replace(LABS[0], taken_at=NOW - DAY + second),)
    assert read(as_of=NOW - DAY, readings=(), labs=labs).person.snapshot_inconsistent
    labs = (replace(LABS[0], taken_at=NOW - DAY),)
    assert not read(as_of=NOW - DAY, readings=(), labs=labs).person.snapshot_inconsistent


def test_targets_are_in_tenths() -> None:
    person = read().person
    assert (person.target_systolic, person.target_diastolic) == (1300, 800)
    person = read(target=None).person
    assert (person.target_systolic, person.target_diastolic) == (None, None)


def test_a_paused_drug_is_not_taken_and_a_drug_twice_is_a_conflict() -> None:
    held = prescription(Drug.LISINOPRIL, 10_000, paused_since=NOW - DAY)
    made = read(regimen=(prescription(), held))
    assert made.person.before[DRUG_PLACE[Drug.LISINOPRIL]] == 0
    assert made.person.before[DRUG_PLACE[Drug.AMLODIPINE]] == 5000
    assert sum(made.person.before) == 5000
    assert made.move.paused[DRUG_PLACE[Drug.LISINOPRIL]] and sum(made.move.paused) == 1
    assert made.move.after[DRUG_PLACE[Drug.LISINOPRIL]] == 0
    assert not made.person.regimen_conflict
    assert read(regimen=(prescription(), prescription())).person.regimen_conflict


def test_the_plan() -> None:
    plan = read().envelope
    assert plan.envelope_present and plan.envelope_signed and plan.envelope_started
    assert not (plan.envelope_revoked or plan.envelope_expired or plan.envelope_of_other)
    assert not (plan.envelope_second_signature or plan.envelope_target_differs)
    assert (plan.stage, plan.steps_used, plan.envelope_days) == (3, 0, 150)
    assert (plan.envelope_steps, plan.envelope_rungs, plan.envelope_interval_days) == (2, 1, 28)
    assert (plan.envelope_potassium_below, plan.envelope_egfr_at_least) == (5000, 50_000)
    assert (plan.envelope_lab_age_days, plan.envelope_certainty) == (183, 60)
    assert not plan.envelope_allows_80


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"signed_by": None}, "envelope_signed", False),
        ({"signed_at": None}, "envelope_signed", False),
        ({"revoked_at": NOW}, "envelope_revoked", True),
        ({"revoked_at": NOW + DAY}, "envelope_revoked", False),
        ({"valid_from": NOW}, "envelope_started", True),
        ({"valid_from": NOW + DAY}, "envelope_started", False),
        ({"expires_at": NOW}, "envelope_expired", True),
        ({"expires_at": NOW + DAY}, "envelope_expired", False),
        ({"patient_id": "p-2"}, "envelope_of_other", True),
        ({"second_signed_by": "c-2"}, "envelope_second_signature", True),
        ({"second_signed_by": "c-1"}, "envelope_second_signature", False),
        ({"allow_age_80_and_over": True}, "envelope_allows_80", True),
        ({"stage": Stage.OBSERVE}, "stage", 0),
    ],
)
def test_what_a_plan_says(changes: dict[str, Any], field: str, value: object) -> None:
    made = facts(snapshot(), proposal(), envelope(**changes), NOW)
    assert getattr(made.envelope, field) == value


def test_without_a_plan_nothing_of_it_is_known_or_true() -> None:
    plan = facts(snapshot(), proposal(), None, NOW).envelope
    assert {value for name, value in plan._asdict().items() if name != "stop"} == {None, False}
    assert plan.steps_used == 0 and not any(plan.stop)


def test_only_the_patient_s_own_steps_under_this_plan_are_counted() -> None:
    steps = (
        changed(40, by_patient=True, envelope_id="e-1"),
        changed(80, by_patient=True, envelope_id="e-0"),
        changed(90, by_patient=False, envelope_id="e-1"),
    )
    assert steps_used(snapshot(changes=steps), envelope()) == 1
