"""The wearable may ask for a cuff reading: once, by day, and only where it has shown skill."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from services.clinical.patient import ConsentPurpose
from services.clinical.titration import Titrator
from services.clinical.units import Mmhg
from services.loop_results import ReminderReason
from services.store import Role, consents, cuff_checks, messages, readings
from services.store.loop_records import LoopRecords
from services.store.rows import NewReading
from services.store.tables.together import REMINDERS
from tests.services.store.cuff_and_watch import MORNING, USUAL_MS, follow, window
from tests.services.store.people import NOW, Person, acting_as, enrol
from tests.services.store.worn import wear
from tests.stack import StoreFactory

TEN = MORNING.replace(hour=10)
NOON = MORNING.replace(hour=12)
ASKED = ReminderReason.CUFF_CHECK.value


async def asked(store_factory: StoreFactory, person: Person) -> list[datetime]:
    async with acting_as(await store_factory(Role.CLINICIAN), person) as tx:
        query = select(REMINDERS.c.at).where(
            REMINDERS.c.patient_id == person.patient_id, REMINDERS.c.reason == ASKED
        )
        return list((await tx.session.execute(query.order_by(REMINDERS.c.at))).scalars())


async def consider(store_factory: StoreFactory, person: Person, now: datetime) -> bool:
    async with acting_as(await store_factory(Role.WORKER), person) as tx:
        return await cuff_checks.consider(tx, person.patient_id, now=now)


async def test_an_assessment_asks_once_for_a_cuff_reading_and_judges_as_without_it(
    store_factory: StoreFactory,
) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    records = LoopRecords(await store_factory(Role.WORKER))
    await follow(store_factory, person, slope=-1.2)
    bare = await records.assess(person.patient_id, key="a", predictor=Titrator(), now=NOON)
    assert await asked(store_factory, person) == []
    await wear(store_factory, person, [window(TEN, USUAL_MS - 30)])
    for key, later in (("b", 0), ("b", 0), ("c", 1), ("d", 3)):
        now = NOON + timedelta(hours=later)
        worn = await records.assess(person.patient_id, key=key, predictor=Titrator(), now=now)
        await records.after_assessing(person.patient_id, now=now)
        assert replace(worn, assessment_id="", next_due=None) == replace(
            bare, assessment_id="", next_due=None
        )
    assert await asked(store_factory, person) == [NOON]
    async with acting_as(await store_factory(Role.CLINICIAN), person) as tx:
        told = await messages.list_for(tx, person.patient_id)
    assert [message.text for message in told] == [ASKED]


async def test_a_new_sitting_with_the_cuff_may_be_followed_by_a_new_ask(
    store_factory: StoreFactory,
) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    await follow(store_factory, person, slope=-1.2)
    one, two = NOON + timedelta(hours=1), NOON + timedelta(hours=3)
    await wear(
        store_factory,
        person,
        [window(TEN, USUAL_MS - 30), window(one, USUAL_MS), window(two, USUAL_MS - 30)],
    )
    assert await consider(store_factory, person, TEN + timedelta(minutes=30))
    answer = NewReading("n", Mmhg(135), Mmhg(85), 70, one, 0, device_validated=True, cuff_fits=True)
    async with acting_as(await store_factory(Role.CLINICIAN), person) as tx:
        await readings.record(tx, person.patient_id, [answer], now=NOW)
    assert not await consider(store_factory, person, one + timedelta(minutes=30))
    assert await consider(store_factory, person, two + timedelta(minutes=30))


async def test_nobody_is_asked_by_night_beside_another_ask_or_unmonitored(
    store_factory: StoreFactory,
) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    who = person.patient_id
    await follow(store_factory, person, slope=-1.2)
    await wear(store_factory, person, [window(TEN, USUAL_MS - 30)])
    for hour in (21, 23):
        assert not await consider(store_factory, person, MORNING.replace(hour=hour))
    clinician = await store_factory(Role.CLINICIAN)
    async with acting_as(clinician, person) as tx:
        await consents.grant(tx, who, ConsentPurpose.MONITORING, now=MORNING)
        await consents.withdraw(tx, who, ConsentPurpose.MONITORING, now=MORNING)
    assert not await consider(store_factory, person, NOON)
    async with acting_as(clinician, person) as tx:
        await consents.grant(tx, who, ConsentPurpose.MONITORING, now=NOON)
    async with acting_as(await store_factory(Role.WORKER), person) as tx:
        due = ReminderReason.READINGS_DUE.value
        await messages.remind(tx, who, key="weekly", reason=due, now=TEN)
    assert not await consider(store_factory, person, NOON)
    assert await asked(store_factory, person) == []


async def test_without_skill_no_departure_asks_for_anything(store_factory: StoreFactory) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    await follow(store_factory, person, slope=0.0)
    await wear(store_factory, person, [window(TEN, USUAL_MS - 30)])
    assert not await consider(store_factory, person, NOON)
