"""Wearable windows: taken in with their samples sealed, claimed, completed exactly once."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.audit.actions import Action
from services.ids import new_id
from services.outbox_messages import windows_waiting
from services.store import blobs, narrow
from services.store.entries import (
    MeasuredWindow,
    NewWindow,
    PendingWindow,
    WindowFeatureEntry,
)
from services.store.narrow import Kind
from services.store.rows import ItemResult
from services.store.tables.measurements import (
    FEATURE_NAMES,
    WINDOW_FEATURES,
    WINDOW_JOBS,
    WINDOWS,
)
from services.store.transaction import Transaction

KIND = Kind(
    table=WINDOWS,
    id_column="window_id",
    time_column="started_at",
    compared=("signal", "rate_hz", "unit", "started_at", "clock_id", "content_hmac"),
    action=Action.WINDOW_RECORDED,
    word="windows",
)


async def accept(
    tx: Transaction, patient_id: str, items: Sequence[NewWindow], *, now: datetime
) -> tuple[ItemResult, ...]:
    """Store windows with their samples as sealed blobs; each waits for its features."""
    rows = [await _row(tx, patient_id, item, now) for item in items]
    results = await narrow.record(tx, patient_id, KIND, rows, now=now)
    jobs = [
        {"window_id": result.item_id, "patient_id": patient_id, "queued_at": now, "attempts": 0}
        for result in results
        if result.status == "stored"
    ]
    if jobs:
        await tx.session.execute(insert(WINDOW_JOBS), jobs)
        await tx.send(windows_waiting(), now=now)
    return results


async def claim(
    tx: Transaction, *, limit: int, lease_s: float, now: datetime
) -> tuple[PendingWindow, ...]:
    """Take waiting windows, oldest first; others do not see them for `lease_s`."""
    jobs = WINDOW_JOBS.c
    waiting = (
        select(jobs.window_id)
        .where((jobs.claimed_until.is_(None)) | (jobs.claimed_until <= now))
        .order_by(jobs.queued_at, jobs.window_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(WINDOW_JOBS)
        .where(jobs.window_id.in_(waiting.scalar_subquery()))
        .values(claimed_until=now + timedelta(seconds=lease_s), attempts=jobs.attempts + 1)
        .returning(jobs.window_id, jobs.patient_id)
    )
    who = {row.window_id: row.patient_id for row in (await tx.session.execute(taken)).all()}
    await tx.bind(sorted(set(who.values())))
    statement = select(WINDOWS).where(WINDOWS.c.window_id.in_(who)).order_by(WINDOWS.c.started_at)
    rows = (await tx.session.execute(statement)).all()
    return tuple([await _pending(tx, who[row.window_id], row) for row in rows])


async def complete(
    tx: Transaction,
    window: PendingWindow,
    *,
    features: Mapping[str, float | None],
    grade: str,
    feature_version: str,
    now: datetime,
) -> bool:
    """Keep a window's features; False when somebody else completed it.

    `features`: every feature of the version by name, in its order; None: not measurable.
    """
    measured = MeasuredWindow(window, features, grade, feature_version)
    return await complete_all(tx, [measured], now=now) == 1


async def complete_all(
    tx: Transaction, measured: Sequence[MeasuredWindow], *, now: datetime
) -> int:
    """Keep the features of windows that still wait; return how many: others completed the rest.

    A day of one wearable is thousands of windows: the statements are as many as for one.
    """
    await tx.bind(sorted({each.window.patient_id for each in measured}))
    ids = [each.window.window_id for each in measured]
    ended = delete(WINDOW_JOBS).where(WINDOW_JOBS.c.window_id.in_(ids))
    waited = set((await tx.session.execute(ended.returning(WINDOW_JOBS.c.window_id))).scalars())
    kept = [each for each in measured if each.window.window_id in waited]
    names = {each.feature_version: list(each.features) for each in kept}
    for feature_version, order in names.items():
        await tx.session.execute(
            upsert(FEATURE_NAMES)
            .values(feature_version=feature_version, names=order)
            .on_conflict_do_nothing()
        )
    if kept:
        rows = [_feature_row(tx, each, now) for each in kept]
        await tx.session.execute(insert(WINDOW_FEATURES), rows)
    return len(kept)


async def features_since(
    tx: Transaction, patient_id: str, start: datetime
) -> tuple[WindowFeatureEntry, ...]:
    """Return the features of windows that began at `start` or later, oldest first."""
    table = WINDOW_FEATURES
    statement = (
        select(table, WINDOWS.c.signal, FEATURE_NAMES.c.names)
        .join(WINDOWS, WINDOWS.c.window_id == table.c.window_id)
        .join(FEATURE_NAMES, FEATURE_NAMES.c.feature_version == table.c.feature_version)
        .where(table.c.subject_id == tx.subject_id(patient_id), table.c.started_at >= start)
        .order_by(table.c.started_at)
    )
    return tuple(
        WindowFeatureEntry(
            window_id=row.window_id,
            signal=row.signal,
            started_at=row.started_at,
            feature_version=row.feature_version,
            features=tuple(zip(row.names, row.features, strict=True)),
            grade=row.grade,
        )
        for row in (await tx.session.execute(statement)).all()
    )


async def pending_count(tx: Transaction) -> int:
    """Return how many windows wait for their features."""
    return int(
        (await tx.session.execute(select(func.count()).select_from(WINDOW_JOBS))).scalar_one()
    )


def _feature_row(tx: Transaction, measured: MeasuredWindow, now: datetime) -> dict[str, object]:
    return {
        "window_id": measured.window.window_id,
        "subject_id": tx.subject_id(measured.window.patient_id),
        "started_at": measured.window.started_at,
        "feature_version": measured.feature_version,
        "features": list(measured.features.values()),
        "grade": measured.grade,
        "completed_at": now,
    }


async def _row(
    tx: Transaction, patient_id: str, item: NewWindow, now: datetime
) -> dict[str, object]:
    # Keyed by the subject, so that equal samples of two people do not look equal.
    key = tx.subject_id(patient_id).encode()
    return {
        "window_id": new_id(),
        "client_id": item.client_id,
        "signal": item.signal,
        "rate_hz": item.rate_hz,
        "unit": item.unit,
        "started_at": item.started_at,
        "clock_id": item.clock_id,
        "sample_count": item.sample_count,
        "content_hmac": hmac.new(key, item.samples, hashlib.sha256).hexdigest(),
        "blob_id": await blobs.write(tx, patient_id, item.samples),
        "received_at": now,
    }


async def _pending(tx: Transaction, patient_id: str, row: Any) -> PendingWindow:
    return PendingWindow(
        window_id=row.window_id,
        patient_id=patient_id,
        signal=row.signal,
        rate_hz=row.rate_hz,
        unit=row.unit,
        started_at=row.started_at,
        clock_id=row.clock_id,
        sample_count=row.sample_count,
        samples=await blobs.read(tx, patient_id, row.blob_id),
    )
