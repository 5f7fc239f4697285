"""Facts from the laboratory: the newest value, its age, what is awaited, the kidney's response."""

from datetime import timedelta
from typing import Any

import pytest

from services.clinical.formulary import Drug
from services.clinical.laboratory import Laboratory, read_laboratory
from services.clinical.patient import Lab, LabResult, PendingLab, Symptom, SymptomReport
from tests.services.clinical.examples import DAY, NOW, changed, lab, prescription, snapshot


def read(*labs: LabResult, **changes: Any) -> Laboratory:
    return read_laboratory(snapshot(labs=labs, **changes), NOW)


def test_the_newest_value_of_each_test_with_its_age_in_whole_days() -> None:
    found = read(
        lab(Lab.POTASSIUM, 4300, 2),
        lab(Lab.POTASSIUM, 4100, 40),
        lab(Lab.SODIUM, 139_000, 3),
        lab(Lab.CREATININE, 950, 4),
        lab(Lab.EGFR, 77_000, 5),
    )
    assert (found.potassium, found.potassium_age) == (4300, 2)
    assert (found.sodium, found.sodium_age) == (139_000, 3)
    assert (found.creatinine, found.egfr, found.egfr_age) == (950, 77_000, 5)
    half = LabResult(Lab.SODIUM, 140_000, NOW - timedelta(days=3, hours=23))
    assert read(half).sodium_age == 3


def test_nothing_is_known_of_no_labs() -> None:
    found = read()
    assert (found.potassium, found.sodium, found.creatinine, found.egfr) == (None,) * 4
    assert (found.potassium_age, found.sodium_age, found.egfr_age) == (None,) * 3
    assert not (found.potassium_pending or found.sodium_pending or found.renal_pending)
    assert not (found.renal_check_due or found.ras_raised)
    assert (found.egfr_fall, found.creatinine_rise) == (None, None)


def since_pause(*labs: LabResult, **changes: Any) -> tuple[bool, bool, bool]:
    found = read(*labs, **changes)
    return found.potassium_since_pause, found.sodium_since_pause, found.egfr_since_pause


@pytest.mark.parametrize("drug", [Drug.LISINOPRIL, Drug.LOSARTAN, Drug.INDAPAMIDE, Drug.EPLERENONE])
def test_labs_are_since_the_pause_when_taken_after_it(drug: Drug) -> None:
    paused = {"regimen": (prescription(drug, paused_since=NOW - 4 * DAY),)}
    assert since_pause(**paused) == (False, False, False)
    assert since_pause(lab(Lab.POTASSIUM, 4200, 3), **paused) == (True, False, False)
    assert since_pause(lab(Lab.SODIUM, 140_000, 3), **paused) == (False, True, False)
    assert since_pause(lab(Lab.EGFR, 85_000, 3), **paused) == (False, False, True)
    assert since_pause(lab(Lab.EGFR, 85_000, 4), **paused) == (False, False, False)


def test_nothing_is_asked_since_a_pause_that_never_was_or_was_of_another_class() -> None:
    assert since_pause() == (True, True, True)
    beta = prescription(Drug.BISOPROLOL, paused_since=NOW - 4 * DAY)
    assert since_pause(regimen=(beta,)) == (True, True, True)


def test_vomiting_reported_after_the_pause_asks_for_labs_after_it() -> None:
    ill = SymptomReport(Symptom.VOMITING_OR_DIARRHOEA, NOW - 2 * DAY, open=False)
    tired = SymptomReport(Symptom.FATIGUE, NOW - DAY, open=True)
    paused = {
        "regimen": (prescription(Drug.LISINOPRIL, paused_since=NOW - 9 * DAY),),
        "symptoms": (ill, tired),
    }
    assert since_pause(lab(Lab.POTASSIUM, 4200, 3), **paused) == (False, False, False)
    later = LabResult(Lab.POTASSIUM, 4200, NOW - 2 * DAY + timedelta(minutes=1))
    assert since_pause(later, **paused) == (True, False, False)


