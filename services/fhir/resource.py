"""A resource as a plain dict, the small parts that all builders share, and its stable bytes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from json.encoder import encode_basestring
from typing import TypeAlias

from services.clinical.units import Micrograms
from services.fhir import codes
from services.fhir.coding import Coding

Resource: TypeAlias = dict[str, object]
"""One R4 resource: str, bool, int, Decimal, lists and dicts; never a float, never None."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose record it is, and whether that person is a simulated one (labelled HTEST)."""

    patient_id: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class Authority:
    """Who answers for an order and when; `ai_device_id` when the device carried it out."""

    clinician_id: str
    at: datetime
    ai_device_id: str | None = None


@dataclass(frozen=True, slots=True)
class Proposer:
    """The AI device that asked, and when."""

    ai_device_id: str
    at: datetime


class NotWritable(TypeError):
    """The value has no JSON form here: a float, None, or a key that is not text."""


def to_bytes(resource: Mapping[str, object]) -> bytes:
    """Return the UTF-8 JSON of `resource`: keys sorted, no spaces, decimals as written.

    Equal resources always give equal bytes, so that their hash may be signed.

    Raises:
        NotWritable: a float (two encoders may print it differently) or an unknown type.
    """
    return "".join(_pieces(resource)).encode("utf-8")


def coding(value: Coding) -> Resource:
    """Return a FHIR Coding."""
    return {"system": value.system, "code": value.code, "display": value.display}


def concept(*values: Coding, text: str | None = None) -> Resource:
    """Return a CodeableConcept with one or more codings, the first one the meant one."""
    body: Resource = {"coding": [coding(value) for value in values]}
    return body | ({"text": text} if text is not None else {})


def reference(resource_type: str, resource_id: str, version: int | None = None) -> Resource:
    """Return a Reference; with `version` it names that version and no other."""
    history = f"/_history/{version}" if version is not None else ""
    return {"reference": f"{resource_type}/{resource_id}{history}"}


def references(targets: Iterable[str]) -> list[Resource]:
    """Return References of relative addresses such as "Observation/1"."""
    return [{"reference": target} for target in targets]


def instant(moment: datetime) -> str:
    """Return an aware moment as a FHIR instant in UTC with milliseconds.

    Raises:
        ValueError: the moment is not in UTC, so that it could be read twice.
    """
    if moment.utcoffset() != timedelta(0):
        raise ValueError("a moment in the record must be aware and in UTC")
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def quantity(value: int | Decimal, unit: str, ucum: str) -> Resource:
    """Return a Quantity in a UCUM unit."""
    return {"value": value, "unit": unit, "system": codes.UCUM, "code": ucum}


def milligrams(dose_ug: Micrograms) -> Resource:
    """Return a dose as a Quantity in mg, exactly: 12500 µg is 12.5 mg."""
    return quantity(thousandths(dose_ug), "mg", "mg")


def thousandths(value: int) -> Decimal:
    """Return `value` / 1000 without trailing zeros, exactly."""
    exact = (Decimal(value) / 1000).normalize()
    return exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact


def tenths(value: int) -> Decimal:
    """Return `value` / 10 with one decimal, exactly."""
    return Decimal(value) / 10


def meta(
    *, simulated: bool, ai_asserted: bool = False, profiles: Sequence[str] = ()
) -> dict[str, Resource]:
    """Return {"meta": …} with its labels, or nothing when there is nothing to say.

    A simulated patient's record carries HTEST, so that nobody takes it for a real person's.
    """
    security = [coding(codes.AI_ASSERTED)] if ai_asserted else []
    security += [coding(codes.TEST_DATA)] if simulated else []
    body: Resource = {}
    if profiles:
        body["profile"] = list(profiles)
    if security:
        body["security"] = security
    return {"meta": body} if body else {}


def _pieces(value: object) -> Iterable[str]:
    match value:
        case bool():
            yield "true" if value else "false"
        case int():
            yield str(value)
        case Decimal():
            yield format(value, "f")
        case str():
            yield encode_basestring(value)
        case Mapping():
            yield from _object(value)
        case list() | tuple():
            yield from _array(value)
        case _:
            raise NotWritable(f"{type(value).__name__} has no place in a resource")


def _object(value: Mapping[object, object]) -> Iterable[str]:
    keys: list[str] = []
    for key in value:
        if not isinstance(key, str):
            raise NotWritable(f"key {key!r} is not text")
        keys.append(key)
    opening = "{"
    for key in sorted(keys):
        yield f"{opening}{encode_basestring(key)}:"
        yield from _pieces(value[key])
        opening = ","
    yield "}" if keys else "{}"


def _array(value: Sequence[object]) -> Iterable[str]:
    opening = "["
    for item in value:
        yield opening
        yield from _pieces(item)
        opening = ","
    yield "]" if value else "[]"
