"""Demotions: what the record and the ranker show that lowers a plan, before it is relied on.

Drift of a model is found by its monitor, not here; it is lowered through `envelopes.demote` too.
"""

from datetime import datetime

from services.clinical.autonomy import Setback, last_step_at, setbacks_of
from services.clinical.envelope import Envelope, Stage
from services.clinical.patient import Snapshot
from services.clinical.proposal import Ranking
from services.loop_results import TaskKind
from services.store import choices, envelopes, tasks
from services.store.transaction import Transaction


async def by_record(
    tx: Transaction, snapshot: Snapshot, envelope: Envelope | None, *, now: datetime
) -> Envelope | None:
    """Lower a signed plan as the patient's record demands, and return what is in effect."""
    if envelope is None or envelope.revoked_at is not None or envelope.stage is Stage.OBSERVE:
        return envelope
    step_at = last_step_at(snapshot, envelope)
    reviewed = step_at is not None and await tasks.done_since(
        tx, envelope.patient_id, TaskKind.LOOK_AT_PATIENT_STEP.value, step_at
    )
    setbacks = setbacks_of(snapshot, envelope, now, last_step_reviewed=reviewed)
    return await envelopes.demote(tx, envelope, setbacks, now=now)


async def by_model(
    tx: Transaction, ranking: Ranking, envelope: Envelope | None, *, now: datetime
) -> Envelope | None:
    """Lower a plan under which another model ranked before, and return what is in effect.

    A fallback during an outage is no change of model: the titrator ranks where no model does.
    """
    if envelope is None or envelope.signed_at is None or envelope.revoked_at is not None:
        return envelope
    if choices.is_fallback(ranking.model_id):
        return envelope
    before = await choices.last_model(tx, envelope.patient_id, since=envelope.signed_at)
    if before is None or before == choices.model_of(ranking):
        return envelope
    return await envelopes.demote(tx, envelope, frozenset({Setback.MODEL_CHANGED}), now=now)
