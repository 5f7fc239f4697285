"""Alarms: one open per patient and cause; the same evidence never raises one twice."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from services.audit.actions import Action
from services.clinical.alarms import Alarm, AlarmCause, Urgency
from services.ids import new_id
from services.outbox_messages import alarm_raised, recorded, repeat_recorded
from services.store.entries import AlarmEntry
from services.store.errors import NotInRecord, NotOpen
from services.store.tables.treatment import ALARMS
from services.store.transaction import Transaction

# A scan sees the readings of 14 days again each time: what was dealt with stays dealt with.
CLOSED_LOOK_BACK = timedelta(days=30)

_LADDERED = (Urgency.EMERGENCY, Urgency.REPEAT, Urgency.SAME_DAY)
_RANK = {Urgency.QUEUE: 0, Urgency.REPEAT: 1, Urgency.SAME_DAY: 2, Urgency.EMERGENCY: 3}


async def raise_or_merge(
    tx: Transaction, patient_id: str, alarm: Alarm, *, now: datetime
) -> AlarmEntry:
    """Raise an alarm, or merge it into the open one of its cause, which counts the repeat.

    Evidence that an alarm holds already changes nothing, also when that alarm was closed since:
    the entry then says so. Its ladder starts when the transaction commits.
    """
    same_cause = await _of_cause(tx, patient_id, alarm.cause, now=now)
    for known in same_cause:
        if _adds_nothing(known, alarm):
            return known
    for known in same_cause:
        if known.closed_at is not None:
            continue
        if known.acknowledged_at is None or alarm.urgency not in _LADDERED:
            return await _merge(tx, known, alarm, now)
        # Its ladder ended when somebody took it: what is new since then pages by itself.
        await close(tx, known.alarm_id, outcome="acknowledged", now=now)
    return await _raise(tx, patient_id, alarm, now=now)


async def get(tx: Transaction, alarm_id: str) -> AlarmEntry:
    """Return one alarm; binds the transaction to its patient. Raises: NotInRecord."""
    return await _one(tx, select(ALARMS).where(ALARMS.c.alarm_id == alarm_id), alarm_id)


async def list_open(tx: Transaction, patient_id: str | None = None) -> tuple[AlarmEntry, ...]:
    """Return open alarms, of one patient or of all that the one who acts may see, oldest first."""
    statement = select(ALARMS).where(ALARMS.c.closed_at.is_(None)).order_by(ALARMS.c.raised_at)
    if patient_id is not None:
        statement = statement.where(ALARMS.c.patient_id == patient_id)
    rows = (await tx.session.execute(statement)).all()
    await tx.bind(sorted({row.patient_id for row in rows}))
    return tuple(_entry(tx, row) for row in rows)


async def list_for(tx: Transaction, patient_id: str, *, limit: int = 50) -> tuple[AlarmEntry, ...]:
    """Return a patient's alarms, newest first."""
    statement = (
        select(ALARMS)
        .where(ALARMS.c.patient_id == patient_id)
        .order_by(ALARMS.c.raised_at.desc())
        .limit(limit)
    )
    return tuple(_entry(tx, row) for row in (await tx.session.execute(statement)).all())


async def is_any_open(tx: Transaction, patient_id: str) -> bool:
    """Return whether any alarm of the patient is not closed."""
    statement = select(ALARMS.c.alarm_id).where(
        ALARMS.c.patient_id == patient_id, ALARMS.c.closed_at.is_(None)
    )
    return (await tx.session.execute(statement.limit(1))).first() is not None


async def tell_of_repeat(tx: Transaction, patient_id: str, *, now: datetime) -> None:
    """Tell the ladders that wait for a repeat that a cuff reading arrived."""
    statement = select(ALARMS.c.alarm_id).where(
        ALARMS.c.patient_id == patient_id,
        ALARMS.c.closed_at.is_(None),
        ALARMS.c.urgency == Urgency.REPEAT.value,
    )
    for alarm_id in (await tx.session.execute(statement)).scalars():
        await tx.send(repeat_recorded(alarm_id, patient_id), now=now)


