"""Active requests of a record: product to drug and strength; the dose only where it has a unit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.clinical.formulary import Drug
from services.clinical.patient import OtherMedicine, OtherMedicineKind
from services.clinical.products import Part, Product, find_product
from services.clinical.units import Micrograms
from services.fhir import codes, fields
from services.fhir.imported import ImportedPrescription, Unknown

_UCUM_MICROGRAMS: Final = {"ug": 1, "mg": 1000, "g": 1_000_000}
_TABLETS: Final = frozenset({"{tbl}", "{tablet}", "TAB"})
_HOURS_A_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class Medicines:
    """What the active requests say. At most one prescription a drug: the latest request's."""

    prescriptions: tuple[ImportedPrescription, ...]
    others: tuple[OtherMedicine, ...]
    unknowns: tuple[Unknown, ...]


@dataclass(frozen=True, slots=True)
class _Request:
    resource_id: str
    code: str
    display: str
    product: Product | None
    since: datetime | None
    dosage: object


def read_medicines(
    requests: Iterable[dict[str, object]], medications: Mapping[str, dict[str, object]]
) -> Medicines:
    """Return the medicines of all active orders. `medications`: Medication by its reference."""
    active = [_request(r, medications) for r in requests if _is_active(r)]
    found: list[ImportedPrescription] = []
    others: dict[str, OtherMedicine] = {}
    unknowns: list[Unknown] = []
    for request in active:
        if request.product is None or request.since is None:
            unknowns.append(_not_known(request))
            others[request.code] = _unknown_medicine(request.code)
            continue
        for other in request.product.foreign:
            others[request.code] = OtherMedicine(other.kind, request.code, other.antihypertensive)
        for component in request.product.parts:
            found.append(_prescription(request, component, request.since))
    prescriptions, conflicts = _latest(found)
    unknowns.extend(conflicts)
    unknowns.extend(_dose_unknown(p) for p in prescriptions if p.daily_dose_ug is None)
    return Medicines(prescriptions, tuple(others.values()), tuple(unknowns))


def _is_active(request: dict[str, object]) -> bool:
    return (
        request.get("status") == "active"
        and request.get("intent") in ("order", "original-order", "instance-order", "reflex-order")
        and request.get("doNotPerform") is not True
    )


def _request(request: dict[str, object], medications: Mapping[str, dict[str, object]]) -> _Request:
    named: object = request.get("medicationCodeableConcept")
    target = fields.text(request, "medicationReference", "reference")
    if named is None and target is not None:
        named = fields.part(medications.get(target), "code")
    found = next(
        ((code, known) for code, _ in fields.codings(named, codes.RXNORM)
         if (known := find_product(code)) is not None),
        None,
    )  # fmt: skip
    code, display = fields.first_coding(named)
    written = fields.moment(fields.text(request, "authoredOn"))
    return _Request(
        resource_id=fields.text(request, "id") or "",
        code=found[0] if found is not None else code,
        display=display,
        product=found[1] if found is not None else None,
        since=written[0] if written is not None else None,
        dosage=request.get("dosageInstruction"),
    )


def _prescription(request: _Request, component: Part, since: datetime) -> ImportedPrescription:
    alone = request.product is not None and len(request.product.parts) == 1
    intake = _intake_ug(request.dosage, component, alone=alone)
    times = _times_a_day(request.dosage)
    known = intake is not None and times is not None
    return ImportedPrescription(
        drug=component.drug,
        daily_dose_ug=Micrograms(intake * times) if known and intake and times else None,
        times_a_day=times,
        tablet_ug=component.strength_ug,
        since=since,
        product_code=request.code,
        source_id=request.resource_id,
    )


def _intake_ug(dosage: object, component: Part, *, alone: bool) -> int | None:
    """Return what is swallowed at once, where the record gives it a unit.

    A bare "1" could be a tablet, a milligram or a spoon: it is not known. A mass is the drug's
    own only when the product holds nothing else.
    """
    rows = fields.items(dosage)
    if len(rows) != 1 or fields.part(rows, "asNeededBoolean") is True:
        return None
    dose = fields.part(rows, "doseAndRate", "doseQuantity")
    amount, unit = fields.number(dose, "value"), fields.text(dose, "code")
    if amount is None or unit is None or amount <= 0:
        return None
    if unit in _TABLETS:
        return _whole(amount * component.strength_ug)
    if alone and unit in _UCUM_MICROGRAMS and fields.text(dose, "system") == codes.UCUM:
        return _whole(amount * _UCUM_MICROGRAMS[unit])
    return None


def _whole(micrograms: Decimal) -> int | None:
    """Return whole micrograms; a finer dose is a mistake in the record, not ours to round."""
    return int(micrograms) if micrograms == micrograms.to_integral_value() else None


def _times_a_day(dosage: object) -> int | None:
    repeat = fields.part(fields.items(dosage), "timing", "repeat")
    frequency, period = fields.number(repeat, "frequency"), fields.number(repeat, "period")
    unit = fields.text(repeat, "periodUnit")
    if frequency is None or period is None or period <= 0 or unit not in ("d", "h"):
        return None
    a_day = frequency / period * (_HOURS_A_DAY if unit == "h" else 1)
    return int(a_day) if a_day == a_day.to_integral_value() and a_day > 0 else None


def _latest(
    found: list[ImportedPrescription],
) -> tuple[tuple[ImportedPrescription, ...], list[Unknown]]:
    """Keep the latest request of each drug; two of one moment that differ leave it unknown."""
    kept: dict[Drug, ImportedPrescription] = {}
    conflicts: list[Unknown] = []
    for one in sorted(found, key=lambda p: (p.since, p.source_id)):
        before = kept.get(one.drug)
        if before is not None and before.since == one.since and _differ(before, one):
            conflicts.append(_conflict(one))
            one = _without_dose(one)
        kept[one.drug] = one
    return tuple(kept[drug] for drug in Drug if drug in kept), conflicts


def _differ(first: ImportedPrescription, second: ImportedPrescription) -> bool:
    return (first.daily_dose_ug, first.tablet_ug) != (second.daily_dose_ug, second.tablet_ug)


def _without_dose(one: ImportedPrescription) -> ImportedPrescription:
    return ImportedPrescription(
        drug=one.drug,
        daily_dose_ug=None,
        times_a_day=None,
        tablet_ug=None,
        since=one.since,
        product_code=one.product_code,
        source_id=one.source_id,
    )


def _unknown_medicine(code: str) -> OtherMedicine:
    return OtherMedicine(OtherMedicineKind.UNKNOWN, code, antihypertensive=False)


def _not_known(request: _Request) -> Unknown:
    return Unknown(
        "medicine", "MedicationRequest", request.resource_id, request.code, request.display
    )


def _dose_unknown(one: ImportedPrescription) -> Unknown:
    return Unknown(
        "dose", "MedicationRequest", one.source_id, one.product_code, f"dose of {one.drug.value}"
    )


def _conflict(one: ImportedPrescription) -> Unknown:
    return Unknown(
        "conflicting_requests",
        "MedicationRequest",
        one.source_id,
        one.product_code,
        f"two active requests for {one.drug.value} at one moment",
    )
