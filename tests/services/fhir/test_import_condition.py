"""Present conditions that a rule reads; what was once and never ends; silence is not "no"."""

from typing import Any

import pytest

from services.clinical.formulary import Drug
from services.clinical.patient import Condition, Pregnancy
from services.fhir import codes
from services.fhir.import_condition import Diagnoses, read_conditions, read_intolerances
from tests.services.fhir.bundles import NOW, JsonObject, about, coded, condition


def _read(*conditions: JsonObject) -> Diagnoses:
    return read_conditions(conditions, now=NOW)


@pytest.mark.parametrize(
    ("code", "clinical", "expected"),
    [
        ("44054006", "active", {Condition.DIABETES_TYPE_2}),
        ("44054006", "resolved", set()),
        ("41291007", "resolved", {Condition.ANGIOEDEMA}),
        ("49436004", "relapse", {Condition.ATRIAL_FIBRILLATION}),
        ("90560007", "active", {Condition.GOUT}),
        ("59621000", "active", set()),
    ],
)
def test_a_condition_counts_while_it_lasts_or_for_ever(
    code: str, clinical: str, expected: set[Condition]
) -> None:
    assert _read(condition(code, clinical)).conditions == expected


def test_a_refuted_condition_is_none() -> None:
    refuted = condition("41291007", verificationStatus=coded("v", "refuted"))
    assert _read(refuted) == Diagnoses(frozenset(), False, None, ())


@pytest.mark.parametrize(
    ("onset", "recent"),
    [("2026-02-01T00:00:00Z", True), ("2020-02-01T00:00:00Z", False), (None, True)],
)
def test_an_event_is_recent_unless_its_date_says_otherwise(onset: str | None, recent: bool) -> None:
    event = condition("22298006", **({"onsetDateTime": onset} if onset else {}))
    found = _read(event).conditions
    assert (Condition.RECENT_CARDIOVASCULAR_EVENT in found) is recent
    assert Condition.CORONARY_DISEASE in found


def test_pregnancy_is_known_only_while_it_lasts() -> None:
    assert _read(condition("72892002")).pregnancy is Pregnancy.PREGNANT
    assert _read(condition("72892002", "resolved")).pregnancy is None


def test_a_present_condition_that_no_rule_reads_is_listed() -> None:
    found = _read(condition("19169002"), condition("444814009", "resolved"))
    assert [(u.kind, u.code) for u in found.unknowns] == [("condition", "19169002")]


def _allergy(code: JsonObject, **more: Any) -> JsonObject:
    return about("AllergyIntolerance", "a-1", code=code, **more)


@pytest.mark.parametrize(("code", "drug"), [("29046", Drug.LISINOPRIL), ("203160", Drug.LOSARTAN)])
def test_an_intolerance_of_an_ingredient_or_its_salt_is_found(code: str, drug: Drug) -> None:
    found, _, unknowns = read_intolerances([_allergy(coded(codes.RXNORM, code))])
    assert [i.drug for i in found] == [drug]
    assert unknowns == ()


def test_angioedema_as_a_reaction_is_on_record() -> None:
    swelling = {"manifestation": [coded(codes.SNOMED, "41291007")]}
    _, angioedema, _ = read_intolerances(
        [_allergy(coded(codes.RXNORM, "29046"), reaction=[swelling])]
    )
    assert angioedema


@pytest.mark.parametrize(
    ("category", "listed"),
    [(["food"], 0), (["medication"], 1), (["food", "medication"], 1), ([], 1)],
)
def test_only_food_and_the_like_may_pass_unread(category: list[str], listed: int) -> None:
    _, _, unknowns = read_intolerances([_allergy(coded("x", "1"), category=category)])
    assert len(unknowns) == listed
