"""An assessment's alarms are on record before anything ranks."""

import asyncio
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.clinical.alarms import AlarmCause
from services.clinical.moves import Move
from services.clinical.patient import Lab, Snapshot, Target
from services.clinical.proposal import Ranking
from services.clinical.titration import Titrator
from services.store import Acting, Role, Store, alarms, assessments, labs, outbox
from services.store.loop_records import LoopRecords
from services.store.rows import NewLab
from tests.services.store.people import NOW, Person, acting_as, enrol_treated
from tests.stack import StoreFactory


@dataclass
class Held:
    """Ranks when the test lets it, as a predictor that hangs."""

    asked: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        self.asked.set()
        assert self.gate.wait(30.0)
        return Titrator().rank(snapshot, moves, target, now)


async def with_high_potassium(store: Store) -> Person:
    person = await enrol_treated(store)
    async with acting_as(store, person) as tx:
        at = NOW - timedelta(hours=1)
        high = NewLab("lab-high", Lab.POTASSIUM, 6300, at)
        await labs.record(tx, person.patient_id, [high], now=NOW)
    return person


async def test_a_red_flag_is_on_record_and_on_its_way_while_the_predictor_hangs(
    store_factory: StoreFactory,
) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    person, held = await with_high_potassium(store), Held()
    assessing = asyncio.ensure_future(
        LoopRecords(worker).assess(person.patient_id, key="a", predictor=held, now=NOW)
    )
    try:
        assert await asyncio.to_thread(held.asked.wait, 30.0)
        async with acting_as(store, person) as tx:
            open_alarms = await alarms.list_open(tx, person.patient_id)
            assert await assessments.latest(tx, person.patient_id) is None
        async with worker.transaction(Acting("system", "relay", None)) as tx:
            sent = await outbox.claim_batch(tx, limit=100, lease_s=1, now=NOW)
    finally:
        held.gate.set()
    assert [alarm.cause for alarm in open_alarms] == [AlarmCause.POTASSIUM_HIGH.value]
    assert "AlarmLoop" in {item.message.workflow for item in sent}
    outcome = await assessing
    assert outcome.alarm_ids == (open_alarms[0].alarm_id,)
    async with acting_as(store, person) as tx:
        [same] = await alarms.list_open(tx, person.patient_id)
        document = await assessments.document(tx, outcome.assessment_id)
    assert same.repeats == 0
    assert document.snapshot.open_alarm
