"""A halt holds until somebody who may lift it does; everybody's halt binds everyone."""

from services.outbox_messages import halt_changed
from services.store import Acting, Role, halts, outbox
from tests.services.store.people import NOW, acting_as, enrol
from tests.stack import StoreFactory


async def test_a_patient_lifts_their_own_halt_only(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    p = person.patient_id
    async with acting_as(store, person) as tx:
        first = await halts.set_halt(
            tx, p, by_kind="patient", actor_id="p", reason="dizzy", now=NOW
        )
        again = await halts.set_halt(tx, p, by_kind="patient", actor_id="p", now=NOW)
        await halts.set_halt(tx, p, by_kind="clinician", actor_id="c", now=NOW)
        by_patient = await halts.lift(tx, p, by_kind="patient", actor_id="p", now=NOW)
        left = await halts.active(tx, p)
        by_clinician = await halts.lift(tx, p, by_kind="clinician", actor_id="c", now=NOW)
        assert not await halts.is_halted(tx, p)
    assert (first, again) == (True, False)
    assert (by_patient, by_clinician) == (False, True)
    assert [(halt.by_kind, halt.reason) for halt in left] == [("clinician", None)]


async def test_everybodys_halt_binds_everyone_and_tells_every_loop(
    store_factory: StoreFactory,
) -> None:
    clinician, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    people = [await enrol(clinician), await enrol(clinician)]
    async with worker.transaction(Acting("system", "operator", None)) as tx:
        await halts.set_halt(tx, None, by_kind="operator", actor_id="o", reason="recall", now=NOW)
    for person in people:
        async with acting_as(clinician, person) as tx:
            assert await halts.is_halted(tx, person.patient_id)
            assert [halt.reason for halt in await halts.active(tx, person.patient_id)] == ["recall"]
    async with worker.transaction(Acting("system", "relay", None)) as tx:
        sent = [m.message for m in await outbox.claim_batch(tx, limit=2, lease_s=1, now=NOW)]
    assert set(m.workflow_id for m in sent) == {f"patient/{p.patient_id}" for p in people}
    assert sent[0].priority == halt_changed("x").priority
