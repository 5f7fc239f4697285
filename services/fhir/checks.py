"""What fhir.resources does not see: codes, units, reference targets, invariants and dates.

fhir.resources checks the shape alone; of 47 resources that a server must reject it lets 24 pass.
So a table stands in front of it. `require_valid` is for every write of our own and of others.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import orjson
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from services.fhir import check_tables, fields
from services.fhir.resource import NotWritable, to_bytes


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. `path` is where, `rule` what was broken; neither names a value."""

    path: str
    rule: str


class InvalidResource(ValueError):
    """The resource must not be written. Repair what the problems name."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{p.path}: {p.rule}" for p in problems))
        self.problems = problems


def require_valid(resource: dict[str, object]) -> bytes:
    """Return the bytes of a resource that passes both checks.

    Raises:
        InvalidResource: with every problem that was found.
    """
    body = checked_bytes(resource)
    shape = shape_problems(body)
    if shape:
        raise InvalidResource(shape)
    return body


def checked_bytes(resource: dict[str, object]) -> bytes:
    """Return the bytes of a resource of our own builders that passes the tables.

    For the hot path: the builders' shape is tested, so the slow shape check is left out.

    Raises:
        InvalidResource: with every problem that was found.
    """
    problems = check(resource)
    if problems:
        raise InvalidResource(problems)
    return to_bytes(resource)


def check(resource: dict[str, object]) -> tuple[Problem, ...]:
    """Return every problem that the tables find; no problem says nothing about the shape."""
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or kind not in check_tables.TYPES:
        return (Problem("resourceType", "not a type of this record"),)
    return (
        *_everywhere(kind, resource),
        *_codes(kind, resource),
        *_targets(kind, resource),
        *_units(kind, resource),
        *_invariants(kind, resource),
    )


def shape_problems(body: bytes) -> tuple[Problem, ...]:
    """Return what fhir.resources R4B says of the bytes of one resource."""
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        return (Problem("", "not JSON"),)
    kind = read.get("resourceType") if isinstance(read, dict) else None
    if kind not in check_tables.TYPES:
        return (Problem("resourceType", "not a type of this record"),)
    try:
        get_fhir_model_class(kind).model_validate(read)
    except ValidationError as err:
        return tuple(
            Problem(".".join(str(step) for step in row["loc"]), row["type"])
            for row in err.errors(include_input=False, include_url=False)
        )
    return ()


def select(resource: object, path: str) -> Iterator[object]:
    """Yield every value at a dotted path, through all lists; nothing when it is absent."""
    here: list[object] = [resource]
    for name in path.split("."):
        here = [
            child
            for value in here
            if isinstance(value, dict) and name in value
            for child in _flat(value[name])
        ]
    yield from here


def _flat(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_DAY: Final = r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?"
_TIME: Final = r"T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)"
_DATE_TIME: Final = re.compile(f"{_DAY}|\\d{{4}}-\\d\\d-\\d\\d{_TIME}", re.ASCII)
_DATE_NAMES: Final = frozenset(
    {"authoredOn", "lastModified", "issued", "recorded", "effectiveDateTime", "birthDate", "start"}
    | {"occurrenceDateTime", "identifiedDateTime", "end", "created", "dateTime", "date"}
)
# Script in a narrative runs in the browser of whoever reads the record.
_SCRIPT: Final = re.compile(r"<\s*(script|iframe|object|embed)|\son\w+\s*=|javascript:", re.I)


def _everywhere(kind: str, resource: dict[str, object]) -> Iterator[Problem]:
    """Yield the problems that any element of any type can have."""
    if _ID.fullmatch(str(resource.get("id", ""))) is None:
        yield Problem(f"{kind}.id", "not a FHIR id")
    try:
        to_bytes(resource)
    except NotWritable:
        yield Problem(kind, "holds a float, a null or another type that JSON has not")
    for path, name, value in _walk(kind, resource):
        if value in ("", [], {}):
            yield Problem(path, "empty")
        if isinstance(value, str) and name in _DATE_NAMES and not _DATE_TIME.fullmatch(value):
            yield Problem(path, "not a date of FHIR")
        if name == "div" and isinstance(value, str) and _SCRIPT.search(value):
            yield Problem(path, "narrative with script")
    yield from _periods(kind, resource)


def _walk(path: str, value: object) -> Iterator[tuple[str, str, object]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield f"{path}.{name}", name, child
            yield from _walk(f"{path}.{name}", child)
    elif isinstance(value, list):
        for child in value:
            yield from _walk(path, child)


def _periods(kind: str, resource: dict[str, object]) -> Iterator[Problem]:
    """per-1: a period does not end before it starts."""
    for path, _, value in _walk(kind, resource):
        start = fields.moment(fields.text(value, "start"))
        end = fields.moment(fields.text(value, "end"))
        if start is not None and end is not None and end < start:
            yield Problem(path, "a period that ends before it starts")


def _codes(kind: str, resource: dict[str, object]) -> Iterator[Problem]:
    for path, allowed in check_tables.CODES.get(kind, {}).items():
        for value in select(resource, path):
            if value not in allowed:
                yield Problem(f"{kind}.{path}", "not a code of its required value set")


def _targets(kind: str, resource: dict[str, object]) -> Iterator[Problem]:
    for path, allowed in check_tables.TARGETS.get(kind, {}).items():
        for value in select(resource, f"{path}.reference"):
            target = str(value).removeprefix("#").split("/")
            if len(target) not in (2, 4) or target[0] not in allowed:
                yield Problem(f"{kind}.{path}", "points at a type that may not stand there")


def _units(kind: str, resource: dict[str, object]) -> Iterator[Problem]:
    """Every measured code with the UCUM unit that belongs to it."""
    if kind != "Observation":
        return
    rows = [resource, *fields.items(resource.get("component"))]
    for row in rows:
        for code in select(row, "code.coding.code"):
            unit = fields.text(row, "valueQuantity", "code")
            wanted = check_tables.UNITS.get(str(code))
            if wanted is not None and "valueQuantity" in row and unit not in wanted:
                yield Problem("Observation.valueQuantity", "not the unit of its code")


def _invariants(kind: str, resource: dict[str, object]) -> Iterator[Problem]:
    for name, types, holds in _INVARIANTS:
        if kind in types and not holds(resource):
            yield Problem(kind, name)


def _once(resource: dict[str, object], code: str) -> bool:
    found = [c for c in select(resource, "component.code.coding.code") if c == code]
    return len(found) == 1


def _is_panel(resource: dict[str, object]) -> bool:
    return "85354-9" in list(select(resource, "code.coding.code"))


def _pressures_in_order(resource: dict[str, object]) -> bool:
    values: dict[object, Decimal] = {}
    for row in fields.items(resource.get("component")):
        amount = fields.number(row, "valueQuantity", "value")
        if amount is not None:
            values.update(dict.fromkeys(select(row, "code.coding.code"), amount))
    systolic, diastolic = values.get("8480-6"), values.get("8462-4")
    return systolic is None or diastolic is None or diastolic < systolic


def _live_order_is_fixed(resource: dict[str, object]) -> bool:
    """A range on a live order reads as a variable dose at the pharmacy."""
    ranges = list(select(resource, "dosageInstruction.doseAndRate.doseRange"))
    return resource.get("intent") == "option" or not ranges


def _proposal_is_labelled(resource: dict[str, object]) -> bool:
    labels = list(select(resource, "meta.security.code"))
    return resource.get("intent") != "proposal" or "AIAST" in labels


def _order_has_clinician(resource: dict[str, object]) -> bool:
    asked_by = fields.text(resource, "requester", "reference") or ""
    return resource.get("intent") != "order" or asked_by.startswith("Practitioner/")


def _one_client_one_server(resource: dict[str, object]) -> bool:
    roles = sorted(str(c) for c in select(resource, "agent.type.coding.code"))
    return roles == ["110152", "110153"]


def _has_value_or_parts(resource: dict[str, object]) -> bool:
    given = [name for name in resource if name.startswith("value") or name == "dataAbsentReason"]
    return bool(given) != ("component" in resource)


def _living(resource: dict[str, object]) -> bool:
    return resource.get("deceasedBoolean") is not True and "deceasedDateTime" not in resource


def _missing_data_is_named(resource: dict[str, object]) -> bool:
    return (resource.get("status") == "data-required") == ("dataRequirement" in resource)


_Holds = Callable[[dict[str, object]], bool]
_INVARIANTS: Final[tuple[tuple[str, frozenset[str], _Holds], ...]] = (
    (
        "a panel holds systolic and diastolic once each",
        frozenset({"Observation"}),
        lambda r: not _is_panel(r) or (_once(r, "8480-6") and _once(r, "8462-4")),
    ),
    ("diastolic is below systolic", frozenset({"Observation"}), _pressures_in_order),
    ("either a value or components", frozenset({"Observation"}), _has_value_or_parts),
    ("no dose range on an order", frozenset({"MedicationRequest"}), _live_order_is_fixed),
    ("a proposal is labelled AIAST", frozenset({"MedicationRequest"}), _proposal_is_labelled),
    ("a clinician requests an order", frozenset({"MedicationRequest"}), _order_has_clinician),
    ("one client and one server", frozenset({"AuditEvent"}), _one_client_one_server),
    ("the patient is alive", frozenset({"Patient"}), _living),
    ("missing inputs are named", frozenset({"GuidanceResponse"}), _missing_data_is_named),
)
