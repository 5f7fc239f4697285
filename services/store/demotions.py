"""Demotions: what the record and the ranker show that lowers a plan, before it is relied on."""

from datetime import datetime

from services.clinical.autonomy import Setback
from services.clinical.envelope import Envelope, Stage
from services.clinical.patient import Snapshot
from services.clinical.proposal import Ranking
from services.metrics import PLANS_LOWERED
from services.store import choices, envelopes, outcomes, track_record
from services.store.transaction import Transaction

for _setback in Setback:
    # A series that begins at one shows no increase, and so no alert, the first time.
    PLANS_LOWERED.labels(_setback.value)


async def by_record(
    tx: Transaction, snapshot: Snapshot, envelope: Envelope | None, *, now: datetime
) -> Envelope | None:
    """Lower a signed plan as the patient's record demands, and return what is in effect."""
    if envelope is None or envelope.revoked_at is not None or envelope.stage is Stage.OBSERVE:
        return envelope
    setbacks = await track_record.setbacks_now(tx, snapshot, envelope, now=now)
    return await envelopes.demote(tx, envelope, setbacks, now=now)


async def by_model(
    tx: Transaction, ranking: Ranking, envelope: Envelope | None, *, now: datetime
) -> Envelope | None:
    """Lower a plan whose ranker has drifted or is another than before; return what is in effect.

    A fallback during an outage is no change of model: the titrator ranks where no model does.
    """
    if envelope is None or envelope.signed_at is None or envelope.revoked_at is not None:
        return envelope
    if choices.is_fallback(ranking.model_id):
        return envelope
    model = choices.model_of(ranking)
    before = await choices.last_model(tx, envelope.patient_id, since=envelope.signed_at)
    found = (
        (before not in (None, model), Setback.MODEL_CHANGED),
        (await outcomes.drifted(tx, model, now=now), Setback.DRIFT),
    )
    setbacks = frozenset(setback for present, setback in found if present)
    return await envelopes.demote(tx, envelope, setbacks, now=now)
