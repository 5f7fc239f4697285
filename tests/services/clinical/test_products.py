"""The product table: strengths are those of the printed names, and nothing is guessed."""

import re

import pytest

from services.clinical.formulary import Drug
from services.clinical.patient import OtherMedicineKind
from services.clinical.products import PRODUCTS, Product, product
from services.clinical.units import format_dose


def test_a_single_pill_is_all_of_its_drugs() -> None:
    found = product("999967")
    assert found is not None
    assert [(c.drug, c.strength_ug) for c in found.components] == [
        (Drug.AMLODIPINE, 5000),
        (Drug.HYDROCHLOROTHIAZIDE, 12500),
        (Drug.OLMESARTAN, 20000),
    ]


def test_a_combination_with_a_drug_outside_the_formulary_names_both() -> None:
    found = product("746030")
    assert found is not None
    assert [c.drug for c in found.components] == [Drug.CHLORTHALIDONE]
    assert [o.kind for o in found.others] == [OtherMedicineKind.OTHER_ANTIHYPERTENSIVE]


def test_an_unknown_code_is_unknown() -> None:
    assert product("0") is None


@pytest.mark.parametrize("known", PRODUCTS.values(), ids=PRODUCTS.keys())
def test_every_strength_is_the_one_in_the_printed_name(known: Product) -> None:
    """A slip of a digit here would start a patient on another dose."""
    printed = re.findall(r"([\d.]+) MG", known.name)
    for component in known.components:
        assert component.strength_ug > 0
        assert format_dose(component.strength_ug).removesuffix(" mg") in printed
    assert known.components or known.others
