"""Tasks: what a person has to do. One open of each kind and cause; a repeat merges into it."""

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from services.audit.actions import Action
from services.ids import new_id
from services.store.entries import TaskEntry
from services.store.errors import NotInRecord
from services.store.tables.together import TASKS
from services.store.transaction import Transaction


async def open_task(
    tx: Transaction,
    patient_id: str,
    kind: str,
    *,
    cause: str,
    now: datetime,
    due_at: datetime | None = None,
    note: str | None = None,
    key: str | None = None,
) -> TaskEntry:
    """Open a task, or return the open one of this kind and cause.

    With a `key` the task's id follows from it: once done, the same key does not open it again.
    """
    task_id = new_id() if key is None else str(uuid5(NAMESPACE_URL, f"task:{key}"))
    sealed = None
    if note is not None:
        sealed = tx.vault.seal("tasks", "body_sealed", task_id, note.encode(), patient_id)
    statement = (
        insert(TASKS)
        .values(
            task_id=task_id,
            patient_id=patient_id,
            task_kind=kind,
            cause=cause,
            status="open",
            opened_at=now,
            due_at=due_at,
            body_sealed=sealed,
        )
        .on_conflict_do_nothing()
        .returning(TASKS.c.task_id)
    )
    if (await tx.session.execute(statement)).first() is None:
        return await _there(tx, task_id, patient_id, kind, cause)
    await tx.event(
        Action.RECORD_CREATED,
        now=now,
        subject_type="Task",
        subject_id=task_id,
        details=(("task", kind),),
        patient_id=patient_id,
    )
    return await get(tx, task_id)


async def done(tx: Transaction, task_id: str, *, now: datetime) -> TaskEntry:
    """Note that a task was done; done before: the first time stands. Raises: NotInRecord."""
    statement = (
        update(TASKS)
        .where(TASKS.c.task_id == task_id, TASKS.c.done_at.is_(None))
        .values(status="done", done_at=now, done_by=tx.acting.actor_id)
        .returning(TASKS.c.patient_id)
    )
    row = (await tx.session.execute(statement)).first()
    if row is not None:
        await tx.event(
            Action.RECORD_UPDATED,
            now=now,
            subject_type="Task",
            subject_id=task_id,
            details=(("status", "done"),),
            patient_id=row.patient_id,
        )
    return await get(tx, task_id)


async def get(tx: Transaction, task_id: str) -> TaskEntry:
    """Return one task. Raises: NotInRecord."""
    row = (await tx.session.execute(select(TASKS).where(TASKS.c.task_id == task_id))).first()
    if row is None:
        raise NotInRecord(f"no task {task_id}")
    await tx.bind([row.patient_id])
    return _entry(tx, row)


async def done_since(tx: Transaction, patient_id: str, kind: str, since: datetime | None) -> int:
    """Return how many tasks of this kind that were opened since then (None: ever) were done."""
    statement = select(func.count()).where(
        TASKS.c.patient_id == patient_id,
        TASKS.c.task_kind == kind,
        TASKS.c.done_at.is_not(None),
    )
    if since is not None:
        statement = statement.where(TASKS.c.opened_at >= since)
    return (await tx.session.execute(statement)).scalar_one()


async def list_open(tx: Transaction, patient_id: str | None = None) -> tuple[TaskEntry, ...]:
    """Return open tasks, of one patient or of all that the one who acts may see; soonest first."""
    statement = select(TASKS).where(TASKS.c.status == "open")
    if patient_id is not None:
        statement = statement.where(TASKS.c.patient_id == patient_id)
    ordered = statement.order_by(TASKS.c.due_at.asc().nulls_last(), TASKS.c.opened_at)
    rows = (await tx.session.execute(ordered)).all()
    await tx.bind(sorted({row.patient_id for row in rows}))
    return tuple(_entry(tx, row) for row in rows)


async def _there(
    tx: Transaction, task_id: str, patient_id: str, kind: str, cause: str
) -> TaskEntry:
    columns = TASKS.c
    same_cause = (
        (columns.patient_id == patient_id)
        & (columns.task_kind == kind)
        & (columns.cause == cause)
        & (columns.status == "open")
    )
    statement = select(columns.task_id).where((columns.task_id == task_id) | same_cause).limit(1)
    return await get(tx, str((await tx.session.execute(statement)).scalar_one()))


def _entry(tx: Transaction, row: Any) -> TaskEntry:
    note = None
    if row.body_sealed is not None:
        note = tx.vault.unseal(
            "tasks", "body_sealed", row.task_id, row.body_sealed, row.patient_id
        ).decode()
    return TaskEntry(
        task_id=row.task_id,
        patient_id=row.patient_id,
        task_kind=row.task_kind,
        cause=row.cause,
        status=row.status,
        opened_at=row.opened_at,
        due_at=row.due_at,
        note=note,
        done_at=row.done_at,
        done_by=row.done_by,
    )
