"""Cuff readings: stored once each, read back between two moments."""

from collections.abc import Sequence
from datetime import datetime

from services.audit.actions import Action
from services.clinical.readings import BloodPressure, Posture, ReadingSource
from services.ids import new_id
from services.store import narrow
from services.store.narrow import Kind
from services.store.rows import ItemResult, NewReading, StoredReading
from services.store.tables.measurements import READINGS
from services.store.transaction import Transaction

KIND = Kind(
    table=READINGS,
    id_column="reading_id",
    time_column="taken_at",
    compared=("systolic_mmhg", "diastolic_mmhg", "pulse_bpm", "taken_at", "posture"),
    action=Action.READING_RECORDED,
    word="readings",
)


async def record(
    tx: Transaction, patient_id: str, items: Sequence[NewReading], *, now: datetime
) -> tuple[ItemResult, ...]:
    """Store readings; one result for each, in order. The whole batch is two statements.

    The door that takes a reading also looks for a crisis and calls `alarms.tell_of_repeat`.
    """
    rows = [_row(item, _mark(tx, patient_id, item), now) for item in items]
    return await narrow.record(tx, patient_id, KIND, rows, now=now)


async def between(
    tx: Transaction, patient_id: str, start: datetime, end: datetime
) -> tuple[BloodPressure, ...]:
    """Return the readings taken in [start, end), oldest first."""
    return tuple(item.pressure for item in await stored_between(tx, patient_id, start, end))


async def stored_between(
    tx: Transaction, patient_id: str, start: datetime, end: datetime
) -> tuple[StoredReading, ...]:
    """Return the readings taken in [start, end) with the phone's ids, oldest first."""
    rows = await narrow.between(tx, patient_id, KIND, start, end)
    return tuple(StoredReading(row.client_id, _pressure(row)) for row in rows)


async def between_many(
    tx: Transaction, patient_ids: Sequence[str], start: datetime, end: datetime
) -> dict[str, tuple[BloodPressure, ...]]:
    """Return the readings of several patients taken in [start, end), in one query."""
    found = await narrow.between_many(tx, patient_ids, KIND, start, end)
    return {who: tuple(_pressure(row) for row in rows) for who, rows in found.items()}


def _mark(tx: Transaction, patient_id: str, item: NewReading) -> str | None:
    """A device's id beside a reading would tie the reading to a person."""
    return None if item.device_id is None else tx.vault.mark("device", item.device_id, patient_id)


def _row(item: NewReading, device_mark: str | None, now: datetime) -> dict[str, object]:
    return {
        "reading_id": new_id(),
        "client_id": item.client_id,
        "systolic_mmhg": item.systolic_mmhg,
        "diastolic_mmhg": item.diastolic_mmhg,
        "pulse_bpm": item.pulse_bpm,
        "taken_at": item.taken_at,
        "utc_offset_minutes": item.utc_offset_minutes,
        "received_at": now,
        "posture": item.posture.value,
        "source": item.source.value,
        "device_validated": item.device_validated,
        "cuff_fits": item.cuff_fits,
        "irregular_pulse": item.irregular_pulse,
        "device_mark": device_mark,
        "history": item.history,
    }


def _pressure(row: narrow.Row) -> BloodPressure:
    return BloodPressure(
        reading_id=row.reading_id,
        systolic_mmhg=row.systolic_mmhg,
        diastolic_mmhg=row.diastolic_mmhg,
        pulse_bpm=row.pulse_bpm,
        taken_at=row.taken_at,
        utc_offset_minutes=row.utc_offset_minutes,
        received_at=row.received_at,
        posture=Posture(row.posture),
        source=ReadingSource(row.source),
        device_validated=row.device_validated,
        cuff_fits=row.cuff_fits,
        irregular_pulse=row.irregular_pulse,
        device_id=row.device_mark,
        history=row.history,
    )
