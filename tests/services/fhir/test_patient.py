"""The patient under our own id, and the one who signs."""

from datetime import date

import pytest

from services.clinical.patient import Sex
from services.fhir.checks import InvalidResource, require_valid
from services.fhir.patient import patient, practitioner
from services.fhir.resource import Resource
from tests.services.fhir.builders import SUBJECT


def _patient(birth_date: date | None = date(1960, 2, 3)) -> Resource:
    return patient(
        patient_id=SUBJECT.patient_id,
        family="Testperson",
        given=("Ada",),
        birth_date=birth_date,
        sex=Sex.FEMALE,
        identifiers=(("urn:system", "1"),),
        simulated=True,
    )


def test_a_patient_is_valid_and_an_unknown_birth_date_is_absent() -> None:
    require_valid(_patient())
    assert "birthDate" not in _patient(None)
    require_valid(_patient(None))


def test_a_deceased_patient_is_never_written() -> None:
    with pytest.raises(InvalidResource, match="alive"):
        require_valid(_patient() | {"deceasedBoolean": True})


def test_a_practitioner_is_the_printed_name() -> None:
    require_valid(practitioner(clinician_id="c-1", display_name="Dr Ada Testperson"))
