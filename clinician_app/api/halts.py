"""The brake: stop all pending recommendations of one patient, or of everybody."""

from fastapi import APIRouter

from clinician_app.api.caller import Asking
from clinician_app.api.care_bodies import HaltBody, HaltOut
from clinician_app.api.reading import Id, bound
from services.store import halts

router = APIRouter(prefix="/v1", tags=["halts"])


@router.post("/patients/{patient_id}/halt", operation_id="haltPatient")
async def halt_patient(patient_id: Id, body: HaltBody, caller: Asking) -> HaltOut:
    """Stop this patient's recommendations. It holds from the moment that it is in the record."""
    async with bound(caller, patient_id) as tx:
        await halts.set_halt(
            tx,
            patient_id,
            by_kind="clinician",
            actor_id=caller.clinician_id,
            reason=body.reason,
            now=caller.now,
        )
    return HaltOut(halted=True)


@router.post("/patients/{patient_id}/resume", operation_id="resumePatient")
async def resume_patient(patient_id: Id, body: HaltBody, caller: Asking) -> HaltOut:
    """Lift this patient's halt; one for everybody stays."""
    async with bound(caller, patient_id) as tx:
        await halts.lift(
            tx, patient_id, by_kind="clinician", actor_id=caller.clinician_id, now=caller.now
        )
        still = await halts.active(tx, patient_id)
    return HaltOut(halted=bool(still))


@router.post("/halt", operation_id="haltEverything")
async def halt_everything(body: HaltBody, caller: Asking) -> HaltOut:
    """Stop every recommendation of the clinic."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        await tx.bind_system(now=caller.now)
        await halts.set_halt(
            tx,
            None,
            by_kind="clinician",
            actor_id=caller.clinician_id,
            reason=body.reason,
            now=caller.now,
        )
    return HaltOut(halted=True)


@router.post("/resume", operation_id="resumeEverything")
async def resume_everything(body: HaltBody, caller: Asking) -> HaltOut:
    """Lift the halt for everybody; patients halted by themselves stay so."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        await halts.lift(
            tx, None, by_kind="clinician", actor_id=caller.clinician_id, now=caller.now
        )
        still = await halts.active(tx, None)
    return HaltOut(halted=bool(still))
