"""StructureDefinitions of our own extensions, so that another system can read what we write."""

from typing import Final

from services.fhir import codes
from services.fhir.resource import Resource

_CORE: Final = "http://hl7.org/fhir/StructureDefinition"

# sub-extension, its type, least and most times, what it says
_LIMITS: Final[tuple[tuple[str, str, int, str, str], ...]] = (
    ("version", "integer", 1, "1", "Version of the envelope"),
    ("stage", "code", 1, "1", "Earned autonomy"),
    ("step", "integer", 1, "1", "Most rungs in one step"),
    ("interval", "Quantity", 1, "1", "Least days between two steps"),
    ("steps", "integer", 1, "1", "Steps that this version allows"),
    ("labAge", "Quantity", 1, "1", "Oldest laboratory result that counts"),
    ("potassiumBelow", "Quantity", 1, "1", "Potassium must be below"),
    ("egfrAtLeast", "Quantity", 1, "1", "Filtration rate must be at least"),
    ("systolicBelow", "Quantity", 1, "1", "Signed target, systolic"),
    ("diastolicBelow", "Quantity", 1, "1", "Signed target, diastolic"),
    ("certainty", "Quantity", 1, "1", "Certainty that a proposal must reach"),
    ("age80", "boolean", 1, "1", "Signed for a patient of 80 years or more"),
    ("stop", "code", 0, "*", "What ends the patient's own steps at once"),
)

_SIMPLE: Final[tuple[tuple[str, str, str, str], ...]] = (
    (codes.EXTENSION_MOVE, "MedicationRequest", "code", "Kind of move that is proposed"),
    (codes.EXTENSION_STANDING, "Observation", "integer", "Minutes the patient had been standing"),
)


def definitions() -> tuple[Resource, ...]:
    """Return the StructureDefinition of every extension under `codes.OWN`."""
    return (_limits(), *(_simple(url, where, kind, says) for url, where, kind, says in _SIMPLE))


def limit_names() -> frozenset[str]:
    """Return the names of the sub-extensions of the envelope's limits."""
    return frozenset(name for name, *_ in _LIMITS)


def _limits() -> Resource:
    elements: list[Resource] = [
        {"id": "Extension", "path": "Extension", "short": "Limits of a patient's own steps"},
        {"id": "Extension.value[x]", "path": "Extension.value[x]", "max": "0"},
    ]
    for name, kind, least, most, says in _LIMITS:
        slice_id = f"Extension.extension:{name}"
        elements += [
            {
                "id": slice_id,
                "path": "Extension.extension",
                "sliceName": name,
                "short": says,
                "min": least,
                "max": most,
            },
            {"id": f"{slice_id}.url", "path": "Extension.extension.url", "fixedUri": name},
            {
                "id": f"{slice_id}.value[x]",
                "path": "Extension.extension.value[x]",
                "min": 1,
                "type": [{"code": kind}],
            },
        ]
    elements.append(_own_url(codes.EXTENSION_LIMITS))
    return _definition(codes.EXTENSION_LIMITS, "CarePlan", elements)


def _simple(url: str, where: str, kind: str, says: str) -> Resource:
    value: Resource = {
        "id": "Extension.value[x]",
        "path": "Extension.value[x]",
        "min": 1,
        "type": [{"code": kind}],
    }
    short: Resource = {"id": "Extension", "path": "Extension", "short": says, "max": "1"}
    return _definition(url, where, [short, _own_url(url), value])


def _own_url(url: str) -> Resource:
    return {"id": "Extension.url", "path": "Extension.url", "fixedUri": url}


def _definition(url: str, where: str, elements: list[Resource]) -> Resource:
    name = url.rsplit("/", 1)[1]
    return {
        "resourceType": "StructureDefinition",
        "id": name,
        "url": url,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "status": "active",
        "fhirVersion": "4.0.1",
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": where}],
        "type": "Extension",
        "baseDefinition": f"{_CORE}/Extension",
        "derivation": "constraint",
        "differential": {"element": elements},
    }
