"""A goal is agreed when both sides have, declined by either, and never by silence."""

import asyncio

import pytest

from services.loop_results import GoalStatus, Side
from services.store import Acting, NotInRecord, Role, goals
from services.store.loop_records import LoopRecords
from tests.services.store.people import NOW, acting_as, enrol
from tests.stack import StoreFactory


async def test_one_side_proposes_and_the_other_agrees(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    records = LoopRecords(await store_factory(Role.WORKER))
    person = await enrol(store)
    async with acting_as(store, person) as tx:
        goal = await goals.propose(tx, person.patient_id, "walk every day", now=NOW)
    again = await records.answer_goal(
        goal.goal_id, side=Side.CLINICIAN, actor_id="c", agree=True, now=NOW
    )
    agreed = await asyncio.gather(
        *(
            records.answer_goal(goal.goal_id, side=Side.PATIENT, actor_id="p", agree=True, now=NOW)
            for _ in range(3)
        )
    )
    late = await records.answer_goal(
        goal.goal_id, side=Side.PATIENT, actor_id="p", agree=False, now=NOW
    )
    assert again is GoalStatus.PROPOSED
    assert set(agreed) == {GoalStatus.AGREED}
    assert late is GoalStatus.AGREED
    assert await records.lapse_goal(goal.goal_id, now=NOW) is GoalStatus.AGREED
    async with acting_as(store, person) as tx:
        (kept,) = await goals.list_for(tx, person.patient_id)
    assert (kept.text, kept.status, kept.closed_at) == ("walk every day", "agreed", NOW)


async def test_silence_lapses_and_a_decline_declines(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.GATEWAY)
    records = LoopRecords(await store_factory(Role.WORKER))
    person = await enrol(await store_factory(Role.CLINICIAN))
    async with store.transaction(Acting("patient", "p", person.patient_id)) as tx:
        proposed = [await goals.propose(tx, person.patient_id, "g", now=NOW) for _ in range(2)]
    first, second = (goal.goal_id for goal in proposed)
    assert proposed[0].patient_agreed_at == NOW
    assert await records.lapse_goal(first, now=NOW) is GoalStatus.LAPSED
    declined = await records.answer_goal(
        second, side=Side.CLINICIAN, actor_id="c", agree=False, now=NOW
    )
    assert declined is GoalStatus.DECLINED
    with pytest.raises(NotInRecord):
        await records.lapse_goal("nothing", now=NOW)
