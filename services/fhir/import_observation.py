"""Laboratory results, weights and clinic pressures of a record, in our units."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from services.clinical.patient import LabResult, Weight
from services.clinical.readings import BloodPressure, ImpossibleReading, Posture
from services.clinical.units import Mmhg
from services.fhir import codes, fields, terminology
from services.fhir.imported import Unknown, UnknownKind

_GIVEN: Final = frozenset({"final", "amended", "corrected"})
# Two clocks never agree; what lies further ahead than this is a mistake.
_CLOCKS_DIFFER: Final = timedelta(minutes=10)
_WEIGHT_KG: Final = (20, 400)
_PANELS: Final = frozenset({codes.BP_PANEL.code, codes.BP_PANEL_OLD.code})


@dataclass(frozen=True, slots=True)
class Measurements:
    """What the Observations say, oldest first, and those that no rule can read."""

    labs: tuple[LabResult, ...]
    weights: tuple[Weight, ...]
    readings: tuple[BloodPressure, ...]
    unknowns: tuple[Unknown, ...]


def is_read(observation: dict[str, object]) -> bool:
    """Tell whether any rule reads this kind of Observation."""
    return _code(observation) is not None


def read_measurements(observations: Iterable[dict[str, object]], *, now: datetime) -> Measurements:
    """Return all results that can be read. `now` is when they were received."""
    labs: list[LabResult] = []
    weights: list[Weight] = []
    readings: list[BloodPressure] = []
    unknowns: list[Unknown] = []
    for observation in observations:
        found = _read(observation, now)
        match found:
            case LabResult():
                labs.append(found)
            case Weight():
                weights.append(found)
            case BloodPressure():
                readings.append(found)
            case Unknown():
                unknowns.append(found)
            case None:
                pass
    return Measurements(
        labs=tuple(sorted(labs, key=lambda lab: lab.taken_at)),
        weights=tuple(sorted(weights, key=lambda weight: weight.taken_at)),
        readings=tuple(sorted(readings, key=lambda reading: reading.taken_at)),
        unknowns=tuple(unknowns),
    )


_Found = LabResult | Weight | BloodPressure | Unknown | None


def _read(observation: dict[str, object], now: datetime) -> _Found:
    code = _code(observation)
    if code is None or observation.get("status") not in _GIVEN:
        return None
    if observation.get("dataAbsentReason") is not None:
        return None
    when = fields.moment(fields.text(observation, "effectiveDateTime"))
    if when is not None and when[0] > now + _CLOCKS_DIFFER:
        return _unknown("in_the_future", observation)
    if when is None:
        return _unknown("reading_time" if code in _PANELS else "lab_time", observation)
    if code in _PANELS:
        return _reading(observation, when, now)
    if code == codes.BODY_WEIGHT.code:
        return _weight(observation, when[0])
    return _lab(observation, code, when[0])


def _code(observation: dict[str, object]) -> str | None:
    for code, _ in fields.codings(observation.get("code"), codes.LOINC):
        if code in _PANELS or code in terminology.LABS or code == codes.BODY_WEIGHT.code:
            return code
    return None


def _lab(observation: dict[str, object], code: str, taken_at: datetime) -> LabResult | Unknown:
    lab, factors = terminology.LABS[code]
    found = fields.quantity(observation, "valueQuantity")
    if found is None or found[1] not in factors:
        return _unknown("lab_unit", observation)
    amount = found[0] * factors[found[1]] * 1000
    value = int(amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    low, high = terminology.PLAUSIBLE[lab]
    if not low <= value <= high:
        return _unknown("lab_value", observation)
    return LabResult(lab, value, taken_at)


def _weight(observation: dict[str, object], taken_at: datetime) -> Weight | Unknown:
    found = fields.quantity(observation, "valueQuantity")
    if found is None or found[1] not in ("kg", "g"):
        return _unknown("lab_unit", observation)
    kilograms = found[0] if found[1] == "kg" else found[0] / 1000
    if not _WEIGHT_KG[0] <= kilograms <= _WEIGHT_KG[1]:
        return _unknown("lab_value", observation)
    grams = (kilograms * 1000).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    return Weight(int(grams), taken_at)


def _reading(
    observation: dict[str, object], when: tuple[datetime, int], now: datetime
) -> BloodPressure | Unknown:
    systolic = _component_mmhg(observation, codes.SYSTOLIC.code)
    diastolic = _component_mmhg(observation, codes.DIASTOLIC.code)
    posture = _posture(observation)
    if systolic is None or diastolic is None or posture is None:
        return _unknown("reading_value", observation)
    try:
        return BloodPressure(
            reading_id=fields.text(observation, "id") or "",
            systolic_mmhg=systolic,
            diastolic_mmhg=diastolic,
            pulse_bpm=None,
            taken_at=when[0],
            utc_offset_minutes=when[1],
            received_at=now,
            posture=posture,
            history=True,
        )
    except ImpossibleReading:
        return _unknown("reading_value", observation)


def _component_mmhg(observation: dict[str, object], code: str) -> Mmhg | None:
    """Return the one component with this code in whole mmHg; two of them contradict each other."""
    rows = [
        row
        for row in fields.items(observation.get("component"))
        if any(found == code for found, _ in fields.codings(row.get("code"), codes.LOINC))
    ]
    value = fields.quantity(rows, "valueQuantity") if len(rows) == 1 else None
    if value is None or value[1] != "mm[Hg]":
        return None
    return Mmhg(int(value[0].quantize(Decimal(1), rounding=ROUND_HALF_EVEN)))


def _posture(observation: dict[str, object]) -> Posture | None:
    """Return the posture; none said is the clinic's habit, sitting. Standing needs its minute."""
    rows = {fields.text(row, "url"): row for row in fields.items(observation.get("extension"))}
    if codes.BODY_POSITION not in rows:
        return Posture.SITTING
    position = fields.text(rows[codes.BODY_POSITION], "valueCodeableConcept", "coding", "code")
    minutes = fields.number(rows.get(codes.EXTENSION_STANDING), "valueInteger")
    known: dict[tuple[str | None, Decimal | None], Posture] = {
        (codes.SITTING.code, None): Posture.SITTING,
        (codes.LYING.code, None): Posture.LYING,
        (codes.STANDING.code, Decimal(1)): Posture.STANDING_1_MIN,
        (codes.STANDING.code, Decimal(3)): Posture.STANDING_3_MIN,
    }
    return known.get((position, minutes))


def _unknown(kind: UnknownKind, observation: dict[str, object]) -> Unknown:
    code, display = fields.first_coding(observation.get("code"))
    return Unknown(kind, "Observation", fields.text(observation, "id") or "", code, display)
