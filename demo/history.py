"""Sixty days of a simulated life, as the phone and the laboratory would have sent them.

Pure: persona, moment and zone in, JSON items out. Everything before the enrolment is history: it
counts for averages and never pages anyone.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from demo.personas import Persona, Story
from demo.physiology import Measured, day_effects, week
from services.clinical.formulary import FORMULARY
from services.clinical.patient import Lab
from services.clinical.units import Micrograms, format_dose, parse_dose

Item = dict[str, object]

BACKFILL_DAYS: Final = 60
# One week a month, as self-titration plans measure, and the week that ends yesterday.
# Source: TASMINH2 [V]; the latest week is what today's average is made of.
WEEKS_AGO: Final = (58, 30, 7)
WEEK_DAYS: Final = 7
LABS_DAYS_AGO: Final = (150, 20)
STANDING_DAYS_AGO: Final = 3
LOCAL_HOUR: Final = 8
"""The demo's patients live where it is this hour now, so that live readings are morning ones."""

_LOINC: Final[dict[Lab, tuple[str, str]]] = {
    Lab.POTASSIUM: ("2823-3", "mmol/L"),
    Lab.SODIUM: ("2951-2", "mmol/L"),
    Lab.CREATININE: ("2160-0", "mg/dL"),
    Lab.EGFR: ("33914-3", "mL/min/{1.73_m2}"),
}


def local_zone(now: datetime) -> timezone:
    """Return the whole-hour zone where it is `LOCAL_HOUR` o'clock at `now`."""
    hours = LOCAL_HOUR - now.astimezone(UTC).hour
    return timezone(timedelta(hours=hours + 24 if hours < -12 else hours))


def zone_name(zone: timezone) -> str:
    """Return the IANA name of a whole-hour zone; its sign is the reverse of ISO's."""
    hours = round(zone.utcoffset(None).total_seconds() / 3600)
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"


def reading_item(measured: Measured, *, client_id: str, **more: object) -> Item:
    """Return one cuff reading as a phone sends it."""
    return {
        "client_id": client_id,
        "systolic": measured.systolic_mmhg,
        "diastolic": measured.diastolic_mmhg,
        "unit": "mm[Hg]",
        "pulse": measured.pulse_bpm,
        "taken_at": measured.taken_at.isoformat(),
        **more,
    }


def past_readings(persona: Persona, *, now: datetime, zone: timezone) -> list[Item]:
    """Return the protocol weeks and the standing pressures, oldest first."""
    weeks = WEEKS_AGO[:-1] if persona.story is Story.OFFLINE else WEEKS_AGO
    found = [m for ago in weeks for m in _week(persona, ago, now, zone)]
    items = [reading_item(m, client_id=_reading_id(m)) for m in found]
    return items + list(_standing(persona, now, zone))


def unsent_week(persona: Persona, *, now: datetime, zone: timezone) -> list[Item]:
    """Return the week that an offline phone still holds, in no order at all."""
    items = [
        reading_item(m, client_id=_reading_id(m)) for m in _week(persona, WEEKS_AGO[-1], now, zone)
    ]
    random.Random(f"{persona.record}/offline").shuffle(items)
    return items


def past_doses(persona: Persona, *, now: datetime, zone: timezone) -> list[Item]:
    """Return each intake that was due in the past days, taken or missed."""
    chance = random.Random(f"{persona.record}/doses")
    today = now.astimezone(zone).replace(hour=7, minute=45, second=0, microsecond=0)
    return [
        item
        for ago in range(BACKFILL_DAYS, 0, -1)
        for item in dose_items(
            persona,
            today - timedelta(days=ago),
            taken=100 * chance.random() < persona.taken_percent,
        )
    ]


def dose_items(persona: Persona, at: datetime, *, taken: bool) -> Iterator[Item]:
    """Yield the intakes of one day, from `at` on, twelve hours apart."""
    for line in persona.regimen:
        times = FORMULARY[line.drug].times_a_day
        intake = Micrograms(parse_dose(line.daily_dose) // times)
        for place in range(times):
            moment = at + timedelta(hours=12 * place)
            yield {
                "client_id": f"dose-{line.drug.value}-{moment:%Y%m%d%H}",
                "drug": line.drug.value,
                "intake_dose": format_dose(intake),
                "taken": taken,
                "taken_at": moment.isoformat(),
            }


def lab_bundle(persona: Persona, patient_id: str, *, now: datetime) -> Item | None:
    """Return the laboratory's results as a FHIR R4 Bundle; None for a patient without any."""
    results = [
        _observation(patient_id, lab, value, now - timedelta(days=ago))
        for ago in LABS_DAYS_AGO
        for lab, value in persona.labs
    ]
    if not results:
        return None
    entries = [{"resource": result} for result in results]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _week(persona: Persona, ago: int, now: datetime, zone: timezone) -> Iterator[Measured]:
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=back) for back in range(BACKFILL_DAYS, 0, -1)]
    effects = day_effects(days, seed=persona.record)
    start = BACKFILL_DAYS - ago
    chosen = effects[start : start + WEEK_DAYS]
    return week(persona.level, chosen, seed=f"{persona.record}/{ago}", zone=zone)


def _standing(persona: Persona, now: datetime, zone: timezone) -> Iterator[Item]:
    """Yield a sitting pair and the pressures after one and three minutes on the feet."""
    day = now.astimezone(zone) - timedelta(days=STANDING_DAYS_AGO)
    at = day.replace(hour=10, minute=30, second=0, microsecond=0)
    level, fall = persona.level, persona.standing_fall_mmhg
    rows = (
        (0, 0, "sitting"),
        (1, 0, "sitting"),
        (4, fall, "standing_1_min"),
        (6, fall, "standing_3_min"),
    )
    for minutes, lower, posture in rows:
        yield reading_item(
            Measured(
                round(level.systolic_mmhg) - lower,
                round(level.diastolic_mmhg) - lower // 3,
                round(level.pulse_bpm) + lower // 3,
                at + timedelta(minutes=minutes),
            ),
            client_id=f"standing-{minutes}-{at:%Y%m%d}",
            posture=posture,
        )


def _observation(patient_id: str, lab: Lab, value: str, taken_at: datetime) -> Item:
    code, unit = _LOINC[lab]
    return {
        "resourceType": "Observation",
        "id": f"{lab.value.replace('_', '-')}-{taken_at:%Y%m%d}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{patient_id}"},
        "effectiveDateTime": taken_at.replace(microsecond=0).isoformat(),
        "valueQuantity": {
            "value": float(value),
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
    }


def _reading_id(measured: Measured) -> str:
    return f"cuff-{measured.taken_at:%Y%m%d%H%M%S}"
