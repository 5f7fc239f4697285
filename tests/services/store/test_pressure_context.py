"""The wearable's estimate from the record: calibrated on the cuff, silent without skill."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.clinical.averaging import average
from services.clinical.units import Mmhg
from services.signals.pressure import Abstained, Abstention, CuffOnly, Estimated
from services.store import Role, readings, regimen
from services.store.pressure_context import PressureContext, arrival_days, read
from services.store.rows import NewReading
from services.store.snapshots import build
from tests.services.store.cuff_and_watch import MORNING, USUAL_MS, follow, window
from tests.services.store.people import (
    NOW,
    Person,
    acting_as,
    amlodipine,
    enrol,
)
from tests.services.store.worn import Seen, wear
from tests.stack import StoreFactory

TEN = MORNING.replace(hour=10)
NOON = MORNING.replace(hour=12)


async def estimated(
    store_factory: StoreFactory, person: Person, now: datetime = NOON
) -> PressureContext | None:
    async with acting_as(await store_factory(Role.CLINICIAN), person) as tx:
        return await read(tx, person.patient_id, now=now)


async def test_who_shows_skill_gets_an_estimate_and_no_reading_or_average_moves(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    await follow(store_factory, person, slope=-0.9)
    async with acting_as(store, person) as tx:
        before, _ = await build(tx, person.patient_id, now=NOON)
    await wear(store_factory, person, [window(TEN, USUAL_MS - 20)])
    found = await estimated(store_factory, person)
    assert found is not None and isinstance(found.outcome, Estimated)
    assert found.at == TEN and found.last_session.at == MORNING
    assert found.outcome.systolic_skill.low > 0
    carried = found.last_session.systolic_mmhg
    assert found.outcome.estimate.systolic_mmhg > carried + 8
    assert found.outcome.estimate.calibrated_at == MORNING
    async with acting_as(store, person) as tx:
        after, _ = await build(tx, person.patient_id, now=NOON)
    assert after.readings == before.readings
    assert not [name for name, _ in after.wearable_features if "mmhg" in name]
    averages = [
        average(each.readings, now=NOON, last_change_at=None, target=each.target)
        for each in (before, after)
    ]
    assert averages[0] == averages[1]


async def test_without_skill_the_cuff_is_carried_and_the_trend_of_arrival_remains(
    store_factory: StoreFactory,
) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    await follow(store_factory, person, slope=0.0)
    by_day = [window(TEN + timedelta(minutes=15 * n), 200.0 + n) for n in range(3)]
    other = [
        window(TEN - timedelta(days=1, minutes=15 * n), 300.0, clock_id="ring") for n in range(3)
    ]
    await wear(store_factory, person, [*by_day, *other])
    found = await estimated(store_factory, person)
    assert found is not None and isinstance(found.outcome, CuffOnly)
    assert found.outcome.estimate.systolic_mmhg == found.last_session.systolic_mmhg
    assert found.outcome.systolic_skill is not None and not found.outcome.systolic_skill.informs
    async with acting_as(await store_factory(Role.CLINICIAN), person) as tx:
        days = await arrival_days(tx, person.patient_id, now=NOON)
    assert [(each.day, each.arrival_ms) for each in days] == [(TEN.date(), 201.0)]


@pytest.mark.parametrize(
    ("worn", "cuff_at", "why"),
    [
        (window(TEN, USUAL_MS, rest=0.0), MORNING, "on the move"),
        (Seen(TEN, {"heart_rate_bpm": 70.0, "quality_rate": 0.9}), MORNING, "rest is not known"),
        (window(TEN, USUAL_MS), NOON, "older than the cuff reading"),
        (window(MORNING.replace(hour=21), USUAL_MS), MORNING, "by night"),
        (window(TEN, USUAL_MS), MORNING, None),
    ],
)
async def test_no_rest_by_day_since_the_cuff_is_no_estimate(
    store_factory: StoreFactory, worn: Seen, cuff_at: datetime, why: str | None
) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    await wear(store_factory, person, [worn])
    late = MORNING.replace(hour=22)
    assert await estimated(store_factory, person, late) is None, "nothing to calibrate on"
    one = NewReading(
        "r", Mmhg(135), Mmhg(85), 70, cuff_at, 0, device_validated=True, cuff_fits=True
    )
    async with acting_as(await store_factory(Role.CLINICIAN), person) as tx:
        await readings.record(tx, person.patient_id, [one], now=NOW)
    found = await estimated(store_factory, person, late)
    assert (found is None) == (why is not None), why


async def test_another_dose_ends_the_trust(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    await follow(store_factory, person, slope=-0.9)
    await wear(store_factory, person, [window(TEN, USUAL_MS)])
    changed = MORNING + timedelta(hours=1)
    async with acting_as(store, person) as tx:
        line = amlodipine(10_000)
        await regimen.import_prescriptions(
            tx, person.patient_id, [replace(line, since=changed)], now=changed
        )
    found = await estimated(store_factory, person)
    assert found is not None and isinstance(found.outcome, Abstained)
    assert Abstention.REGIMEN_CHANGED in found.outcome.reasons
