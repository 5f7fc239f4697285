"""Wearable windows on record for the store's tests: uploaded and completed as the doors do it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from services.ids import new_id
from services.signals.features import FEATURE_ORDER, FEATURE_VERSION
from services.store import Acting, Role, windows
from services.store.entries import MeasuredWindow, NewWindow
from tests.services.store.people import NOW, Person
from tests.stack import StoreFactory

WORKER = Acting("worker", "ingest", None)


@dataclass(frozen=True, slots=True)
class Seen:
    """One window and the features that it came to; those not named could not be measured."""

    at: datetime
    features: Mapping[str, float] = field(default_factory=dict)
    grade: str = "rate+variability+morphology+rhythm"
    clock_id: str = "watch"
    signal: Literal["ppg", "ecg", "accelerometer"] = "ppg"
    feature_version: str = FEATURE_VERSION


async def wear(store_factory: StoreFactory, person: Person, seen: Sequence[Seen]) -> None:
    """Put windows on record with their features."""
    gateway, worker = await store_factory(Role.GATEWAY), await store_factory(Role.WORKER)
    by_client = {new_id(): each for each in seen}
    phone = Acting("patient", person.patient_id, person.patient_id)
    async with gateway.transaction(phone) as tx:
        uploaded = [
            NewWindow(key, each.signal, 125.0, "1", each.at, each.clock_id, 2, key.encode())
            for key, each in by_client.items()
        ]
        await windows.accept(tx, person.patient_id, uploaded, now=NOW)
    async with worker.transaction(WORKER) as tx:
        waiting = await windows.claim(tx, limit=len(seen), lease_s=60, now=NOW)
        measured = [
            MeasuredWindow(
                window,
                {name: each.features.get(name) for name in FEATURE_ORDER},
                each.grade,
                each.feature_version,
            )
            for window in waiting
            for each in [by_client[window.samples.decode()]]
        ]
        assert await windows.complete_all(tx, measured, now=NOW) == len(seen)
