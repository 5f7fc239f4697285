"""Bringing a living patient in from a FHIR Bundle, and adding to their record later."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, TypeVar
from zoneinfo import available_timezones

from fastapi import APIRouter, Query
from starlette.responses import Response

from patient_gateway.authenticate import Authenticated
from patient_gateway.bodies import IMPORT_LIMITS
from patient_gateway.call import Call, Done
from patient_gateway.import_record import keep_record, note_imported, regimen_after
from patient_gateway.openapi import fhir_bundle
from services.access.codes import enrolment_code_digest, new_enrolment_code
from services.access.policy import Role
from services.fhir.bundle_import import read_addition, read_bundle
from services.fhir.imported import (
    BundleRefused,
    ImportedAddition,
    ImportedPatient,
    ImportedRecord,
    Unknown,
)
from services.problems import FieldError, ProblemCode, ProblemRaised
from services.store import credentials, patients, tasks
from services.store.rows import Identity, NewPatient, PatientFacts, PatientRow
from services.store.transaction import Transaction

router = APIRouter(tags=["imports"])

CODE_LIFETIME = timedelta(days=7)
CLINIC_ID = "clinic"
"""One clinic a stack."""

ImportedT = TypeVar("ImportedT", ImportedPatient, ImportedAddition)
Simulated = Annotated[bool, Query(description="True for an invented patient: labelled everywhere")]
Timezone = Annotated[str, Query(max_length=64, description="IANA name, such as Asia/Shanghai")]
Responsible = Annotated[
    str | None,
    Query(pattern=r"^[0-9a-f-]{36}$", description="The clinician; needed from a registrar"),
]


@router.post("/v1/imports", operation_id="importPatient", openapi_extra=fhir_bundle())
async def import_patient(
    call: Authenticated,
    simulated: Simulated,
    timezone: Timezone,
    clinician_id: Responsible = None,
) -> Response:
    """Enrol the one living patient of a Bundle; return the code that connects their phone.

    What could not be read is listed in `unknowns` and is never guessed.
    """

    async def prepare(raw: bytes) -> tuple[ImportedPatient, bytes]:
        _require_timezone(timezone)
        return await _in_thread(lambda: read_bundle(raw, now=call.now)), raw

    async def store(tx: Transaction, given: tuple[ImportedPatient, bytes]) -> Done:
        imported, raw = given
        responsible = await _responsible(tx, call, clinician_id)
        new = _new_patient(imported, responsible, timezone=timezone, simulated=simulated)
        row = await patients.enrol(tx, new, now=call.now)
        return await _enrolled(tx, call, row, imported, raw, responsible)

    return await call.write(prepare, store, limits=IMPORT_LIMITS)


@router.post("/v1/imports/{patient_id}", operation_id="importMore", openapi_extra=fhir_bundle())
async def import_more(call: Authenticated, patient_id: str) -> Response:
    """Add results, standing pressures or medicines to the record of a patient who is here.

    A medicine that is on record with another dose is listed, never changed: doses change through
    the guard alone.
    """

    async def prepare(raw: bytes) -> tuple[ImportedAddition, bytes]:
        found = await _in_thread(lambda: read_addition(raw, patient_id=patient_id, now=call.now))
        return found, raw

    async def store(tx: Transaction, given: tuple[ImportedAddition, bytes]) -> Done:
        added, raw = given
        await _require_on_team(tx, call, patient_id)
        row = await patients.get(tx, patient_id)
        await _widen_facts(tx, call, patient_id, added.record)
        more = await regimen_after(tx, row, added.record, by=call.claims.actor_id, now=call.now)
        await keep_record(tx, patient_id, added.record, now=call.now)
        await note_imported(tx, patient_id, added.record, raw, now=call.now)
        unknowns = (*added.record.unknowns, *more)
        await _open_list_check(tx, call, patient_id, unknowns)
        return Done(
            {
                "patient_id": patient_id,
                "facts": _summary(added.record),
                "unknowns": [_unknown(item) for item in unknowns],
            }
        )

    return await call.write(prepare, store, limits=IMPORT_LIMITS)


async def _enrolled(
    tx: Transaction,
    call: Call,
    row: PatientRow,
    imported: ImportedPatient,
    raw: bytes,
    responsible: str,
) -> Done:
    record, patient_id = imported.record, row.patient_id
    more = await regimen_after(tx, row, record, by=responsible, now=call.now)
    await keep_record(tx, patient_id, record, now=call.now)
    await note_imported(tx, patient_id, record, raw, now=call.now, identity=imported.identity)
    unknowns = (*record.unknowns, *more)
    await _open_list_check(tx, call, patient_id, unknowns)
    code = new_enrolment_code()
    expires_at = call.now + CODE_LIFETIME
    digest = enrolment_code_digest(code)
    await credentials.issue_code(tx, patient_id, digest, expires_at=expires_at, now=call.now)
    return Done(
        {
            "patient_id": patient_id,
            "simulated": row.simulated,
            "enrolment_code": code,
            "enrolment_code_expires_at": expires_at.isoformat(),
            "facts": _summary(record),
            "unknowns": [_unknown(item) for item in unknowns],
        },
        status=201,
    )


def _new_patient(
    imported: ImportedPatient, responsible: str, *, timezone: str, simulated: bool
) -> NewPatient:
    who, record = imported.identity, imported.record
    name = " ".join((*who.given, who.family)).strip()
    return NewPatient(
        identity=Identity(name, who.birth_date, who.sex, who.identifiers),
        facts=PatientFacts(
            birth_date=who.birth_date,
            sex=who.sex,
            conditions=record.conditions,
            intolerances=record.intolerances,
            other_medicines=record.other_medicines,
            pregnancy=record.pregnancy,
        ),
        clinic_id=CLINIC_ID,
        timezone=timezone,
        simulated=simulated,
        clinician_id=responsible,
    )


async def _widen_facts(
    tx: Transaction, call: Call, patient_id: str, record: ImportedRecord
) -> None:
    """Add what is new to the facts; nothing that is known is taken away or overruled."""
    known = await patients.facts(tx, patient_id)
    wider = replace(
        known,
        conditions=known.conditions | record.conditions,
        intolerances=tuple(dict.fromkeys((*known.intolerances, *record.intolerances))),
        other_medicines=tuple(dict.fromkeys((*known.other_medicines, *record.other_medicines))),
        pregnancy=known.pregnancy if record.pregnancy is None else record.pregnancy,
    )
    if wider != known:
        await patients.set_facts(tx, patient_id, wider, now=call.now)


async def _responsible(tx: Transaction, call: Call, asked: str | None) -> str:
    """Return the clinician who will see the patient: somebody must."""
    if asked is None and call.claims.roles & {Role.CLINICIAN, Role.LEAD}:
        return call.claims.actor_id
    if asked is None:
        error = FieldError("/clinician_id", "the id of the clinician who will see the patient")
        raise ProblemRaised(ProblemCode.INVALID_INPUT, errors=(error,))
    clinician = await credentials.clinician(tx, asked)
    if not clinician.active or not clinician.roles & {Role.CLINICIAN, Role.LEAD}:
        raise ProblemRaised(ProblemCode.NOT_FOUND)
    return clinician.clinician_id


async def _require_on_team(tx: Transaction, call: Call, patient_id: str) -> None:
    """A registrar may add to any record; a clinician to those of their own patients."""
    if Role.REGISTRAR in call.claims.roles:
        return
    if call.claims.actor_id not in await patients.care_team(tx, patient_id):
        raise ProblemRaised(ProblemCode.NOT_FOUND)


async def _open_list_check(
    tx: Transaction, call: Call, patient_id: str, unknowns: tuple[Unknown, ...]
) -> None:
    """Lists that came from elsewhere are never complete: a clinician goes through them."""
    note = "; ".join(f"{item.kind}: {item.display}" for item in unknowns)[:4000] or None
    await tasks.open_task(tx, patient_id, "check_lists", cause="import", note=note, now=call.now)


def _require_timezone(timezone: str) -> None:
    if timezone not in available_timezones():
        error = FieldError("/timezone", "an IANA time zone such as Europe/Berlin")
        raise ProblemRaised(ProblemCode.INVALID_INPUT, errors=(error,))


async def _in_thread(work: Callable[[], ImportedT]) -> ImportedT:
    """Megabytes of FHIR are read beside the event loop. Raises: ProblemRaised."""
    try:
        return await asyncio.to_thread(work)
    except BundleRefused as err:
        reason = (("reason", err.code),)
        raise ProblemRaised(ProblemCode.BUNDLE_REFUSED, err.detail, extra=reason) from err


def _summary(record: ImportedRecord) -> dict[str, object]:
    return {
        "conditions": sorted(record.conditions),
        "hypertension": record.hypertension,
        "drugs": sorted({item.drug.value for item in record.prescriptions}),
        "other_medicines": len(record.other_medicines),
        "intolerances": len(record.intolerances),
        "labs": len(record.labs),
        "weights": len(record.weights),
        "office_readings": len(record.office_readings),
        "resources": len(record.resources),
    }


def _unknown(item: Unknown) -> dict[str, object]:
    return {
        "kind": item.kind,
        "resource_type": item.resource_type,
        "resource_id": item.resource_id,
        "code": item.code,
        "display": item.display,
    }
