"""Assessments: what was seen and said, as one sealed document each, never recomputed."""

import zlib
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from services.loop_results import AssessOutcome
from services.store import documents
from services.store.entries import AssessmentDocument, AssessmentEntry
from services.store.errors import NotInRecord
from services.store.tables.treatment import ASSESSMENTS
from services.store.transaction import Transaction

# A document is mostly readings, which repeat themselves: the fastest level saves nine tenths.
_LEVEL = 1

_COLUMNS = (
    ASSESSMENTS.c.assessment_id,
    ASSESSMENTS.c.patient_id,
    ASSESSMENTS.c.made_at,
    ASSESSMENTS.c.verdict_kind,
)


async def document(tx: Transaction, assessment_id: str) -> AssessmentDocument:
    """Return one assessment with its snapshot. Raises: NotInRecord."""
    return documents.load(AssessmentDocument, await body(tx, assessment_id))


async def body(tx: Transaction, assessment_id: str) -> bytes:
    """Return the exact bytes of one assessment's document. Raises: NotInRecord."""
    statement = select(ASSESSMENTS.c.patient_id, ASSESSMENTS.c.body_sealed).where(
        ASSESSMENTS.c.assessment_id == assessment_id
    )
    row = (await tx.session.execute(statement)).first()
    if row is None:
        raise NotInRecord(f"no assessment {assessment_id}")
    await tx.bind([row.patient_id])
    opened = tx.vault.unseal(
        "assessments", "body_sealed", assessment_id, row.body_sealed, row.patient_id
    )
    return zlib.decompress(opened)


async def latest(tx: Transaction, patient_id: str) -> AssessmentEntry | None:
    """Return the newest assessment of a patient."""
    found = await list_for(tx, patient_id, limit=1)
    return found[0] if found else None


async def list_for(
    tx: Transaction, patient_id: str, *, limit: int = 50
) -> tuple[AssessmentEntry, ...]:
    """Return a patient's assessments, newest first."""
    statement = (
        select(*_COLUMNS)
        .where(ASSESSMENTS.c.patient_id == patient_id)
        .order_by(ASSESSMENTS.c.made_at.desc(), ASSESSMENTS.c.assessment_id)
        .limit(limit)
    )
    return tuple(AssessmentEntry(*row) for row in (await tx.session.execute(statement)).all())


async def by_key(tx: Transaction, key: str) -> AssessOutcome | None:
    """Return what the assessment with this key came to, if it was made."""
    statement = select(ASSESSMENTS).where(ASSESSMENTS.c.key == key)
    row = (await tx.session.execute(statement)).first()
    return None if row is None else _outcome(tx, row)


async def save(
    tx: Transaction,
    saved: bytes,
    outcome: AssessOutcome,
    *,
    patient_id: str,
    key: str,
    now: datetime,
) -> None:
    """Write an assessment: `saved` is its document's bytes. The caller notes the event."""
    row = outcome.assessment_id
    result = documents.dump(AssessOutcome, outcome)
    await tx.session.execute(
        insert(ASSESSMENTS).values(
            assessment_id=row,
            patient_id=patient_id,
            key=key,
            made_at=now,
            verdict_kind=outcome.verdict_kind.value,
            outcome_sealed=tx.vault.seal("assessments", "outcome_sealed", row, result, patient_id),
            body_sealed=tx.vault.seal(
                "assessments", "body_sealed", row, zlib.compress(saved, _LEVEL), patient_id
            ),
        )
    )


def _outcome(tx: Transaction, row: Any) -> AssessOutcome:
    result = tx.vault.unseal(
        "assessments", "outcome_sealed", row.assessment_id, row.outcome_sealed, row.patient_id
    )
    return documents.load(AssessOutcome, result)
