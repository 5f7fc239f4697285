"""One open task of each kind and cause; a key opens one task for ever."""

import pytest

from services.store import NotInRecord, Role, tasks
from tests.services.store.people import NOW, acting_as, enrol
from tests.stack import StoreFactory


async def test_a_repeat_merges_and_what_was_done_may_open_again_without_a_key(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    p = person.patient_id
    async with acting_as(store, person) as tx:
        first = await tasks.open_task(tx, p, "lab_order", cause="egfr", note="fasting", now=NOW)
        same = await tasks.open_task(tx, p, "lab_order", cause="egfr", now=NOW)
        other = await tasks.open_task(tx, p, "lab_order", cause="sodium", now=NOW)
        done = await tasks.done(tx, first.task_id, now=NOW)
        again = await tasks.open_task(tx, p, "lab_order", cause="egfr", now=NOW)
        keyed = [await tasks.open_task(tx, p, "call", cause="x", key="k", now=NOW)]
        await tasks.done(tx, keyed[0].task_id, now=NOW)
        keyed.append(await tasks.open_task(tx, p, "call", cause="x", key="k", now=NOW))
        with pytest.raises(NotInRecord):
            await tasks.done(tx, "nothing", now=NOW)
        left = await tasks.list_open(tx)
    assert (first.task_id, first.note) == (same.task_id, "fasting")
    assert (done.status, done.done_by) == ("done", person.clinician_id)
    assert keyed[1].status == "done"
    assert {item.task_id for item in left} == {other.task_id, again.task_id}