async def acknowledge(
    tx: Transaction, alarm_id: str, *, clinician_id: str, note: str | None = None, now: datetime
) -> AlarmEntry:
    """Note who took the alarm; acknowledged before: the first stays.

    An alarm of the queue has no ladder: taking it closes it. Raises: NotInRecord.
    """
    alarm = await _locked(tx, alarm_id)
    if alarm.acknowledged_at is not None or alarm.closed_at is not None:
        return alarm
    sealed = None
    if note is not None:
        sealed = tx.vault.seal("alarms", "note_sealed", alarm_id, note.encode(), alarm.patient_id)
    await _change(
        tx,
        alarm_id,
        status="acknowledged",
        acknowledged_by=clinician_id,
        acknowledged_at=now,
        note_sealed=sealed,
    )
    await _note(tx, Action.ALARM_ACKNOWLEDGED, alarm, now=now)
    if alarm.urgency == Urgency.QUEUE.value:
        await close(tx, alarm_id, outcome="acknowledged", now=now)
    return await get(tx, alarm_id)


async def escalate(tx: Transaction, alarm_id: str, *, rung: int, now: datetime) -> AlarmEntry:
    """Note the rung of the ladder that was reached. Raises: NotInRecord."""
    alarm = await _locked(tx, alarm_id)
    if alarm.closed_at is not None or alarm.rung >= rung:
        return alarm
    await _change(tx, alarm_id, rung=rung)
    await _note(tx, Action.ALARM_ESCALATED, alarm, now=now, details=(("rung", rung),))
    return await get(tx, alarm_id)


async def raise_urgency(
    tx: Transaction, alarm_id: str, urgency: Urgency, *, because: AlarmCause, now: datetime
) -> AlarmEntry:
    """Make an open alarm more urgent; never less. Raises: NotInRecord."""
    alarm = await _locked(tx, alarm_id)
    if alarm.closed_at is not None or _RANK[urgency] <= _RANK[Urgency(alarm.urgency)]:
        return alarm
    await _change(tx, alarm_id, urgency=urgency.value)
    details = (("because", because.value), ("urgency", urgency.value))
    await _note(tx, Action.ALARM_RAISED, alarm, now=now, details=details)
    if urgency in _LADDERED:
        await tx.send(alarm_raised(alarm_id, alarm.patient_id), now=now)
    return await get(tx, alarm_id)


async def close(tx: Transaction, alarm_id: str, *, outcome: str, now: datetime) -> bool:
    """Close an alarm; False when it was closed before. Raises: NotInRecord."""
    alarm = await _locked(tx, alarm_id)
    if alarm.closed_at is not None:
        return False
    await _change(tx, alarm_id, status="closed", closed_at=now, outcome=outcome)
    await _note(tx, Action.ALARM_CLOSED, alarm, now=now, details=(("outcome", outcome),))
    return True


async def resolve(tx: Transaction, alarm_id: str, *, now: datetime) -> bool:
    """Close an alarm whose taker has done what it asked for; False when it was closed before.

    Until then it holds every increase. Raises: NotInRecord. NotOpen: nobody has taken it.
    """
    alarm = await _locked(tx, alarm_id)
    if alarm.closed_at is None and alarm.acknowledged_at is None:
        raise NotOpen(f"alarm {alarm_id} has been taken by nobody")
    if not await close(tx, alarm_id, outcome="acknowledged", now=now):
        return False
    await tx.send(recorded(alarm.patient_id, "alarm"), now=now)
    return True


def _adds_nothing(known: AlarmEntry, alarm: Alarm) -> bool:
    is_covered = set(alarm.evidence_ids) <= set(known.evidence_ids)
    is_milder = _RANK[alarm.urgency] <= _RANK[Urgency(known.urgency)]
    return is_covered and is_milder and alarm.since <= known.last_raised_at


async def _raise(tx: Transaction, patient_id: str, alarm: Alarm, *, now: datetime) -> AlarmEntry:
    alarm_id = new_id()
    statement = (
        insert(ALARMS)
        .values(
            alarm_id=alarm_id,
            patient_id=patient_id,
            cause=alarm.cause.value,
            urgency=alarm.urgency.value,
            since=alarm.since,
            raised_at=now,
            last_raised_at=max(now, alarm.since),
            repeats=0,
            status="open",
            rung=0,
            evidence_sealed=_sealed(tx, alarm_id, patient_id, alarm.evidence_ids),
        )
        .on_conflict_do_nothing()
        .returning(ALARMS.c.alarm_id)
    )
    if (await tx.session.execute(statement)).first() is None:
        # Another transaction raised the same cause at the same moment: merge into its alarm.
        return await raise_or_merge(tx, patient_id, alarm, now=now)
    entry = await get(tx, alarm_id)
    await _note(tx, Action.ALARM_RAISED, entry, now=now, details=(("urgency", entry.urgency),))
    if alarm.urgency in _LADDERED:
        await tx.send(alarm_raised(alarm_id, patient_id), now=now)
    return entry


