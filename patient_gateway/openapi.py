"""What the OpenAPI document says of bodies that the handlers read themselves."""

from typing import Any

from patient_gateway.items import MAX_ITEMS
from patient_gateway.wire import Wire

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 8, "maxLength": 128},
    "description": "Made by the client; the same key and body give the same answer for 72 hours.",
}


def batch_of(model: type[Wire]) -> dict[str, Any]:
    """Return the request body {"items": [model, …]} and the Idempotency-Key header."""
    schema = _schema(model)
    items = {"type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": schema}
    return _write(
        {
            "type": "object",
            "properties": {"items": items},
            "required": ["items"],
            "additionalProperties": False,
        }
    )


def body_of(model: type[Wire], *, keyed: bool = True) -> dict[str, Any]:
    """Return the request body of one object, and the Idempotency-Key header when `keyed`."""
    return _write(_schema(model), keyed=keyed)


def fhir_bundle() -> dict[str, Any]:
    """Return the request body of an import: any FHIR R4 Bundle."""
    properties = {"resourceType": {"type": "string", "const": "Bundle"}}
    return _write({"type": "object", "properties": properties, "required": ["resourceType"]})


def _write(schema: dict[str, Any], *, keyed: bool = True) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"requestBody": body, **({"parameters": [_IDEMPOTENCY_KEY]} if keyed else {})}


def _schema(model: type[Wire]) -> dict[str, Any]:
    """The model's schema with its definitions inlined, so that it stands alone."""
    schema = model.model_json_schema(mode="validation")
    definitions = schema.pop("$defs", {})
    inlined: dict[str, Any] = _inline(schema, definitions)
    return inlined


def _inline(part: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_inline(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inline(definitions[part["$ref"].rsplit("/", 1)[1]], definitions)
    return {name: _inline(value, definitions) for name, value in part.items()}
