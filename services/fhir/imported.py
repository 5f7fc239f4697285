"""What an import found, in clinical types; and what it could not read, listed, never guessed."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from services.clinical.formulary import Drug
from services.clinical.patient import (
    Condition,
    Intolerance,
    LabResult,
    OtherMedicine,
    Pregnancy,
    Sex,
    Weight,
)
from services.clinical.readings import BloodPressure
from services.clinical.units import Micrograms

RefusalCode = Literal[
    "malformed_json", "not_utf8", "duplicate_key", "too_deep", "too_large",
    "not_a_bundle", "no_patient", "several_patients", "unreadable_patient", "deceased",
    "other_patient",
]  # fmt: skip

UnknownKind = Literal[
    "unreadable_resource", "medicine", "dose", "conflicting_requests", "condition", "allergy",
    "lab_unit", "lab_value", "lab_time", "reading_value", "reading_time", "time",
    "in_the_future",
]  # fmt: skip


class BundleRefused(ValueError):
    """Nothing was imported. `code` says why; `detail` is for the sender and names no value."""

    def __init__(self, code: RefusalCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code: RefusalCode = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Unknown:
    """One thing in the record that no rule could read. `display` is the record's own wording."""

    kind: UnknownKind
    resource_type: str
    resource_id: str
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class ImportedIdentity:
    """Who it is. `identifiers` are (system, value) as the record has them."""

    source_id: str
    family: str
    given: tuple[str, ...]
    birth_date: date | None
    sex: Sex
    identifiers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ImportedPrescription:
    """An active request for a drug of the formulary. None: not known, ask; never a default.

    `tablet_ug` is what one tablet of the product holds; `daily_dose_ug` needs a dose with a unit.
    """

    drug: Drug
    daily_dose_ug: Micrograms | None
    times_a_day: int | None
    tablet_ug: Micrograms | None
    since: datetime
    product_code: str
    source_id: str


@dataclass(frozen=True, slots=True)
class SourceResource:
    """One resource with the bytes it came in: store and hash these."""

    resource_type: str
    resource_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ImportedRecord:
    """What the resources said. `office_readings` are history from a clinic, no home protocol:

    their monitor is unknown, so no average counts them. Tuples are ordered oldest first.
    """

    prescriptions: tuple[ImportedPrescription, ...]
    other_medicines: tuple[OtherMedicine, ...]
    conditions: frozenset[Condition]
    hypertension: bool
    pregnancy: Pregnancy | None
    intolerances: tuple[Intolerance, ...]
    labs: tuple[LabResult, ...]
    weights: tuple[Weight, ...]
    office_readings: tuple[BloodPressure, ...]
    unknowns: tuple[Unknown, ...]
    resources: tuple[SourceResource, ...]


@dataclass(frozen=True, slots=True)
class ImportedPatient:
    """A living patient's record. `*_complete` is never true: a record cannot say it is all."""

    identity: ImportedIdentity
    record: ImportedRecord


@dataclass(frozen=True, slots=True)
class ImportedAddition:
    """More of a patient who is here already: fresh labs, pressures, requests."""

    record: ImportedRecord
