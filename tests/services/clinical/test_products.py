"""The product table: strengths are those of the printed names, and nothing is guessed."""

import re

import pytest

from services.clinical.formulary import FORMULARY, Drug
from services.clinical.patient import OtherMedicineKind
from services.clinical.products import (
    INGREDIENTS,
    PRODUCTS,
    SINGLE_PILLS,
    Product,
    find_product,
    find_single_pill,
)
from services.clinical.units import format_dose


def test_a_single_pill_is_all_of_its_drugs() -> None:
    found = find_product("999967")
    assert found is not None
    assert [(part.drug, part.strength_ug) for part in found.parts] == [
        (Drug.AMLODIPINE, 5000),
        (Drug.HYDROCHLOROTHIAZIDE, 12500),
        (Drug.OLMESARTAN, 20000),
    ]


def test_a_combination_with_a_drug_outside_the_formulary_names_both() -> None:
    found = find_product("746030")
    assert found is not None
    assert [part.drug for part in found.parts] == [Drug.CHLORTHALIDONE]
    assert [item.kind for item in found.foreign] == [OtherMedicineKind.OTHER_ANTIHYPERTENSIVE]
    assert found.foreign[0].antihypertensive


def test_an_unknown_code_is_unknown() -> None:
    assert find_product("0") is None


@pytest.mark.parametrize("known", PRODUCTS.values(), ids=PRODUCTS.keys())
def test_every_strength_is_the_one_in_the_printed_name(known: Product) -> None:
    """A slip of a digit here would start a patient on another dose."""
    printed = re.findall(r"[\d.]+", known.name)
    for part in known.parts:
        assert format_dose(part.strength_ug).removesuffix(" mg") in printed
        assert part.drug.value in known.name
    assert known.parts or known.foreign


def test_ingredient_codes_are_those_of_the_formulary_and_of_one_drug_each() -> None:
    codes = [entry.rxnorm_ingredient for entry in FORMULARY.values()]
    codes += [entry.rxnorm_precise for entry in FORMULARY.values() if entry.rxnorm_precise]
    assert len(codes) == len(set(codes)) == len(INGREDIENTS) == 28
    assert INGREDIENTS["29046"] is Drug.LISINOPRIL
    assert INGREDIENTS["203160"] is Drug.LOSARTAN
    assert not set(INGREDIENTS) & set(PRODUCTS)


def test_single_pills_are_found_by_exactly_their_doses() -> None:
    assert len(SINGLE_PILLS) == 24
    pill = find_single_pill({Drug.TELMISARTAN: 40_000, Drug.AMLODIPINE: 5_000})
    assert pill is not None
    assert {part.drug for part in pill.parts} == {Drug.TELMISARTAN, Drug.AMLODIPINE}
    assert find_single_pill({Drug.TELMISARTAN: 40_000, Drug.AMLODIPINE: 7_500}) is None
    assert find_single_pill({Drug.TELMISARTAN: 40_000}) is None
