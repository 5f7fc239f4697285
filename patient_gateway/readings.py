"""Cuff readings: stored with their outbox message, and the crisis rule before the answer."""

from datetime import datetime

from fastapi import APIRouter
from starlette.responses import Response

from patient_gateway import crisis
from patient_gateway.authenticate import Authenticated
from patient_gateway.call import Done, as_json
from patient_gateway.items import read_batch
from patient_gateway.openapi import batch_of
from patient_gateway.schemas import ReadingItem
from patient_gateway.uploads import answer_batch
from patient_gateway.wire import offset_minutes
from services.clinical.units import Mmhg
from services.store import credentials, patients, readings
from services.store.rows import DeviceRow, NewReading
from services.store.transaction import Transaction

router = APIRouter(tags=["uploads"])


@router.post("/v1/readings", operation_id="uploadReadings", openapi_extra=batch_of(ReadingItem))
async def upload_readings(call: Authenticated) -> Response:
    """Record cuff readings. `alarm` says what the patient must do now; null: nothing special."""

    async def store(tx: Transaction, body: object) -> Done:
        patient_id = call.own_patient_id
        batch = read_batch(body, ReadingItem, now=call.now, time_of=lambda item: item.taken_at)
        enrolled_at = (await patients.get(tx, patient_id)).enrolled_at
        device = await credentials.device(tx, call.claims.device_id or "")
        new = [_new(item, device, enrolled_at) for item in batch.accepted.values()]
        results = await readings.record(tx, patient_id, new, now=call.now)
        stored = {
            result.item_id: item
            for item, result in zip(new, results, strict=True)
            if result.status == "stored" and result.item_id is not None
        }
        alarm = await crisis.raise_for_readings(tx, patient_id, stored, now=call.now)
        return answer_batch(call, "readings", batch, results, alarm=alarm)

    return await call.write(as_json, store)


def _new(item: ReadingItem, device: DeviceRow | None, enrolled_at: datetime) -> NewReading:
    """What is known of the cuff is what its enrolment said; unknown stays unknown."""
    return NewReading(
        client_id=item.client_id,
        systolic_mmhg=Mmhg(item.systolic),
        diastolic_mmhg=Mmhg(item.diastolic),
        pulse_bpm=item.pulse,
        taken_at=item.taken_at,
        utc_offset_minutes=offset_minutes(item.taken_at),
        posture=item.posture,
        source=item.source,
        device_validated=None if device is None else device.validated,
        cuff_fits=None if device is None else device.cuff_fits,
        irregular_pulse=item.irregular_pulse,
        device_id=None if device is None else device.device_id,
        history=item.taken_at < enrolled_at,
    )
