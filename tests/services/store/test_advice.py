"""An answer to advice is told to the loop in the transaction that keeps it."""

from services.loop_results import Answer, AnswerStatus
from services.outbox_messages import Signal, answer_recorded
from services.store import Acting, Role, advice, outbox
from tests.services.store.people import NOW, acting_as
from tests.services.store.test_loop_records import accepted_advice, opened
from tests.stack import StoreFactory


async def test_an_answer_reaches_the_loop_by_the_record_once(store_factory: StoreFactory) -> None:
    store, records = await opened(store_factory)
    person, advice_id = await accepted_advice(store, records)
    async with acting_as(store, person) as tx:
        again = await advice.record_answer(tx, advice_id, answer=Answer.ACCEPT, now=NOW)
        other = await advice.record_answer(tx, advice_id, answer=Answer.DECLINE, now=NOW)
    assert (again, other) == (AnswerStatus.RECORDED, AnswerStatus.CHANGED)
    worker = await store_factory(Role.WORKER)
    async with worker.transaction(Acting("system", "relay", None)) as tx:
        claimed = await outbox.claim_batch(tx, limit=200, lease_s=1, now=NOW)
    told = [item.message for item in claimed if item.message.signal is Signal.ANSWER_RECORDED]
    assert told == [answer_recorded(person.patient_id, advice_id, Answer.ACCEPT)]
