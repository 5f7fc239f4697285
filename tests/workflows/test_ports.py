"""What the loops ask for is what the store, the channels and the signals give."""

import inspect
from typing import Protocol

import pytest

from services.store.loop_outbox import LoopOutbox
from services.store.loop_records import LoopRecords
from tests.workflows.fake_outbox import FakeOutbox
from tests.workflows.fake_records import FakeNotifier, FakeRecords, FakeWindows
from workflows.__main__ import StaffNotifier
from workflows.ports import Notifier, Outbox, Records, WindowProcessor
from workflows.window_batches import WindowBatches

PAIRS: list[tuple[type, type]] = [
    (Records, LoopRecords),
    (Records, FakeRecords),
    (Outbox, LoopOutbox),
    (Outbox, FakeOutbox),
    (Notifier, StaffNotifier),
    (Notifier, FakeNotifier),
    (WindowProcessor, WindowBatches),
    (WindowProcessor, FakeWindows),
]


@pytest.mark.parametrize(
    ("port", "given"), PAIRS, ids=lambda kind: f"{kind.__module__.split('.')[0]}.{kind.__name__}"
)
def test_every_method_of_the_port_is_there_with_the_same_parameters(
    port: type, given: type
) -> None:
    assert issubclass(port, Protocol)
    for name, wanted in inspect.getmembers(port, inspect.isfunction):
        if name.startswith("_"):
            continue
        found = getattr(given, name)
        assert inspect.iscoroutinefunction(found), name
        names = list(inspect.signature(found).parameters)
        assert names == list(inspect.signature(wanted).parameters), name
