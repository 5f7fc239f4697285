"""From a FHIR R4 Bundle to what the clinical core can use, and the bytes that the record keeps."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from services.clinical.patient import Condition, Sex
from services.fhir import checks, codes, fields
from services.fhir.import_condition import read_conditions, read_intolerances
from services.fhir.import_medication import read_medicines
from services.fhir.import_observation import is_read, read_measurements
from services.fhir.imported import (
    BundleRefused,
    ImportedAddition,
    ImportedIdentity,
    ImportedPatient,
    ImportedRecord,
    SourceResource,
    Unknown,
)
from services.fhir.json_spans import Entry, ReadBundle, UnreadableJson, read_entries

_BUNDLE_TYPES: Final = frozenset(
    {"transaction", "batch", "collection", "searchset", "document", "message"}
)
# What is kept one by one; bills, images and the rest stay in the Bundle that the caller stores.
_KEPT: Final = frozenset(
    {"Patient", "Condition", "AllergyIntolerance", "MedicationRequest", "Medication", "Observation"}
)
_HAS_NO_PATIENT: Final = frozenset({"Patient", "Medication"})


def read_bundle(raw: bytes, *, now: datetime) -> ImportedPatient:
    """Return the one living patient of a Bundle with all that a rule can read.

    Raises:
        BundleRefused: not a Bundle that can be trusted, not exactly one patient, a deceased one,
            or a resource of somebody else. Nothing is imported by halves.
    """
    bundle = _read(raw)
    patients = [e for e in bundle.entries if e.resource.get("resourceType") == "Patient"]
    if len(patients) != 1:
        raise BundleRefused(
            "several_patients" if patients else "no_patient",
            f"{len(patients)} Patient resources, one is needed",
        )
    _require_living(patients[0].resource)
    identity = _identity(patients[0])
    owner = {f"Patient/{identity.source_id}", f"urn:uuid:{identity.source_id}"}
    if patients[0].full_url is not None:
        owner.add(patients[0].full_url)
    return ImportedPatient(identity, _record(bundle.entries, owner, now))


def read_addition(raw: bytes, *, patient_id: str, now: datetime) -> ImportedAddition:
    """Return more about a patient who is here: every resource names "Patient/<patient_id>".

    Raises:
        BundleRefused: as `read_bundle`; also when a Patient comes along.
    """
    bundle = _read(raw)
    if any(e.resource.get("resourceType") == "Patient" for e in bundle.entries):
        raise BundleRefused("several_patients", "an addition brings no Patient")
    return ImportedAddition(_record(bundle.entries, {f"Patient/{patient_id}"}, now))


def _read(raw: bytes) -> ReadBundle:
    try:
        bundle = read_entries(raw)
    except UnreadableJson as err:
        raise BundleRefused(err.code, err.detail) from err
    if bundle.header.get("resourceType") != "Bundle":
        raise BundleRefused("not_a_bundle", "resourceType is not Bundle")
    if bundle.header.get("type") not in _BUNDLE_TYPES:
        raise BundleRefused("not_a_bundle", "this type of Bundle carries no record")
    return bundle


def _require_living(patient: dict[str, object]) -> None:
    if patient.get("deceasedDateTime") is not None or patient.get("deceasedBoolean") is True:
        raise BundleRefused("deceased", "the record says that the patient has died")


def _identity(entry: Entry) -> ImportedIdentity:
    patient = entry.resource
    source_id = fields.text(patient, "id")
    problems = checks.shape_problems(entry.body)
    if source_id is None or problems:
        raise BundleRefused("unreadable_patient", problems[0].path if problems else "id")
    names = fields.items(patient.get("name"))
    name = next((row for row in names if row.get("use") == "official"), names[0] if names else None)
    given = fields.part(name, "given")
    gender = fields.text(patient, "gender")
    return ImportedIdentity(
        source_id=source_id,
        family=fields.text(name, "family") or "",
        given=tuple(str(g) for g in given) if isinstance(given, list) else (),
        birth_date=fields.day(fields.text(patient, "birthDate")),
        sex=codes.SEXES.get(gender or "", Sex.UNKNOWN),
        identifiers=_identifiers(patient),
    )


def _identifiers(patient: dict[str, object]) -> tuple[tuple[str, str], ...]:
    pairs = (
        (fields.text(row, "system"), fields.text(row, "value"))
        for row in fields.items(patient.get("identifier"))
    )
    return tuple((system, value) for system, value in pairs if system is not None and value)


def _record(entries: Iterable[Entry], owner: set[str], now: datetime) -> ImportedRecord:
    kept: list[Entry] = []
    unknowns: list[Unknown] = []
    for entry in entries:
        _require_owner(entry.resource, owner)
        if not _is_kept(entry.resource):
            continue
        if checks.shape_problems(entry.body):
            unknowns.append(_unreadable(entry.resource))
        else:
            kept.append(entry)
    return _interpret(kept, unknowns, now)


def _interpret(kept: list[Entry], unknowns: list[Unknown], now: datetime) -> ImportedRecord:
    medicines = read_medicines(_of(kept, "MedicationRequest"), _medications(kept))
    measured = read_measurements(_of(kept, "Observation"), now=now)
    diagnoses = read_conditions(_of(kept, "Condition"), now=now)
    intolerances, angioedema, unread = read_intolerances(_of(kept, "AllergyIntolerance"))
    conditions = diagnoses.conditions | ({Condition.ANGIOEDEMA} if angioedema else frozenset())
    return ImportedRecord(
        prescriptions=medicines.prescriptions,
        other_medicines=medicines.others,
        conditions=conditions,
        hypertension=diagnoses.hypertension,
        pregnancy=diagnoses.pregnancy,
        intolerances=intolerances,
        labs=measured.labs,
        weights=measured.weights,
        office_readings=measured.readings,
        unknowns=(
            *unknowns,
            *medicines.unknowns,
            *measured.unknowns,
            *diagnoses.unknowns,
            *unread,
        ),
        resources=tuple(_source(entry) for entry in kept),
    )


def _of(entries: Iterable[Entry], resource_type: str) -> list[dict[str, object]]:
    return [e.resource for e in entries if e.resource["resourceType"] == resource_type]


def _medications(entries: Iterable[Entry]) -> dict[str, dict[str, object]]:
    """Return each Medication under every reference that a request may use for it."""
    known: dict[str, dict[str, object]] = {}
    for entry in entries:
        if entry.resource["resourceType"] == "Medication":
            known[f"Medication/{entry.resource.get('id')}"] = entry.resource
            if entry.full_url is not None:
                known[entry.full_url] = entry.resource
    return known


def _require_owner(resource: dict[str, object], owner: set[str]) -> None:
    """Refuse the Bundle when any resource is about another patient, whatever its type."""
    if resource.get("resourceType") in _HAS_NO_PATIENT:
        return
    subject = resource.get("subject", resource.get("patient"))
    named = fields.text(subject, "reference")
    about_a_person = named is not None and not named.startswith(("Group/", "Device/", "Location/"))
    if about_a_person and named not in owner:
        raise BundleRefused("other_patient", f"a {resource.get('resourceType')} of another patient")
    if subject is None and _is_kept(resource):
        raise BundleRefused("other_patient", f"a {resource.get('resourceType')} of nobody")


def _is_kept(resource: dict[str, object]) -> bool:
    kind = resource.get("resourceType")
    return kind in _KEPT and (kind != "Observation" or is_read(resource))


def _unreadable(resource: dict[str, object]) -> Unknown:
    code, display = fields.first_coding(resource.get("code"))
    kind = str(resource.get("resourceType"))
    return Unknown("unreadable_resource", kind, str(resource.get("id", "")), code, display)


def _source(entry: Entry) -> SourceResource:
    resource = entry.resource
    return SourceResource(str(resource["resourceType"]), str(resource.get("id", "")), entry.body)
