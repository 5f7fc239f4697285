"""What was measured: cuff panel, home average, heart rate, laboratory result, weight."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.clinical.patient import LabResult, Weight
from services.clinical.readings import BloodPressure, Posture, ReadingSource
from services.fhir import codes
from services.fhir.coding import Coding
from services.fhir.resource import (
    Resource,
    Subject,
    concept,
    instant,
    meta,
    quantity,
    reference,
    references,
    tenths,
    thousandths,
)

_POSITIONS: Final[dict[Posture, tuple[Coding, int | None]]] = {
    Posture.SITTING: (codes.SITTING, None),
    Posture.STANDING_1_MIN: (codes.STANDING, 1),
    Posture.STANDING_3_MIN: (codes.STANDING, 3),
    Posture.LYING: (codes.LYING, None),
}


def cuff_panel(*, reading: BloodPressure, subject: Subject, device_id: str | None) -> Resource:
    """Return the US Core panel of one cuff reading; its id is the reading's.

    A reading that the patient typed names no device: nobody knows which monitor it came from.
    """
    measured = reading.source is ReadingSource.DEVICE and device_id is not None
    return (
        _observation(reading.reading_id, subject, codes.BP_PANEL, codes.VITAL_SIGNS)
        | meta(simulated=subject.simulated, profiles=(codes.BP_PROFILE,))
        | {
            "effectiveDateTime": instant(reading.taken_at),
            "issued": instant(reading.received_at),
            "method": concept(codes.CUFF_METHOD),
            "extension": _position(reading.posture),
            "component": [
                _component(codes.SYSTOLIC, quantity(reading.systolic_mmhg, "mmHg", "mm[Hg]")),
                _component(codes.DIASTOLIC, quantity(reading.diastolic_mmhg, "mmHg", "mm[Hg]")),
            ],
        }
        | ({"device": reference("Device", str(device_id))} if measured else {})
    )


def heart_rate(
    *,
    observation_id: str,
    subject: Subject,
    beats_per_minute: int,
    measured_at: datetime,
    device_id: str | None,
) -> Resource:
    """Return a heart rate, measured beside a cuff reading or by the watch."""
    return (
        _observation(observation_id, subject, codes.HEART_RATE, codes.VITAL_SIGNS)
        | meta(simulated=subject.simulated, profiles=(codes.HEART_RATE_PROFILE,))
        | {
            "effectiveDateTime": instant(measured_at),
            "valueQuantity": quantity(beats_per_minute, "beats/minute", "/min"),
        }
        | ({"device": reference("Device", device_id)} if device_id is not None else {})
    )


def home_average(
    *,
    observation_id: str,
    subject: Subject,
    systolic_tenths_mmhg: int,
    diastolic_tenths_mmhg: int,
    start: datetime,
    end: datetime,
    reading_ids: Sequence[str],
) -> Resource:
    """Return the protocol average that may move a dose, derived from the readings it counts."""
    return (
        _observation(observation_id, subject, codes.AVERAGE_PANEL, codes.VITAL_SIGNS)
        | meta(simulated=subject.simulated)
        | {
            "effectivePeriod": {"start": instant(start), "end": instant(end)},
            "component": [
                _component(codes.AVERAGE_SYSTOLIC, _tenths_mmhg(systolic_tenths_mmhg)),
                _component(codes.AVERAGE_DIASTOLIC, _tenths_mmhg(diastolic_tenths_mmhg)),
            ],
            "derivedFrom": references(f"Observation/{reading}" for reading in reading_ids),
        }
    )


def lab(*, observation_id: str, subject: Subject, result: LabResult) -> Resource:
    """Return a laboratory result with our one code and one unit for its test."""
    code, unit = codes.LABS[result.lab]
    return (
        _observation(observation_id, subject, code, codes.LABORATORY)
        | meta(simulated=subject.simulated)
        | {
            "effectiveDateTime": instant(result.taken_at),
            "valueQuantity": quantity(thousandths(result.value_thousandths), unit, unit),
        }
    )


def weight(*, observation_id: str, subject: Subject, weight: Weight) -> Resource:
    """Return a body weight in kilograms."""
    return (
        _observation(observation_id, subject, codes.BODY_WEIGHT, codes.VITAL_SIGNS)
        | meta(simulated=subject.simulated)
        | {
            "effectiveDateTime": instant(weight.taken_at),
            "valueQuantity": quantity(thousandths(weight.grams), "kg", "kg"),
        }
    )


def _observation(observation_id: str, subject: Subject, code: Coding, category: Coding) -> Resource:
    return {
        "resourceType": "Observation",
        "id": observation_id,
        "status": "final",
        "category": [concept(category)],
        "code": concept(code),
        "subject": reference("Patient", subject.patient_id),
    }


def _component(code: Coding, value: Resource) -> Resource:
    return {"code": concept(code), "valueQuantity": value}


def _tenths_mmhg(value: int) -> Resource:
    return quantity(tenths(value), "mmHg", "mm[Hg]")


def _position(posture: Posture) -> list[Resource]:
    position, minutes = _POSITIONS[posture]
    body: list[Resource] = [{"url": codes.BODY_POSITION, "valueCodeableConcept": concept(position)}]
    if minutes is not None:
        body.append({"url": codes.EXTENSION_STANDING, "valueInteger": minutes})
    return body
