"""The table in front of fhir.resources refuses what that library lets pass."""

import copy
from collections.abc import Callable

import pytest

from services.fhir.checks import (
    InvalidResource,
    check,
    checked_bytes,
    require_valid,
    shape_problems,
)
from services.fhir.observation import cuff_panel
from services.fhir.resource import Resource, to_bytes
from tests.services.fhir.builders import SUBJECT, reading


def _panel() -> Resource:
    return copy.deepcopy(cuff_panel(reading=reading(), subject=SUBJECT, device_id="cuff-1"))


def _unit(panel: Resource) -> None:
    panel["component"][0]["valueQuantity"]["code"] = "mmHg"  # type: ignore[index]


def _no_systolic(panel: Resource) -> None:
    panel["component"] = panel["component"][1:]  # type: ignore[index]


def _swapped(panel: Resource) -> None:
    panel["component"][0]["valueQuantity"]["value"] = 60  # type: ignore[index]


def _float(panel: Resource) -> None:
    panel["component"][0]["valueQuantity"]["value"] = 142.0  # type: ignore[index]


_BREAKS: dict[str, tuple[Callable[[Resource], None], str]] = {
    "an id with a space": (lambda p: p.update(id="a b"), "not a FHIR id"),
    "a status nobody knows": (lambda p: p.update(status="done"), "required value set"),
    "a subject that is a device": (
        lambda p: p.update(subject={"reference": "Device/1"}),
        "points at a type",
    ),
    "a subject without a type": (
        lambda p: p.update(subject={"reference": "somebody"}),
        "points at a type",
    ),
    "an empty list": (lambda p: p.update(note=[]), "empty"),
    "a date that is none": (lambda p: p.update(effectiveDateTime="2026-02-30T25:00:00Z"), "date"),
    "a moment without a zone": (lambda p: p.update(issued="2026-02-03T10:00:00"), "date"),
    "a period backwards": (
        lambda p: p.update(
            effectivePeriod={"start": "2026-02-03T10:00:00Z", "end": "2026-02-02T10:00:00Z"}
        ),
        "ends before it starts",
    ),
    "a script in the narrative": (
        lambda p: p.update(text={"status": "generated", "div": "<div><script>x</script></div>"}),
        "script",
    ),
    "a value beside its components": (lambda p: p.update(valueString="x"), "either a value"),
    "a unit that is not UCUM": (_unit, "unit"),
    "one component missing": (_no_systolic, "once each"),
    "systolic below diastolic": (_swapped, "below systolic"),
    "a float": (_float, "float"),
    "a type that is no part of the record": (
        lambda p: p.update(resourceType="Basic"),
        "not a type",
    ),
}


@pytest.mark.parametrize("name", _BREAKS)
def test_each_break_is_found_by_name(name: str) -> None:
    damage, rule = _BREAKS[name]
    broken = _panel()
    assert check(broken) == ()
    damage(broken)
    found = check(broken)
    assert any(rule in problem.rule for problem in found), found


def test_a_problem_names_a_place_and_never_a_value() -> None:
    broken = _panel() | {"status": "Ada Testperson"}
    assert "Ada" not in str(check(broken))
    assert "Ada" not in str(shape_problems(to_bytes(broken | {"subject": "Ada Testperson"})))


def test_the_shape_is_checked_too() -> None:
    with pytest.raises(ValueError):
        require_valid(_panel() | {"component": "two"})
    assert shape_problems(b"not json") != ()
    assert shape_problems(b'{"resourceType":"Nobody"}') != ()


def test_our_own_writes_pass_the_tables_on_the_fast_way() -> None:
    assert checked_bytes(_panel()) == require_valid(_panel()) == to_bytes(_panel())
    with pytest.raises(InvalidResource, match="required value set"):
        checked_bytes(_panel() | {"status": "done"})
