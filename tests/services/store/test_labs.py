"""A test that was ordered is awaited until a result taken after the order."""

from datetime import timedelta

from services.clinical.patient import Lab, PendingLab
from services.store import Role, labs
from services.store.rows import NewLab
from tests.services.store.people import NOW, acting_as, enrol
from tests.stack import StoreFactory

LATER = NOW + timedelta(days=1)


async def test_an_older_result_does_not_answer_an_order(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    p = person.patient_id
    async with acting_as(store, person) as tx:
        first = await labs.order(tx, p, [Lab.POTASSIUM, Lab.EGFR], now=NOW)
        again = await labs.order(tx, p, [Lab.POTASSIUM], now=LATER)
        old = NewLab("old", Lab.POTASSIUM, 4100, NOW - timedelta(days=1))
        await labs.record(tx, p, [old], now=LATER)
        still = await labs.pending(tx, p, now=LATER)
        await labs.record(tx, p, [NewLab("new", Lab.POTASSIUM, 4300, LATER)], now=LATER)
        left = await labs.pending(tx, p, now=LATER)
        found = await labs.between(tx, p, NOW - timedelta(days=9), LATER + timedelta(days=1))
        ids = await labs.ids_between(tx, p, NOW, LATER + timedelta(days=1))
    assert (len(first), again) == (2, ())
    assert {item.lab for item in still} == {Lab.POTASSIUM, Lab.EGFR}
    assert left == (PendingLab(Lab.EGFR, NOW),)
    assert [item.value_thousandths for item in found] == [4100, 4300]
    assert [lab for _, lab in ids] == [Lab.POTASSIUM]


async def test_a_result_dated_ahead_answers_nothing_before_its_time(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    p = person.patient_id
    ahead = NOW + timedelta(minutes=5)
    async with acting_as(store, person) as tx:
        await labs.order(tx, p, [Lab.POTASSIUM], now=NOW)
        await labs.record(tx, p, [NewLab("ahead", Lab.POTASSIUM, 4300, ahead)], now=NOW)
        early = await labs.pending(tx, p, now=NOW)
        later = await labs.pending(tx, p, now=ahead)
    assert early == (PendingLab(Lab.POTASSIUM, NOW),)
    assert later == ()
