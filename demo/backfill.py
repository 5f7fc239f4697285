"""From a vendored record to a patient at home with sixty days behind them."""

import gzip
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import httpx

from demo.desk import Desk
from demo.history import lab_bundle, past_doses, past_readings, zone_name
from demo.personas import DECEASED, Persona, Story
from demo.phone import Phone
from demo.wire import Json, Refused
from services.clinical.patient import ConsentPurpose

RECORDS: Final = Path(__file__).parent / "data" / "fhir" / "patients"
# Long before the first counted week, so that no change is recent.
SINCE_DAYS: Final = 120


class DeceasedAccepted(AssertionError):
    """The gateway took in somebody who has died. That is a defect: stop."""


@dataclass(slots=True)
class Patient:
    """One person of this run: who they play, their id here, their phone, what happened."""

    persona: Persona
    patient_id: str
    phone: Phone
    unknowns: int
    notes: list[str] = field(default_factory=list)


def record_bytes(name: str) -> bytes:
    """Return the bundle exactly as its source published it."""
    return gzip.decompress((RECORDS / f"{name}.json.gz").read_bytes())


async def admit(
    http: httpx.AsyncClient, desk: Desk, persona: Persona, *, gateway_url: str, zone: timezone
) -> Patient:
    """Import the record, confirm it with the patient, sign the plan, enrol the phone."""
    imported = await desk.import_record(record_bytes(persona.record), timezone=zone_name(zone))
    patient_id = str(imported["patient_id"])
    patient = Patient(persona, patient_id, Phone(http, gateway_url), len(imported["unknowns"]))
    await patient.phone.enrol(str(imported["enrolment_code"]))
    await patient.phone.consent(_purposes(persona))
    return patient


async def send_history(patient: Patient, *, now: datetime, zone: timezone) -> None:
    """Send sixty days of readings and doses; without consent none of it may be collected."""
    persona, phone = patient.persona, patient.phone
    readings = past_readings(persona, now=now, zone=zone)
    if persona.story is Story.NO_CONSENT:
        patient.notes.append(await _refused_upload(phone, readings[0]))
        return
    await phone.send("readings", readings)
    await phone.send("doses", past_doses(persona, now=now, zone=zone))


async def confirm(desk: Desk, patient: Patient, *, now: datetime) -> None:
    """Bring fresh laboratory results, reconcile the record and sign the plan."""
    persona = patient.persona
    labs = lab_bundle(persona, patient.patient_id, now=now)
    if labs is not None:
        await desk.gateway.post(f"/v1/imports/{patient.patient_id}", labs)
    since = (now - timedelta(days=SINCE_DAYS)).replace(microsecond=0)
    await desk.reconcile(patient.patient_id, persona, since=since.isoformat())
    await desk.sign_plan(patient.patient_id, persona)


async def refuse_the_deceased(desk: Desk) -> str:
    """Try to import somebody who has died; return the refusal's words. Raises DeceasedAccepted."""
    try:
        await desk.import_record(record_bytes(DECEASED), timezone="Etc/GMT")
    except Refused as refusal:
        return str(refusal)
    raise DeceasedAccepted(DECEASED)


def _purposes(persona: Persona) -> list[str]:
    """Being watched is agreed to at once; advice about doses when the plan has been explained."""
    return [] if persona.story is Story.NO_CONSENT else [ConsentPurpose.MONITORING.value]


async def _refused_upload(phone: Phone, reading: Json) -> str:
    try:
        await phone.send("readings", [reading])
    except Refused as refusal:
        return f"no consent: upload refused ({refusal.code})"
    return "no consent, and yet the upload was taken: this is a defect"
