"""The FHIR resources of an enactment: new orders, the next versions of old ones, provenance."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from services.fhir import careplan, medication, provenance, task
from services.fhir.checks import checked_bytes
from services.fhir.medication import RequestStatus, StopReason
from services.fhir.resource import Authority, Resource, Subject
from services.ids import new_id
from services.store import resources
from services.store.assessment_resources import ai_device_id, proposal_id
from services.store.enactment_basis import Basis
from services.store.errors import NotInRecord
from services.store.moved_regimen import Applied, Effect
from services.store.transaction import Transaction

TaskEnd = Literal["rejected", "cancelled"]

# What becomes of the order that was there before.
_OLD_ORDER: dict[Effect, tuple[RequestStatus, StopReason]] = {
    "ordered": ("stopped", StopReason.REPLACED),
    "stopped": ("stopped", StopReason.STOPPED),
    "paused": ("on-hold", StopReason.PAUSED),
    "resumed": ("active", StopReason.RESUMED),
}


@dataclass(frozen=True, slots=True)
class Carried:
    """A move as carried out: for whom, on what basis, change by change."""

    subject: Subject
    basis: Basis
    applied: tuple[Applied, ...]
    now: datetime

    @property
    def device_id(self) -> str:
        """The AI device whose proposal it was."""
        ranking = self.basis.assessment.assessment.ranking
        return ai_device_id(self.subject.patient_id, ranking)


async def write(tx: Transaction, carried: Carried) -> tuple[str, ...]:
    """Write every resource of the enactment; return the ids of the new orders."""
    plan = await _plan(tx, carried.basis)
    targets: list[str] = []
    order_ids: list[str] = []
    for item in carried.applied:
        if item.before is not None:
            targets += await _old_order(tx, carried, item)
        if item.effect == "ordered" and item.after is not None:
            order = _order(carried, item, plan)
            version = await _put(tx, carried, order)
            targets.append(f"MedicationRequest/{item.after.order_id}/_history/{version}")
            order_ids.append(item.after.order_id)
    targets += await _finish_review(tx, carried)
    if targets:
        await _put(tx, carried, _provenance(carried, targets, plan))
    return tuple(order_ids)


async def _plan(tx: Transaction, basis: Basis) -> str | None:
    """Return the address of the plan that authorises a patient's step, with its version."""
    if basis.envelope_id is None:
        return None
    stored = await resources.get(tx, "CarePlan", basis.envelope_id)
    return careplan.plan_address(basis.envelope_id, stored.version)


def _order(carried: Carried, item: Applied, plan: str | None) -> Resource:
    after, basis = item.after, carried.basis
    if after is None:
        raise ValueError("a change without a prescription after it is no order")
    return medication.order(
        order_id=after.order_id,
        subject=carried.subject,
        change=item.change,
        times_a_day=after.times_a_day,
        tablet_ug=after.tablet_strength_ug,
        based_on=_based_on(carried, item) if plan is None else [plan],
        authority=Authority(
            basis.clinician_id, carried.now, None if plan is None else carried.device_id
        ),
        prior_order_id=None if item.before is None else item.before.order_id,
    )


def _based_on(carried: Carried, item: Applied) -> list[str]:
    """Return the proposal of this drug's change, when the move was carried out as proposed."""
    basis = carried.basis
    proposed = basis.assessment.assessment.proposal.move
    if proposed != basis.move:
        return []
    place = proposed.changes.index(item.change)
    return [f"MedicationRequest/{proposal_id(basis.assessment.assessment_id, place)}"]


async def _old_order(tx: Transaction, carried: Carried, item: Applied) -> list[str]:
    """Append the next version of the order that was there; an order from outside has none."""
    if item.before is None:
        return []
    status, reason = _OLD_ORDER[item.effect]
    try:
        stored = await resources.get(tx, "MedicationRequest", item.before.order_id)
    except NotInRecord:
        return []
    changed = medication.with_status(_parsed(stored.body), status=status, reason=reason)
    version = await resources.put(
        tx,
        "MedicationRequest",
        item.before.order_id,
        checked_bytes(changed),
        carried.subject.patient_id,
        now=carried.now,
    )
    return [f"MedicationRequest/{item.before.order_id}/_history/{version}"]


async def _finish_review(tx: Transaction, carried: Carried) -> list[str]:
    review_id = carried.basis.review_id
    if review_id is None:
        return []
    return await set_task_status(
        tx, carried.subject.patient_id, review_id, "completed", now=carried.now
    )


async def set_task_status(
    tx: Transaction,
    patient_id: str,
    task_id: str,
    status: task.TaskStatus,
    *,
    reason_code: str | None = None,
    now: datetime,
) -> list[str]:
    """Append the next version of a review's Task; return its address, or nothing without one."""
    try:
        stored = await resources.get(tx, "Task", task_id)
    except NotInRecord:
        return []
    changed = task.with_status(
        _parsed(stored.body), status=status, now=now, reason_code=reason_code, reason_text=None
    )
    version = await resources.put(tx, "Task", task_id, checked_bytes(changed), patient_id, now=now)
    return [f"Task/{task_id}/_history/{version}"]


def _parsed(body: bytes) -> dict[str, object]:
    """Read a stored resource; decimals stay as they are written."""
    resource: dict[str, object] = json.loads(body, parse_float=Decimal)
    return resource


def _provenance(carried: Carried, targets: Sequence[str], plan: str | None) -> Resource:
    basis = carried.basis
    if plan is not None:
        return provenance.of_envelope_step(
            provenance_id=new_id(),
            targets=targets,
            ai_device_id=carried.device_id,
            clinician_id=basis.clinician_id,
            patient_id=carried.subject.patient_id,
            envelope=plan,
            recorded_at=carried.now,
            simulated=carried.subject.simulated,
        )
    return provenance.of_decision(
        provenance_id=new_id(),
        targets=targets,
        ai_device_id=carried.device_id,
        clinician_id=basis.clinician_id,
        inputs=[f"GuidanceResponse/{basis.assessment.assessment_id}-guidance/_history/1"],
        recorded_at=carried.now,
        simulated=carried.subject.simulated,
    )


async def _put(tx: Transaction, carried: Carried, resource: Resource) -> int:
    return await resources.put(
        tx,
        str(resource["resourceType"]),
        str(resource["id"]),
        checked_bytes(resource),
        carried.subject.patient_id,
        now=carried.now,
    )
