"""What records carry and what we write fit together."""

import pytest

from services.clinical.patient import Lab
from services.fhir import codes, terminology


@pytest.mark.parametrize("lab", list(Lab))
def test_every_code_and_unit_that_we_write_can_be_read(lab: Lab) -> None:
    coding, unit = codes.LABS[lab]
    found, factors = terminology.LABS[coding.code]
    assert found is lab and factors[unit] == 1
    assert lab in terminology.PLAUSIBLE


def test_every_unit_we_write_is_one_that_the_checks_allow() -> None:
    from services.fhir.check_tables import UNITS

    for coding, unit in codes.LABS.values():
        assert unit in UNITS[coding.code]


def test_what_never_ends_is_a_condition_that_can_be_read() -> None:
    assert set(terminology.CONDITIONS.values()) >= terminology.NEVER_OVER


def test_hypertension_and_pregnancy_are_no_other_condition() -> None:
    assert terminology.CONDITIONS.keys().isdisjoint(terminology.HYPERTENSION)
    assert terminology.CONDITIONS.keys().isdisjoint(terminology.PREGNANT)
