"""Whether a patient is monitored: not who died, and not who took back the agreement to it."""

from dataclasses import replace
from datetime import date, datetime

from services.clinical.patient import ConsentPurpose
from services.loop_results import ReviewOutcome
from services.outbox_messages import monitoring_changed
from services.store import advice, consents, halts, order_resources, patients, reviews
from services.store.transaction import Transaction

_DIED = "the patient has died"


async def is_monitored(tx: Transaction, patient_id: str) -> bool:
    """Return whether the loops look at this patient. Not asked yet is not taken back."""
    if await has_died(tx, patient_id):
        return False
    return ConsentPurpose.MONITORING not in await consents.withdrawn(tx, patient_id)


async def has_died(tx: Transaction, patient_id: str) -> bool:
    """Return whether the record says that the patient has died. Raises: NotInRecord."""
    return (await patients.facts(tx, patient_id)).deceased


async def note_death(
    tx: Transaction, patient_id: str, *, died_on: date | None, clinician_id: str, now: datetime
) -> None:
    """Note a death: what was offered or asked is withdrawn and every recommendation stops.

    `died_on` None: the day is not known, or stays as noted before. A review that was decided
    already stays with its loop: the guard refuses its step. Noted again, only the day changes.
    """
    facts = await patients.facts(tx, patient_id)
    noted = replace(facts, deceased=True, died_on=died_on or facts.died_on)
    if noted != facts:
        await patients.set_facts(tx, patient_id, noted, now=now)
    await halts.set_halt(
        tx, patient_id, by_kind="clinician", actor_id=clinician_id, reason=_DIED, now=now
    )
    await advice.withdraw_open(tx, patient_id, now=now)
    await _withdraw_review(tx, patient_id, now=now)
    await tx.send(monitoring_changed(patient_id), now=now)


async def take_back_death(tx: Transaction, patient_id: str, *, now: datetime) -> None:
    """A death was noted in error. The halt stays until a clinician lifts it."""
    facts = await patients.facts(tx, patient_id)
    if not facts.deceased:
        return
    await patients.set_facts(tx, patient_id, replace(facts, deceased=False, died_on=None), now=now)
    await tx.send(monitoring_changed(patient_id), now=now)


async def _withdraw_review(tx: Transaction, patient_id: str, *, now: datetime) -> None:
    review = await reviews.open_for(tx, patient_id)
    if review is None or review.status == "decided":
        return
    await reviews.close(tx, review.review_id, outcome=ReviewOutcome.WITHDRAWN.value, now=now)
    await order_resources.set_task_status(tx, patient_id, review.review_id, "cancelled", now=now)
