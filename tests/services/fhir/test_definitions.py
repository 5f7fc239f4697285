"""Every own extension that we write has its published definition."""

from services.fhir import codes
from services.fhir.checks import require_valid
from services.fhir.definitions import definitions


def test_every_own_extension_is_published_and_valid() -> None:
    made = definitions()
    for definition in made:
        require_valid(definition)
    written = {
        value
        for name, value in vars(codes).items()
        if name.startswith("EXTENSION_") and isinstance(value, str)
    }
    assert {str(definition["url"]) for definition in made} == written
