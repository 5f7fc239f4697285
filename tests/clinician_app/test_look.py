"""HTML that the pages write: nothing of the record is ever markup, and missing is never zero."""

from typing import Any

from clinician_app import look

EVIL = '<img src=x onerror="alert(1)">'
HEADER: dict[str, Any] = {
    "name": EVIL,
    "age": None,
    "sex": "female",
    "simulated": True,
    "halted": True,
    "conditions": [EVIL],
    "target": None,
    "envelope": None,
    "regimen": [{"drug": "amlodipine", "daily_dose": "5 mg", "paused": True}],
}


def test_text_of_the_record_is_never_markup() -> None:
    pieces = (
        look.person(HEADER, look.badge(EVIL)),
        look.facts(HEADER),
        look.table((EVIL,), ((EVIL,),)),
        look.tiles(((EVIL, EVIL, EVIL),)),
    )
    for piece in pieces:
        assert "<img" not in piece and "&lt;img" in piece


def test_a_simulated_patient_is_labelled_beside_the_name() -> None:
    assert "simulated patient" in look.person(HEADER)
    assert "simulated" not in look.person({**HEADER, "simulated": False, "name": "Ada"})


def test_missing_is_a_dash_and_an_unknown_age_is_said() -> None:
    assert look.figure(None, " %") == "–" and look.figure(0, " %") == "0 %"
    assert "age unknown" in look.person(HEADER)
    assert "target not agreed" in look.facts(HEADER) and "none signed" in look.facts(HEADER)
    assert "None recorded" in look.table(("a",), ())


def test_a_change_is_told_with_its_sign() -> None:
    assert look.against_before(None) == ""
    assert look.against_before(0) == "as the week before"
    assert look.against_before(-4) == "−4 vs week before"
    assert look.against_before(6, " %") == "+6 % vs week before"