def test_a_result_of_the_future_is_not_yet_known_and_one_of_now_is() -> None:
    assert read(LabResult(Lab.POTASSIUM, 4300, NOW + DAY)).potassium is None
    assert read(LabResult(Lab.POTASSIUM, 4300, NOW)).potassium == 4300


def test_of_two_results_of_one_moment_the_later_entry_counts() -> None:
    assert read(lab(Lab.POTASSIUM, 4300, 2), lab(Lab.POTASSIUM, 5300, 2)).potassium == 5300


@pytest.mark.parametrize(
    ("awaited", "field"),
    [
        (Lab.POTASSIUM, "potassium_pending"),
        (Lab.SODIUM, "sodium_pending"),
        (Lab.CREATININE, "renal_pending"),
        (Lab.EGFR, "renal_pending"),
    ],
)
def test_a_test_is_awaited_until_a_result_as_late_as_its_order(awaited: Lab, field: str) -> None:
    order = PendingLab(awaited, NOW - DAY)
    fields = ("potassium_pending", "sodium_pending", "renal_pending")
    found = read(pending_labs=(order,))
    assert [name for name in fields if getattr(found, name)] == [field]
    assert getattr(read(lab(awaited, 4000, 2), pending_labs=(order,)), field)
    assert not getattr(read(lab(awaited, 4000, 1), pending_labs=(order,)), field)


RISE = changed(60, Drug.LISINOPRIL, 5000, 10_000)


@pytest.mark.parametrize(
    ("potassium_days", "egfr_days", "due"),
    [(50, 50, False), (51, 50, True), (50, 51, True), (1, 1, False), (70, 70, True)],
)
def test_labs_are_due_ten_days_after_a_rise(potassium_days: int, egfr_days: int, due: bool) -> None:
    labs = (lab(Lab.POTASSIUM, 4200, potassium_days), lab(Lab.EGFR, 80_000, egfr_days))
    assert read(*labs, changes=(RISE,)).renal_check_due is due


@pytest.mark.parametrize("missing", [Lab.POTASSIUM, Lab.EGFR])
def test_both_labs_are_due(missing: Lab) -> None:
    labs = [lab(which, 4200, 1) for which in (Lab.POTASSIUM, Lab.EGFR) if which is not missing]
    assert read(*labs, changes=(RISE,)).renal_check_due


@pytest.mark.parametrize(
    ("drug", "watched"),
    [
        (Drug.LISINOPRIL, True),
        (Drug.LOSARTAN, True),
        (Drug.CHLORTHALIDONE, True),
        (Drug.SPIRONOLACTONE, True),
        (Drug.AMLODIPINE, False),
        (Drug.BISOPROLOL, False),
    ],
)
def test_which_rises_are_watched_and_which_are_of_a_ras_blocker(drug: Drug, watched: bool) -> None:
    found = read(changes=(changed(20, drug, 2500, 5000),))
    assert found.renal_check_due is watched
    assert found.ras_raised is (drug in (Drug.LISINOPRIL, Drug.LOSARTAN))
    lowered = read(changes=(changed(20, drug, 5000, 2500),))
    assert not lowered.renal_check_due and not lowered.ras_raised
    just_now = read(changes=(changed(0, drug, 2500, 5000),))
    assert just_now.ras_raised is found.ras_raised
    kept = read(changes=(changed(20, drug, 5000, 5000),))
    assert not kept.renal_check_due and not kept.ras_raised
    future = read(changes=(changed(-1, drug, 2500, 5000),))
    assert not future.renal_check_due and not future.ras_raised


