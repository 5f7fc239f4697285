"""Every payload type survives the converter as itself, and none is taken for another."""

import dataclasses
import inspect
import typing
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from types import ModuleType, UnionType
from typing import Any

import pytest

from services import loop_results
from tests.temporal import KEYS
from workflows import activity_requests, messages
from workflows.activities import IngestActivities, PagingActivities, RecordActivities
from workflows.agenda import Due
from workflows.codec import data_converter

MOMENT = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)


def payload_types(*modules: ModuleType) -> Iterator[type]:
    for module in modules:
        for _, found in inspect.getmembers(module, dataclasses.is_dataclass):
            if found.__module__ == module.__name__ and isinstance(found, type):
                yield found


TYPES = [*payload_types(messages, activity_requests, loop_results), Due]


def example(hint: Any) -> Any:
    """Return a value of the type with every optional part filled."""
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return typing.get_args(hint)[0]
    if origin is tuple:
        return (example(typing.get_args(hint)[0]),) * 2
    if origin in (UnionType, typing.Union):
        return example(next(part for part in typing.get_args(hint) if part is not type(None)))
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        fields = dataclasses.fields(hint)
        return typing.cast(Any, hint)(**{f.name: example(hints[f.name]) for f in fields})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[-1]
    values: dict[type, Any] = {str: "id-1", int: 7, bool: True, datetime: MOMENT}
    return values[hint]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
async def test_a_payload_comes_back_equal(kind: type) -> None:
    converter = data_converter(KEYS)
    value = example(kind)
    [payload] = await converter.encode([value])
    assert await converter.decode([payload], [kind]) == [value]


@pytest.mark.parametrize(
    "kind", list(payload_types(messages, activity_requests)), ids=lambda kind: kind.__name__
)
def test_a_message_is_frozen(kind: Any) -> None:
    value = example(kind)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(kind)[0].name, "other")


def test_no_two_messages_share_a_tag() -> None:
    found = [
        value.kind
        for module in (messages, activity_requests)
        for value in (example(kind) for kind in payload_types(module))
        if hasattr(value, "kind")
    ]
    assert len(found) == len(set(found))


@pytest.mark.parametrize("wrong", [messages.HaltRequest, messages.ResumeRequest])
async def test_a_message_is_not_taken_for_its_twin(wrong: type) -> None:
    """Halt and resume have the same fields: only the tag tells them apart."""
    right = messages.ResumeRequest if wrong is messages.HaltRequest else messages.HaltRequest
    converter = data_converter(KEYS)
    payloads = await converter.encode([example(wrong)])
    with pytest.raises(ValueError, match="kind"):
        await converter.decode(payloads, [right])


def test_every_activity_takes_one_tagged_request() -> None:
    for host in (RecordActivities, PagingActivities, IngestActivities):
        for name, method in inspect.getmembers(host, inspect.isfunction):
            if not name.startswith("_"):
                hints = typing.get_type_hints(method)
                hints.pop("return")
                [request] = hints.values()
                assert request in set(payload_types(activity_requests))
