"""Enactments as rows: one for each key and for each thing that a dose may rest on, for ever."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select

from services.loop_results import EnactBasis, EnactKind, EnactOutcome
from services.store import documents
from services.store.tables.treatment import ENACTMENTS
from services.store.transaction import Transaction


async def earlier(
    tx: Transaction, *, key: str, basis: EnactBasis, basis_id: str
) -> EnactOutcome | None:
    """Return what was made of this key or basis before: ALREADY with its orders, or the refusal."""
    columns = ENACTMENTS.c
    same_basis = (columns.basis == basis.value) & (columns.basis_id == basis_id)
    statement = select(ENACTMENTS).where(or_(columns.key == key, same_basis))
    row = (await tx.session.execute(statement)).first()
    return None if row is None else _again(tx, row)


async def save(
    tx: Transaction,
    patient_id: str,
    outcome: EnactOutcome,
    *,
    key: str,
    basis: EnactBasis,
    basis_id: str,
    now: datetime,
) -> None:
    """Write the one enactment of a key.

    Raises:
        sqlalchemy.exc.IntegrityError: the key or the basis was enacted by another transaction.
    """
    body = documents.dump(EnactOutcome, outcome)
    await tx.session.execute(
        insert(ENACTMENTS).values(
            key=key,
            patient_id=patient_id,
            basis=basis.value,
            basis_id=basis_id,
            outcome=outcome.kind.value,
            at=now,
            body_sealed=tx.vault.seal("enactments", "body_sealed", key, body, patient_id),
        )
    )


async def orders_of(tx: Transaction, basis_id: str) -> EnactOutcome | None:
    """Return what became of a decision or advice, if it was enacted or refused."""
    statement = select(ENACTMENTS).where(ENACTMENTS.c.basis_id == basis_id)
    row = (await tx.session.execute(statement)).first()
    return None if row is None else _outcome(tx, row)


def _again(tx: Transaction, row: Any) -> EnactOutcome:
    first = _outcome(tx, row)
    if first.kind is EnactKind.REFUSED:
        return first
    return EnactOutcome(
        EnactKind.ALREADY, first.order_ids, first.reasons, follow_ups=first.follow_ups
    )


def _outcome(tx: Transaction, row: Any) -> EnactOutcome:
    body = tx.vault.unseal("enactments", "body_sealed", row.key, row.body_sealed, row.patient_id)
    return documents.load(EnactOutcome, body)