def test_the_last_of_several_rises_counts() -> None:
    first = changed(90, Drug.LISINOPRIL, 5000, 10_000)
    labs = (lab(Lab.POTASSIUM, 4200, 70), lab(Lab.EGFR, 80_000, 70))
    assert not read(*labs, changes=(first,)).renal_check_due
    for changes in ((first, RISE), (RISE, first)):
        assert read(*labs, changes=changes).renal_check_due


def test_a_rise_longer_than_a_year_ago_has_no_response_to_watch() -> None:
    assert read(changes=(changed(365, Drug.LISINOPRIL, 5000, 10_000),)).ras_raised
    assert not read(changes=(changed(366, Drug.LISINOPRIL, 5000, 10_000),)).ras_raised


@pytest.mark.parametrize(
    ("before", "after", "fall"),
    [
        (80_000, 60_000, 250),
        (80_000, 59_999, 251),
        (80_000, 80_000, 0),
        (80_000, 88_000, -100),
        (90_000, 89_999, 1),
    ],
)
def test_the_fall_of_egfr_is_per_mille_rounded_upward(before: int, after: int, fall: int) -> None:
    found = read(lab(Lab.EGFR, before, 70), lab(Lab.EGFR, after, 1), changes=(RISE,))
    assert found.egfr_fall == fall
    assert found.creatinine_rise is None


@pytest.mark.parametrize(("before", "after", "rise"), [(1000, 1300, 300), (999, 1300, 302)])
def test_the_rise_of_creatinine_is_rounded_upward(before: int, after: int, rise: int) -> None:
    found = read(lab(Lab.CREATININE, before, 70), lab(Lab.CREATININE, after, 1), changes=(RISE,))
    assert found.creatinine_rise == rise
    assert found.egfr_fall is None


@pytest.mark.parametrize(
    ("baseline_days", "latest_days", "known"),
    [
        (60, 59, True),
        (61, 1, True),
        (59, 1, False),
        (60, 60, False),
        (425, 1, True),
        (426, 1, False),
    ],
)
def test_a_response_is_between_a_value_of_the_year_before_and_one_after(
    baseline_days: int, latest_days: int, known: bool
) -> None:
    labs = (lab(Lab.EGFR, 80_000, baseline_days), lab(Lab.EGFR, 70_000, latest_days))
    assert (read(*labs, changes=(RISE,)).egfr_fall is not None) is known


def test_the_baseline_is_the_last_value_before_the_rise_and_never_zero() -> None:
    labs = (lab(Lab.EGFR, 80_000, 61), lab(Lab.EGFR, 40_000, 90), lab(Lab.EGFR, 60_000, 1))
    assert read(*labs, changes=(RISE,)).egfr_fall == 250
    for zero in (0, -5):
        assert response(zero, 60_000) is None
    assert response(1, 1) == 0


def response(before: int, after: int) -> int | None:
    return read(lab(Lab.EGFR, before, 61), lab(Lab.EGFR, after, 1), changes=(RISE,)).egfr_fall


@pytest.mark.parametrize(
    ("drug", "labs_days_ago", "due"),
    [
        (Drug.LISINOPRIL, 100, True),
        (Drug.LISINOPRIL, 26, True),
        (Drug.LISINOPRIL, 25, False),
        (Drug.AMLODIPINE, 100, False),
    ],
)
def test_labs_are_due_after_a_prescription_that_was_made_elsewhere_as_well(
    drug: Drug, labs_days_ago: int, due: bool
) -> None:
    labs = (lab(Lab.POTASSIUM, 4200, labs_days_ago), lab(Lab.EGFR, 80_000, labs_days_ago))
    made = prescription(drug, 10_000, since=NOW - timedelta(days=35))
    found = read(*labs, regimen=(made,))
    assert found.renal_check_due is due
    today = prescription(drug, 10_000, since=NOW)
    watched = drug is not Drug.AMLODIPINE
    assert read(*labs, regimen=(today,)).renal_check_due is watched
    # Nobody knows the kidney before a treatment of years: no response to it is asked for.
    assert not found.ras_raised
