"""Choices: each ranking as logged, sealed; of the ranker in charge and of those in its shadow.

No door may read them: what a candidate would have said is shown to nobody who decides.
"""

import asyncio
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.clinical.assessment import FALLBACK, ranking_target
from services.clinical.propensity import LoggedChoice, in_shadow
from services.clinical.proposal import Predictor, Ranking
from services.store import assessments, documents
from services.store.roles import Acting
from services.store.store import Store
from services.store.tables.choices import CHOICES
from services.store.transaction import Transaction


async def keep(
    tx: Transaction, assessment_id: str, choice: LoggedChoice, *, patient_id: str, now: datetime
) -> None:
    """Write one choice; the same model's of the same assessment a second time is not written."""
    model = model_of(choice)
    sealed = tx.vault.seal(
        "choices",
        "body_sealed",
        _row(assessment_id, choice.standing, model),
        documents.dump(LoggedChoice, choice),
        patient_id,
    )
    await tx.session.execute(
        insert(CHOICES)
        .values(
            assessment_id=assessment_id,
            standing=choice.standing,
            model=model,
            patient_id=patient_id,
            at=now,
            body_sealed=sealed,
        )
        .on_conflict_do_nothing()
    )


def model_of(named: LoggedChoice | Ranking) -> str:
    """Return a model's name and version, as kept in the clear."""
    return f"{named.model_id} {named.model_version}"


def is_fallback(model: str) -> bool:
    """Say whether the titrator stood in for a model that gave no answer."""
    return model.startswith(FALLBACK)


async def last_model(tx: Transaction, patient_id: str, *, since: datetime) -> str | None:
    """Return the model that last ranked for a patient since then, fallbacks left out."""
    statement = (
        select(CHOICES.c.model)
        .where(
            CHOICES.c.patient_id == patient_id,
            CHOICES.c.standing == "in_charge",
            CHOICES.c.at >= since,
            CHOICES.c.model.not_like(f"{FALLBACK}%"),
        )
        .order_by(CHOICES.c.at.desc())
        .limit(1)
    )
    return (await tx.session.execute(statement)).scalar()


async def of_assessment(tx: Transaction, assessment_id: str) -> tuple[LoggedChoice, ...]:
    """Return the choices of one assessment, the one in charge first."""
    statement = (
        select(CHOICES)
        .where(CHOICES.c.assessment_id == assessment_id)
        .order_by(CHOICES.c.standing, CHOICES.c.model)
    )
    rows = (await tx.session.execute(statement)).all()
    await tx.bind([row.patient_id for row in rows])
    return tuple(
        documents.load(
            LoggedChoice,
            tx.vault.unseal(
                "choices",
                "body_sealed",
                _row(assessment_id, row.standing, row.model),
                row.body_sealed,
                row.patient_id,
            ),
        )
        for row in rows
    )


class ShadowRecords:
    """The loops' port for shadows: reads what was judged, ranks it elsewhere, keeps the result."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def rank_in_shadow(
        self, patient_id: str, assessment_id: str, *, candidate: Predictor, now: datetime
    ) -> LoggedChoice:
        """Have a candidate rank an assessment's own snapshot and moves; no lock is held meanwhile.

        Raises:
            ValueError: the candidate added or lost a move. PredictorUnavailable: no answer.
        """
        acting = Acting("worker", "shadow", patient_id)
        async with self._store.transaction(acting) as tx:
            document = await assessments.document(tx, assessment_id)
        made, snapshot = document.assessment, document.snapshot
        ranking = await asyncio.to_thread(
            candidate.rank, snapshot, made.moves, ranking_target(snapshot), made.proposal.made_at
        )
        choice = in_shadow(made, ranking)
        async with self._store.transaction(acting) as tx:
            await keep(tx, assessment_id, choice, patient_id=patient_id, now=now)
        return choice


def _row(assessment_id: str, standing: str, model: str) -> str:
    return f"{assessment_id}|{standing}|{model}"
