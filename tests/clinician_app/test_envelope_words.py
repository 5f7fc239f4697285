"""What a signature changes: every line that differs is shown, and none that does not."""

from typing import Any

from clinician_app.envelope_words import changes, lines

TERMS: dict[str, Any] = {
    "stage": "propose_only",
    "bounds": [{"drug": "amlodipine", "rungs_ug": [5_000, 10_000]}],
    "target": {"systolic_below": 130, "diastolic_below": 80},
    "max_step_rungs": 1,
    "min_interval_days": 28,
    "steps_allowed": 2,
    "potassium_below_thousandths": 5_000,
    "egfr_at_least_thousandths": 50_000,
    "lab_max_age_days": 90,
    "confidence_floor_percent": 70,
    "stop_conditions": ["alarm_open"],
    "allow_age_80_and_over": False,
    "expires_at": "2026-09-01T00:00:00Z",
}
OTHER = {
    "stage": "one_step",
    "bounds": [{"drug": "amlodipine", "rungs_ug": [5_000]}],
    "target": {"systolic_below": 140, "diastolic_below": 90},
    "max_step_rungs": 2,
    "min_interval_days": 30,
    "steps_allowed": 1,
    "potassium_below_thousandths": 4_800,
    "egfr_at_least_thousandths": 60_000,
    "lab_max_age_days": 60,
    "confidence_floor_percent": 80,
    "stop_conditions": [],
    "allow_age_80_and_over": True,
    "expires_at": "2026-10-01T00:00:00Z",
}


def test_every_term_that_differs_gives_exactly_one_line() -> None:
    assert OTHER.keys() == TERMS.keys()
    for name, value in OTHER.items():
        assert len(changes(TERMS, {**TERMS, name: value})) == 1, name


def test_equal_terms_give_no_line() -> None:
    assert changes(TERMS, dict(TERMS)) == []


def test_a_first_envelope_shows_all_lines_and_an_added_drug_its_own() -> None:
    assert [label for label, _, _ in changes(None, TERMS)] == list(lines(TERMS))
    more = [*TERMS["bounds"], {"drug": "losartan", "rungs_ug": [50_000]}]
    assert changes(TERMS, {**TERMS, "bounds": more}) == [("Losartan, daily dose", "–", "50 mg")]
    assert changes({**TERMS, "bounds": more}, TERMS) == [("Losartan, daily dose", "50 mg", "–")]
