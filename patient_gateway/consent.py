"""Who the patient is here, and what they agree to: consent comes before anything else."""

from fastapi import APIRouter
from starlette.responses import Response

from patient_gateway.authenticate import Authenticated
from patient_gateway.call import Done, as_json
from patient_gateway.items import read_one
from patient_gateway.openapi import body_of
from patient_gateway.schemas import ConsentRequest
from patient_gateway.texts import emergency_number
from services.clinical.patient import ConsentPurpose
from services.store import consents, credentials, halts, patients
from services.store.transaction import Transaction

router = APIRouter(tags=["consent"])


@router.get("/v1/me", operation_id="getMe")
async def get_me(call: Authenticated) -> Response:
    """Return the patient's id, consent, devices and whether recommendations are stopped."""

    async def look(tx: Transaction) -> Done:
        patient_id = call.own_patient_id
        row = await patients.get(tx, patient_id)
        devices = await credentials.devices(tx, patient_id)
        return Done(
            {
                "patient_id": patient_id,
                "simulated": row.simulated,
                "timezone": row.timezone,
                "enrolled_at": row.enrolled_at.isoformat(),
                "consent": sorted(await consents.current(tx, patient_id)),
                "halted": await halts.is_halted(tx, patient_id),
                "emergency_number": emergency_number(row.timezone),
                "devices": [
                    {
                        "device_id": device.device_id,
                        "model": device.model,
                        "firmware": device.firmware,
                        "validated": device.validated,
                        "cuff_fits": device.cuff_fits,
                        "revoked": device.revoked_at is not None,
                    }
                    for device in devices
                ],
            },
            noted=False,
        )

    return await call.read(look)


@router.get("/v1/consent", operation_id="getConsent")
async def get_consent(call: Authenticated) -> Response:
    """Return the purposes that the patient agrees to."""

    async def look(tx: Transaction) -> Done:
        current = await consents.current(tx, call.own_patient_id)
        return Done({"purposes": sorted(current)}, noted=False)

    return await call.read(look)


@router.put("/v1/consent", operation_id="putConsent", openapi_extra=body_of(ConsentRequest))
async def put_consent(call: Authenticated) -> Response:
    """Agree to exactly these purposes; every other one is withdrawn."""

    async def store(tx: Transaction, body: object) -> Done:
        wanted = frozenset(read_one(body, ConsentRequest).purposes)
        current = await consents.current(tx, call.own_patient_id)
        for purpose in sorted(wanted - current):
            await consents.grant(tx, call.own_patient_id, ConsentPurpose(purpose), now=call.now)
        for purpose in sorted(current - wanted):
            await consents.withdraw(tx, call.own_patient_id, ConsentPurpose(purpose), now=call.now)
        return Done({"purposes": sorted(wanted)}, noted=wanted != current)

    return await call.write(as_json, store)