async def _merge(tx: Transaction, known: AlarmEntry, alarm: Alarm, now: datetime) -> AlarmEntry:
    evidence = tuple(dict.fromkeys((*known.evidence_ids, *alarm.evidence_ids)))
    rises = _RANK[alarm.urgency] > _RANK[Urgency(known.urgency)]
    urgency = alarm.urgency.value if rises else known.urgency
    await _change(
        tx,
        known.alarm_id,
        urgency=urgency,
        repeats=known.repeats + 1,
        last_raised_at=max(now, alarm.since),
        evidence_sealed=_sealed(tx, known.alarm_id, known.patient_id, evidence),
    )
    details = (("repeats", known.repeats + 1), ("urgency", urgency))
    await _note(tx, Action.ALARM_RAISED, known, now=now, details=details)
    if rises and alarm.urgency in _LADDERED:
        await tx.send(alarm_raised(known.alarm_id, known.patient_id), now=now)
    return await get(tx, known.alarm_id)


async def _of_cause(
    tx: Transaction, patient_id: str, cause: AlarmCause, *, now: datetime
) -> tuple[AlarmEntry, ...]:
    """Alarms of one cause that are open or closed not long ago, the open one first, locked."""
    columns = ALARMS.c
    recent = (columns.closed_at.is_(None)) | (columns.closed_at >= now - CLOSED_LOOK_BACK)
    statement = (
        select(ALARMS)
        .where(columns.patient_id == patient_id, columns.cause == cause.value, recent)
        .order_by(columns.closed_at.desc().nulls_first())
        .with_for_update()
    )
    return tuple(_entry(tx, row) for row in (await tx.session.execute(statement)).all())


async def _locked(tx: Transaction, alarm_id: str) -> AlarmEntry:
    statement = select(ALARMS).where(ALARMS.c.alarm_id == alarm_id).with_for_update()
    return await _one(tx, statement, alarm_id)


async def _one(tx: Transaction, statement: Any, alarm_id: str) -> AlarmEntry:
    row = (await tx.session.execute(statement)).first()
    if row is None:
        raise NotInRecord(f"no alarm {alarm_id}")
    await tx.bind([row.patient_id])
    return _entry(tx, row)


async def _change(tx: Transaction, alarm_id: str, **values: object) -> None:
    await tx.session.execute(update(ALARMS).where(ALARMS.c.alarm_id == alarm_id).values(**values))


async def _note(
    tx: Transaction,
    action: Action,
    alarm: AlarmEntry,
    *,
    now: datetime,
    details: tuple[tuple[str, str | int | bool], ...] = (),
) -> None:
    await tx.event(
        action,
        now=now,
        subject_type="Flag",
        subject_id=alarm.alarm_id,
        payload={"cause": alarm.cause},
        details=details,
        patient_id=alarm.patient_id,
    )


def _sealed(tx: Transaction, alarm_id: str, patient_id: str, ids: tuple[str, ...]) -> bytes:
    return tx.vault.seal_json("alarms", "evidence_sealed", alarm_id, list(ids), patient_id)


def _entry(tx: Transaction, row: Any) -> AlarmEntry:
    evidence = tx.vault.unseal_json(
        "alarms", "evidence_sealed", row.alarm_id, row.evidence_sealed, row.patient_id
    )
    note = None
    if row.note_sealed is not None:
        note = tx.vault.unseal(
            "alarms", "note_sealed", row.alarm_id, row.note_sealed, row.patient_id
        ).decode()
    return AlarmEntry(
        alarm_id=row.alarm_id,
        patient_id=row.patient_id,
        cause=row.cause,
        urgency=row.urgency,
        since=row.since,
        raised_at=row.raised_at,
        last_raised_at=row.last_raised_at,
        repeats=row.repeats,
        status=row.status,
        rung=row.rung,
        evidence_ids=tuple(evidence),
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
        note=note,
        closed_at=row.closed_at,
        outcome=row.outcome,
    )
