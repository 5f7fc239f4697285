"""Sixty days as a phone would have sent them: complete weeks, honest doses, nothing in future."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from demo.history import (
    LOCAL_HOUR,
    dose_items,
    lab_bundle,
    local_zone,
    past_doses,
    past_readings,
    unsent_week,
    zone_name,
)
from demo.personas import PERSONAS, Persona, Regimen, Story
from patient_gateway.schemas import DoseItem, ReadingItem
from services.clinical.averaging import SufficientAverage, average
from services.clinical.formulary import Drug
from services.clinical.readings import BloodPressure, Posture
from services.clinical.units import Mmhg
from services.fhir.bundle_import import read_addition

_NOW = datetime(2026, 3, 2, 21, 17, tzinfo=UTC)
_ZONE = local_zone(_NOW)


def _of(story: Story) -> Persona:
    return next(p for p in PERSONAS if p.story is story)


@pytest.mark.parametrize("hour", range(24))
def test_it_is_morning_where_the_patients_live(hour: int) -> None:
    now = datetime(2026, 3, 2, hour, 30, tzinfo=UTC)
    zone = local_zone(now)
    assert now.astimezone(zone).hour == LOCAL_HOUR
    assert now.astimezone(ZoneInfo(zone_name(zone))).utcoffset() == zone.utcoffset(None)


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda p: f"{p.record}-{p.story}")
def test_every_item_is_one_that_the_gateway_accepts_and_lies_in_the_past(
    persona: Persona,
) -> None:
    readings = past_readings(persona, now=_NOW, zone=_ZONE)
    doses = past_doses(persona, now=_NOW, zone=_ZONE)
    for item in readings:
        assert ReadingItem.model_validate(item).taken_at < _NOW
    for item in doses:
        assert DoseItem.model_validate(item).taken_at < _NOW
    assert len({item["client_id"] for item in readings}) == len(readings)
    assert len({item["client_id"] for item in doses}) == len(doses)


def _stored(items: list[dict[str, object]]) -> list[BloodPressure]:
    read = [ReadingItem.model_validate(item) for item in items]
    return [
        BloodPressure(
            reading_id=r.client_id,
            systolic_mmhg=Mmhg(r.systolic),
            diastolic_mmhg=Mmhg(r.diastolic),
            pulse_bpm=r.pulse,
            taken_at=r.taken_at.astimezone(UTC),
            utc_offset_minutes=int(_ZONE.utcoffset(None) / timedelta(minutes=1)),
            received_at=_NOW,
            posture=r.posture,
            device_validated=True,
            cuff_fits=True,
            history=True,
        )
        for r in read
    ]


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda p: f"{p.record}-{p.story}")
def test_the_latest_week_makes_an_average_near_the_persons_own_mean(persona: Persona) -> None:
    items = past_readings(persona, now=_NOW, zone=_ZONE)
    if persona.story is Story.OFFLINE:
        items += unsent_week(persona, now=_NOW, zone=_ZONE)
    made = average(_stored(items), now=_NOW, last_change_at=None)
    assert isinstance(made, SufficientAverage)
    assert made.counted_days == 6
    assert abs(made.systolic_tenths / 10 - persona.level.systolic_mmhg) < 15


def test_an_offline_phone_holds_its_last_week_back_in_no_order() -> None:
    persona = _of(Story.OFFLINE)
    sent = {item["client_id"] for item in past_readings(persona, now=_NOW, zone=_ZONE)}
    held = [item["client_id"] for item in unsent_week(persona, now=_NOW, zone=_ZONE)]
    assert len(held) == 28
    assert sent.isdisjoint(held)
    assert held != sorted(held, key=str)


def test_who_does_not_take_the_tablets_confirms_fewer() -> None:
    shares = {}
    for story in (Story.NOT_TAKING, Story.STEP_ALONE):
        recent = past_doses(_of(story), now=_NOW, zone=_ZONE)[-28:]
        shares[story] = sum(item["taken"] is True for item in recent) / 28
    assert shares[Story.NOT_TAKING] < 0.8 <= shares[Story.STEP_ALONE]


def test_a_dose_twice_a_day_is_two_intakes_of_half() -> None:
    persona = replace(PERSONAS[0], regimen=(Regimen(Drug.CARVEDILOL, "12.5 mg", None),))
    items = list(dose_items(persona, _NOW, taken=True))
    assert [item["intake_dose"] for item in items] == ["6.25 mg", "6.25 mg"]


def test_standing_pressures_show_the_fall() -> None:
    found = _stored(past_readings(_of(Story.STANDING_FALL), now=_NOW, zone=_ZONE))
    standing = [r for r in found if r.posture is Posture.STANDING_1_MIN]
    before = [
        r for r in found if r.posture is Posture.SITTING and r.taken_at < standing[0].taken_at
    ][-1]
    assert before.systolic_mmhg - standing[0].systolic_mmhg >= 20


def test_fresh_labs_are_read_back_by_the_importer() -> None:
    bundle = lab_bundle(PERSONAS[0], "p-1", now=_NOW)
    found = read_addition(json.dumps(bundle).encode(), patient_id="p-1", now=_NOW)
    assert len(found.record.labs) == 2 * len(PERSONAS[0].labs)
    assert found.record.unknowns == ()
    assert _NOW - found.record.labs[-1].taken_at < timedelta(days=30)


def test_a_patient_without_labs_has_no_bundle() -> None:
    assert lab_bundle(_of(Story.NO_LABS), "p-1", now=_NOW) is None
