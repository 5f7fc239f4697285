"""Choices are on record with each assessment; a shadow's are beside them and no door reads them."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.clinical.moves import Move
from services.clinical.patient import Snapshot, Target
from services.clinical.propensity import LoggedChoice, in_charge
from services.clinical.proposal import Ranking
from services.clinical.titration import Titrator
from services.store import Acting, Role, Store, assessments, choices
from services.store.choices import ShadowRecords
from services.store.loop_records import LoopRecords
from tests.services.store.people import NOW, Person, enrol_treated
from tests.stack import StoreFactory


@dataclass
class Reversed:
    """A candidate that says the opposite, and what it was asked about."""

    seen: Snapshot | None = None

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        self.seen = snapshot
        ranking = Titrator().rank(snapshot, moves, target, now)
        return Ranking(ranking.moves[::-1], 50, "reversed", "1", "snapshot-1")


async def assessed(store_factory: StoreFactory) -> tuple[Store, Person, str]:
    person = await enrol_treated(await store_factory(Role.CLINICIAN))
    worker = await store_factory(Role.WORKER)
    outcome = await LoopRecords(worker).assess(
        person.patient_id, key="a", predictor=Titrator(), now=NOW
    )
    return worker, person, outcome.assessment_id


async def logged(worker: Store, person: Person, assessment_id: str) -> tuple[LoggedChoice, ...]:
    async with worker.transaction(Acting("worker", "loops", person.patient_id)) as tx:
        return await choices.of_assessment(tx, assessment_id)


async def test_an_assessment_logs_what_was_offered_and_how_likely_the_first_was(
    store_factory: StoreFactory,
) -> None:
    worker, person, assessment_id = await assessed(store_factory)
    [choice] = await logged(worker, person, assessment_id)
    async with worker.transaction(Acting("worker", "loops", person.patient_id)) as tx:
        document = await assessments.document(tx, assessment_id)
    assert choice == in_charge(document.assessment)
    assert choice.probability_ppm == 1_000_000 and len(choice.offered) > 1


async def test_a_candidate_ranks_the_same_snapshot_and_its_order_is_kept_beside(
    store_factory: StoreFactory,
) -> None:
    worker, person, assessment_id = await assessed(store_factory)
    candidate, shadow = Reversed(), ShadowRecords(worker)
    for _ in range(2):  # a second time adds nothing
        given = await shadow.rank_in_shadow(
            person.patient_id, assessment_id, candidate=candidate, now=NOW
        )
    async with worker.transaction(Acting("worker", "loops", person.patient_id)) as tx:
        document = await assessments.document(tx, assessment_id)
    assert candidate.seen == document.snapshot
    first, second = await logged(worker, person, assessment_id)
    assert (first.standing, second) == ("in_charge", given)
    assert second.standing == "shadow" and second.agreement is not None
    assert not second.agreement.same_first
    assert second.agreement.correlation_thousandths == -1000
    assert [o.move_id for o in second.offered] == [o.move_id for o in first.offered][::-1]


async def test_no_door_may_read_them_and_no_byte_of_a_move_is_in_the_clear(
    store_factory: StoreFactory,
) -> None:
    worker, person, _ = await assessed(store_factory)
    for role in (Role.CLINICIAN, Role.GATEWAY):
        store = await store_factory(role)
        with pytest.raises(DBAPIError, match="permission denied"):
            async with store.engine.connect() as connection:
                await connection.execute(text("SELECT * FROM choices"))
    async with worker.transaction(Acting("worker", "loops", person.patient_id)) as tx:
        rows = (await tx.session.execute(text("SELECT * FROM choices"))).all()
    assert len(rows) == 1 and b"amlodipine" not in bytes(rows[0].body_sealed)
