"""Small bundles to import, and the vendored ones."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.fhir import codes

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
OWNER = "p-1"
VENDORED = Path(__file__).parents[3] / "demo" / "data" / "fhir"

JsonObject = dict[str, Any]


def vendored(name: str) -> bytes:
    return gzip.decompress((VENDORED / "patients" / f"{name}.json.gz").read_bytes())


def patient(**changes: Any) -> JsonObject:
    return {
        "resourceType": "Patient",
        "id": OWNER,
        "gender": "female",
        "birthDate": "1960-02-03",
        "name": [{"use": "official", "family": "Testperson", "given": ["Ada"]}],
    } | changes


def about(resource_type: str, resource_id: str, owner: str = OWNER, **more: Any) -> JsonObject:
    field = "patient" if resource_type == "AllergyIntolerance" else "subject"
    return {
        "resourceType": resource_type,
        "id": resource_id,
        field: {"reference": f"Patient/{owner}"},
        **more,
    }


def request(code: str, resource_id: str = "m-1", **more: Any) -> JsonObject:
    return about(
        "MedicationRequest",
        resource_id,
        **{
            "status": "active",
            "intent": "order",
            "authoredOn": "2025-06-01T08:00:00Z",
            "medicationCodeableConcept": coded(codes.RXNORM, code),
            **more,
        },
    )


def lab(code: str, value: object, unit: str, **more: Any) -> JsonObject:
    quantity = {"value": value, "unit": unit, "system": codes.UCUM, "code": unit}
    return about(
        "Observation",
        "o-1",
        **{
            "status": "final",
            "code": coded(codes.LOINC, code),
            "effectiveDateTime": "2026-02-01T08:00:00+01:00",
            "valueQuantity": quantity,
            **more,
        },
    )


def condition(code: str, clinical: str = "active", **more: Any) -> JsonObject:
    return about(
        "Condition",
        f"c-{code}",
        clinicalStatus=coded("http://terminology.hl7.org/CodeSystem/condition-clinical", clinical),
        code=coded(codes.SNOMED, code),
        **more,
    )


def coded(system: str, code: str) -> JsonObject:
    return {"coding": [{"system": system, "code": code, "display": f"display of {code}"}]}


def bundle(*resources: JsonObject, kind: str = "transaction", indent: int | None = None) -> bytes:
    body = {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [{"resource": resource} for resource in resources],
    }
    return json.dumps(body, indent=indent, ensure_ascii=False).encode("utf-8")


def as_read(resource: JsonObject) -> JsonObject:
    """Return the resource as the importer sees it: decimals exact, never floats."""
    read: JsonObject = json.loads(json.dumps(resource), parse_float=Decimal)
    return read
