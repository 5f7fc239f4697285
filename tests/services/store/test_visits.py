"""One visit is planned at a time; moving it keeps the old plan; the careplan sees it."""

from datetime import timedelta

import pytest

from services.loop_results import Stability
from services.store import NotOpen, Role, visits
from services.store.loop_records import LoopRecords
from tests.services.store.people import NOW, acting_as, enrol, enrol_treated
from tests.stack import StoreFactory

SOON, LATE = NOW + timedelta(days=14), NOW + timedelta(days=90)


async def test_a_visit_is_moved_held_and_seen_by_the_careplan(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    records = LoopRecords(await store_factory(Role.WORKER))
    person = await enrol_treated(store, systolic=152)
    for at, chosen_by in ((LATE, None), (LATE, None), (SOON, "c")):
        await records.plan_visit(person.patient_id, key="k", at=at, chosen_by=chosen_by, now=NOW)
    state = await records.careplan_state(person.patient_id, now=NOW)
    assert (state.next_visit_at, state.visit_fixed) == (SOON, True)
    assert state.stability is Stability.ABOVE_TARGET
    assert state.envelope_expires_at == NOW + timedelta(days=180)
    async with acting_as(store, person) as tx:
        held = await visits.hold(tx, person.patient_id, now=NOW)
        with pytest.raises(NotOpen):
            await visits.hold(tx, person.patient_id, now=NOW)
    assert held.status == "held"
    after = await records.careplan_state(person.patient_id, now=NOW)
    assert (after.last_visit_at, after.next_visit_at, after.visit_fixed) == (NOW, None, False)


async def test_nothing_planned_is_nothing(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    async with acting_as(store, person) as tx:
        assert await visits.next_visit(tx, person.patient_id) is None
        assert await visits.last_held(tx, person.patient_id) is None
