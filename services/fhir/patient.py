"""The patient's own record here, under our id; and the persons who sign."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from services.clinical.patient import Sex
from services.fhir.resource import Resource, meta

_GENDER: Final[dict[Sex, str]] = {
    Sex.FEMALE: "female",
    Sex.MALE: "male",
    Sex.UNKNOWN: "unknown",
}


def patient(
    *,
    patient_id: str,
    family: str,
    given: Sequence[str],
    birth_date: date | None,
    sex: Sex,
    identifiers: Sequence[tuple[str, str]],
    simulated: bool,
) -> Resource:
    """Return a living patient. `identifiers` are (system, value)."""
    return (
        {
            "resourceType": "Patient",
            "id": patient_id,
            "active": True,
            "name": [{"use": "official", "family": family, "given": list(given)}],
            "gender": _GENDER[sex],
            "deceasedBoolean": False,
        }
        | meta(simulated=simulated)
        | ({"birthDate": birth_date.isoformat()} if birth_date is not None else {})
        | (
            {"identifier": [{"system": system, "value": value} for system, value in identifiers]}
            if identifiers
            else {}
        )
    )


def practitioner(*, clinician_id: str, display_name: str) -> Resource:
    """Return a clinician by the name that is printed beside the signature."""
    return {
        "resourceType": "Practitioner",
        "id": clinician_id,
        "active": True,
        "name": [{"text": display_name}],
    }
