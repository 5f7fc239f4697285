"""Requests that carry a key: carried out once, answered the same for 72 hours."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from services.store.entries import Begun, Idempotent, InFlight, OtherBody, Replayed
from services.store.tables.log import IDEMPOTENT_REQUESTS
from services.store.transaction import Transaction
from services.store.vault import SYSTEM

# Source: INTERFACES, writes are kept for 72 h.
KEPT = timedelta(hours=72)


async def begin(
    tx: Transaction, scope: str, key: str, *, request_sha256: str, now: datetime
) -> Idempotent:
    """Begin a request, or find what became of it. `scope`: who asks and for what.

    The row is written in this transaction: if it fails, the request never was.
    """
    table = IDEMPOTENT_REQUESTS
    await tx.session.execute(
        delete(table).where(table.c.scope == scope, table.c.key == key, table.c.expires_at <= now)
    )
    # A second request with the key would wait for the first one's transaction: say so instead.
    locked = select(func.pg_try_advisory_xact_lock(func.hashtextextended(f"{scope}|{key}", 0)))
    if not (await tx.session.execute(locked)).scalar_one():
        return InFlight()
    began = await tx.session.execute(
        insert(table)
        .values(
            scope=scope,
            key=key,
            patient_id=tx.acting.patient_id,
            request_sha256=request_sha256,
            begun_at=now,
            expires_at=now + KEPT,
        )
        .on_conflict_do_nothing()
        .returning(table.c.key)
    )
    first = began.first() is not None
    await tx.bind_system(now=now)
    return Begun() if first else await _earlier(tx, scope, key, request_sha256)


async def finish(tx: Transaction, scope: str, key: str, *, status_code: int, body: bytes) -> None:
    """Keep the answer, sealed, in the transaction that carried the request out."""
    table = IDEMPOTENT_REQUESTS
    sealed = tx.vault.seal(
        "idempotent_requests", "response_sealed", f"{scope}|{key}", body, _holder(tx)
    )
    await tx.session.execute(
        update(table)
        .where(table.c.scope == scope, table.c.key == key)
        .values(status_code=status_code, response_sealed=sealed)
    )


async def _earlier(tx: Transaction, scope: str, key: str, request_sha256: str) -> Idempotent:
    table = IDEMPOTENT_REQUESTS
    statement = select(table).where(table.c.scope == scope, table.c.key == key)
    row = (await tx.session.execute(statement)).first()
    if row is None or row.request_sha256 != request_sha256:
        return OtherBody()
    if row.status_code is None:
        return InFlight()
    body = tx.vault.unseal(
        "idempotent_requests",
        "response_sealed",
        f"{scope}|{key}",
        row.response_sealed,
        row.patient_id or SYSTEM,
    )
    return Replayed(row.status_code, body)


def _holder(tx: Transaction) -> str:
    return tx.acting.patient_id or SYSTEM
