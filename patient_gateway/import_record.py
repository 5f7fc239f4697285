"""What an import leaves in the record: measurements as history, the regimen, original bytes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from services.audit.actions import Action as Act
from services.clinical.patient import Prescription
from services.clinical.readings import BloodPressure
from services.fhir import medication
from services.fhir.imported import (
    ImportedIdentity,
    ImportedPrescription,
    ImportedRecord,
    SourceResource,
    Unknown,
)
from services.fhir.patient import patient as patient_resource
from services.fhir.resource import Subject, to_bytes
from services.ids import new_id
from services.store import blobs, labs, patients, readings, regimen, resources, weights
from services.store.assessing import lock_patient
from services.store.rows import NewLab, NewReading, NewWeight, PatientRow
from services.store.transaction import Transaction

_IDS_IN_EVENT = 2000


async def keep_record(
    tx: Transaction, patient_id: str, record: ImportedRecord, *, now: datetime
) -> None:
    """Store results, weights and office readings; what was imported before is recognised.

    Office readings are history: they page nobody and no home average counts them.
    """
    await labs.record(
        tx,
        patient_id,
        [
            NewLab(
                # With the value: a corrected result of the same sample is another result.
                f"import:{item.lab.value}:{item.taken_at.isoformat()}:{item.value_thousandths}",
                item.lab,
                item.value_thousandths,
                item.taken_at,
            )
            for item in record.labs
        ],
        now=now,
    )
    await weights.record(
        tx,
        patient_id,
        [
            NewWeight(f"import:{item.taken_at.isoformat()}", item.grams, item.taken_at)
            for item in record.weights
        ],
        now=now,
    )
    new_readings = [_office_reading(item) for item in record.office_readings]
    await readings.record(tx, patient_id, new_readings, now=now)


async def regimen_after(
    tx: Transaction, row: PatientRow, record: ImportedRecord, *, by: str, now: datetime
) -> tuple[Unknown, ...]:
    """Add the drugs whose dose is known to the regimen; return the conflicts with what is here.

    A drug of unknown dose is among the record's own unknowns and stays out.
    A drug that is prescribed here already keeps its dose, whatever the record from elsewhere
    says: a dose changes through the guard alone. So it is with one that was stopped here.
    """
    await lock_patient(tx, row.patient_id)
    standing = await regimen.current(tx, row.patient_id)
    here = {item.drug: item for item in standing}
    ordered_here = {change.drug for change in await regimen.changes(tx, row.patient_id)}
    new: list[Prescription] = []
    unknowns: list[Unknown] = []
    for item in record.prescriptions:
        prescription = _prescription(item)
        if prescription is None:
            continue
        if item.drug not in here:
            if item.drug in ordered_here:
                unknowns.append(_conflict(item))
            else:
                new.append(prescription)
        elif here[item.drug].daily_dose_ug != prescription.daily_dose_ug:
            unknowns.append(_conflict(item))
    if new:
        await regimen.import_prescriptions(tx, row.patient_id, (*standing, *new), now=now)
        await resources.put_new(tx, row.patient_id, _orders(row, new, by), now=now)
    return tuple(unknowns)


async def note_imported(
    tx: Transaction,
    patient_id: str,
    record: ImportedRecord,
    raw: bytes,
    *,
    now: datetime,
    identity: ImportedIdentity | None = None,
) -> None:
    """Keep the original bytes, whole and by resource, and note the import by their names."""
    blob_id = await blobs.write(tx, patient_id, raw)
    originals = [_original(patient_id, item) for item in record.resources]
    if identity is not None:
        row = await patients.get(tx, patient_id)
        originals.append(("Patient", patient_id, to_bytes(_patient(row, identity))))
    there = await _kept_before(tx, patient_id, {kind for kind, _, _ in originals})
    fresh = {(kind, name): body for kind, name, body in originals if (kind, name) not in there}
    new = [(kind, name, body) for (kind, name), body in fresh.items()]
    await resources.put_new(tx, patient_id, new, now=now)
    await tx.event(
        Act.RECORD_IMPORTED,
        now=now,
        subject_type="Bundle",
        subject_id=blob_id,
        payload={"resources": [f"{kind}/{name}" for kind, name, _ in new][:_IDS_IN_EVENT]},
        details=(("count", len(new)), ("unknowns", len(record.unknowns))),
        patient_id=patient_id,
    )


async def _kept_before(tx: Transaction, patient_id: str, kinds: set[str]) -> set[tuple[str, str]]:
    kept = set()
    for kind in sorted(kinds):
        for resource in await resources.of_patient(tx, patient_id, kind):
            kept.add((kind, resource.resource_id))
    return kept


def _prescription(item: ImportedPrescription) -> Prescription | None:
    """Return the drug as prescribed; None when its dose or its times a day are not known."""
    if item.daily_dose_ug is None or item.times_a_day is None:
        return None
    return Prescription(
        drug=item.drug,
        daily_dose_ug=item.daily_dose_ug,
        times_a_day=item.times_a_day,
        since=item.since,
        order_id=new_id(),
        tablet_strength_ug=item.tablet_ug,
    )


def _orders(
    row: PatientRow, prescriptions: Sequence[Prescription], clinician_id: str
) -> list[tuple[str, str, bytes]]:
    """Return our own order for each imported drug, so that a later step has one to replace."""
    return [
        (
            "MedicationRequest",
            item.order_id,
            to_bytes(
                medication.imported_order(
                    order_id=item.order_id,
                    subject=Subject(row.patient_id, row.simulated),
                    drug=item.drug,
                    daily_dose_ug=item.daily_dose_ug,
                    times_a_day=item.times_a_day,
                    since=item.since,
                    clinician_id=clinician_id,
                )
            ),
        )
        for item in prescriptions
    ]


def _patient(row: PatientRow, identity: ImportedIdentity) -> dict[str, object]:
    return dict(
        patient_resource(
            patient_id=row.patient_id,
            family=identity.family,
            given=identity.given,
            birth_date=identity.birth_date,
            sex=identity.sex,
            identifiers=identity.identifiers,
            simulated=row.simulated,
        )
    )


def _original(patient_id: str, item: SourceResource) -> tuple[str, str, bytes]:
    """Another system's id may be in use here for another patient; ours follows from both."""
    name = f"{patient_id}/{item.resource_type}/{item.resource_id}"
    return item.resource_type, str(uuid5(NAMESPACE_URL, name)), item.body


def _office_reading(item: BloodPressure) -> NewReading:
    pressure = f"{item.systolic_mmhg}-{item.diastolic_mmhg}"
    return NewReading(
        client_id=f"import:{item.taken_at.isoformat()}:{pressure}:{item.posture.value}",
        systolic_mmhg=item.systolic_mmhg,
        diastolic_mmhg=item.diastolic_mmhg,
        pulse_bpm=item.pulse_bpm,
        taken_at=item.taken_at,
        utc_offset_minutes=item.utc_offset_minutes,
        posture=item.posture,
        source=item.source,
        device_validated=item.device_validated,
        cuff_fits=item.cuff_fits,
        irregular_pulse=item.irregular_pulse,
        history=item.history,
    )


def _conflict(item: ImportedPrescription) -> Unknown:
    code, drug = item.product_code, item.drug.value
    return Unknown("conflicting_requests", "MedicationRequest", item.source_id, code, drug)
