"""Alarms that wait for a person: listed most urgent first, acknowledged with a note."""

import logging

from fastapi import APIRouter

from clinician_app.api import roster
from clinician_app.api.bodies import PatientHeader
from clinician_app.api.caller import Asking
from clinician_app.api.care_bodies import AcknowledgeBody, AlarmList, AlarmOut, Done
from clinician_app.api.headers import read_header
from clinician_app.api.reading import Id, note_read
from clinician_app.words import plain
from services.audit.actions import Action
from services.clinical.alarms import Urgency
from services.ids import new_id
from services.store import alarms, credentials, halts, patients, snapshots
from services.store.entries import AlarmEntry
from workflows.client import LoopUnavailable, NotOpen, Rejected

logger = logging.getLogger("clinaiops.clinician")
router = APIRouter(prefix="/v1/alarms", tags=["alarms"])

_RANK = {
    code.value: rank
    for rank, code in enumerate(
        (Urgency.EMERGENCY, Urgency.SAME_DAY, Urgency.REPEAT, Urgency.QUEUE)
    )
}


@router.get("", operation_id="alarms")
async def list_alarms(caller: Asking) -> AlarmList:
    """Return every open alarm of this clinician's patients."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        visible = [row.patient_id for row in await patients.list_for_clinician(tx)]
        ids = await roster.readable(tx, visible)
        found = await roster.open_alarms(tx, ids)
        headers: dict[str, PatientHeader] = {}
        for patient_id in {alarm.patient_id for alarm in found}:
            snapshot, envelope = await snapshots.build(tx, patient_id, now=caller.now)
            headers[patient_id] = await read_header(tx, snapshot, envelope, now=caller.now)
        names = {c.clinician_id: c.display_name for c in await credentials.clinicians(tx)}
        everywhere = await halts.active(tx, None)
        await note_read(
            tx, caller, "Flag", new_id(), patient_id=None, action=Action.RECORD_SEARCHED
        )
    ordered = sorted(found, key=lambda a: (a.status != "open", _RANK[a.urgency], a.raised_at))
    return AlarmList(
        halted_everywhere=bool(everywhere),
        alarms=[_out(alarm, headers[alarm.patient_id], names) for alarm in ordered],
    )


@router.post("/{alarm_id}/acknowledge", operation_id="acknowledgeAlarm")
async def acknowledge(alarm_id: Id, body: AcknowledgeBody, caller: Asking) -> Done:
    """Take an alarm. The record decides; the loop is told so that its ladder ends at once."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        await alarms.acknowledge(
            tx, alarm_id, clinician_id=caller.clinician_id, note=body.note, now=caller.now
        )
    try:
        await caller.door.loops.acknowledge_alarm(alarm_id, caller.clinician_id, alarm_id)
    except (LoopUnavailable, NotOpen, Rejected) as err:
        # The ladder reads the record before every rung: nobody is paged for a taken alarm.
        logger.warning("alarm_loop_not_told", extra={"cause": type(err).__name__})
    return Done()


@router.post("/{alarm_id}/close", operation_id="closeAlarm")
async def close(alarm_id: Id, caller: Asking) -> Done:
    """Say that what a taken alarm asked for is done: it holds no increase any more."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        await alarms.resolve(tx, alarm_id, now=caller.now)
    return Done()


def _out(alarm: AlarmEntry, header: PatientHeader, names: dict[str, str]) -> AlarmOut:
    taken_by = alarm.acknowledged_by
    return AlarmOut(
        alarm_id=alarm.alarm_id,
        header=header,
        cause=alarm.cause,
        words=plain(alarm.cause),
        urgency=alarm.urgency,
        urgency_words=alarm.urgency.replace("_", " "),
        since=alarm.since,
        raised_at=alarm.raised_at,
        repeats=alarm.repeats,
        status=alarm.status,
        acknowledged_by=None if taken_by is None else names.get(taken_by, "a clinician"),
        note=alarm.note,
    )
