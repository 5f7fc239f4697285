"""The patients who can still be read: one whose data key was destroyed never hides the others."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.store import Transaction, alarms, tasks
from services.store.entries import AlarmEntry, TaskEntry
from services.store.errors import VaultError

E = TypeVar("E", AlarmEntry, TaskEntry)


async def readable(tx: Transaction, patient_ids: Sequence[str]) -> list[str]:
    """Bind to these patients and return those who can be read, in the same order."""
    try:
        await tx.bind(patient_ids)
        return list(patient_ids)
    except VaultError:
        return [patient_id for patient_id in patient_ids if await _binds(tx, patient_id)]


async def open_alarms(tx: Transaction, patient_ids: Sequence[str]) -> tuple[AlarmEntry, ...]:
    """Return the open alarms of readable patients, oldest first."""
    return await _listed(tx, alarms.list_open, patient_ids)


async def open_tasks(tx: Transaction, patient_ids: Sequence[str]) -> tuple[TaskEntry, ...]:
    """Return the open tasks of readable patients."""
    return await _listed(tx, tasks.list_open, patient_ids)


async def _listed(
    tx: Transaction,
    list_open: Callable[[Transaction, str | None], Awaitable[tuple[E, ...]]],
    patient_ids: Sequence[str],
) -> tuple[E, ...]:
    """One query for all, or one for each when somebody's key is gone."""
    try:
        return await list_open(tx, None)
    except VaultError:
        found = [await list_open(tx, patient_id) for patient_id in patient_ids]
        return tuple(entry for entries in found for entry in entries)


async def _binds(tx: Transaction, patient_id: str) -> bool:
    try:
        await tx.bind([patient_id])
    except VaultError:
        return False
    return True
