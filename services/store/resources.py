"""FHIR resources: the original bytes of every version, sealed; never a re-serialised form."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.audit.actions import Action
from services.store import documents
from services.store.errors import NotInRecord
from services.store.rows import StoredResource
from services.store.tables.treatment import RESOURCES
from services.store.transaction import Transaction


async def put(
    tx: Transaction,
    resource_type: str,
    resource_id: str,
    body: bytes,
    patient_id: str,
    *,
    now: datetime,
) -> int:
    """Append a version of a resource and return its number; earlier versions stay."""
    newest = select(func.max(RESOURCES.c.version)).where(
        RESOURCES.c.resource_type == resource_type, RESOURCES.c.resource_id == resource_id
    )
    version = ((await tx.session.execute(newest)).scalar() or 0) + 1
    row = _row(tx, resource_type, resource_id, version, body, patient_id, now)
    await tx.session.execute(insert(RESOURCES).values(**row))
    await tx.event(
        Action.RECORD_CREATED if version == 1 else Action.RECORD_UPDATED,
        now=now,
        subject_type=resource_type,
        subject_id=f"{resource_id}@{version}",
        payload={"sha256": row["sha256"]},
        patient_id=patient_id,
    )
    return version


async def put_new(
    tx: Transaction, patient_id: str, items: list[tuple[str, str, bytes]], *, now: datetime
) -> None:
    """Store first versions of (type, id, body) in one statement.

    The caller's own event names them; there is none for each.
    """
    if items:
        rows = [_row(tx, kind, name, 1, body, patient_id, now) for kind, name, body in items]
        await tx.session.execute(insert(RESOURCES), rows)


async def put_if_new(
    tx: Transaction, patient_id: str, item: tuple[str, str, bytes], *, now: datetime
) -> None:
    """Store the first version of a resource that never changes; there already: nothing happens."""
    kind, name, body = item
    row = _row(tx, kind, name, 1, body, patient_id, now)
    await tx.session.execute(upsert(RESOURCES).values(**row).on_conflict_do_nothing())


async def get(
    tx: Transaction, resource_type: str, resource_id: str, version: int | None = None
) -> StoredResource:
    """Return one version, the newest when none is named. Raises: NotInRecord."""
    statement = (
        select(RESOURCES)
        .where(RESOURCES.c.resource_type == resource_type, RESOURCES.c.resource_id == resource_id)
        .order_by(RESOURCES.c.version.desc())
        .limit(1)
    )
    if version is not None:
        statement = statement.where(RESOURCES.c.version == version)
    row = (await tx.session.execute(statement)).first()
    if row is None:
        raise NotInRecord(f"no {resource_type}/{resource_id}")
    return _stored(tx, row)


async def history(
    tx: Transaction, resource_type: str, resource_id: str
) -> tuple[StoredResource, ...]:
    """Return every version, oldest first."""
    statement = (
        select(RESOURCES)
        .where(RESOURCES.c.resource_type == resource_type, RESOURCES.c.resource_id == resource_id)
        .order_by(RESOURCES.c.version)
    )
    return tuple(_stored(tx, row) for row in (await tx.session.execute(statement)).all())


async def of_patient(
    tx: Transaction, patient_id: str, resource_type: str
) -> tuple[StoredResource, ...]:
    """Return the newest version of each resource of one type, by id."""
    statement = (
        select(RESOURCES)
        .where(RESOURCES.c.patient_id == patient_id, RESOURCES.c.resource_type == resource_type)
        .distinct(RESOURCES.c.resource_id)
        .order_by(RESOURCES.c.resource_id, RESOURCES.c.version.desc())
    )
    return tuple(_stored(tx, row) for row in (await tx.session.execute(statement)).all())


def _row(
    tx: Transaction,
    resource_type: str,
    resource_id: str,
    version: int,
    body: bytes,
    patient_id: str,
    now: datetime,
) -> dict[str, object]:
    place = f"{resource_type}/{resource_id}@{version}"
    return {
        "resource_type": resource_type,
        "resource_id": resource_id,
        "version": version,
        "patient_id": patient_id,
        "body_sealed": tx.vault.seal("resources", "body_sealed", place, body, patient_id),
        "sha256": documents.sha256(body),
        "at": now,
    }


def _stored(tx: Transaction, row: Any) -> StoredResource:
    place = f"{row.resource_type}/{row.resource_id}@{row.version}"
    body = tx.vault.unseal("resources", "body_sealed", place, row.body_sealed, row.patient_id)
    return StoredResource(
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        version=row.version,
        patient_id=row.patient_id,
        body=body,
        sha256=row.sha256,
        at=row.at,
    )
