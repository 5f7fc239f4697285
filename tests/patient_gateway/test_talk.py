"""Goals need both sides; messages reach the team; the brake holds without the loops."""

from services.loop_results import ReminderReason
from services.store import Role, goals, halts, messages
from services.store.roles import Acting
from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Phone
from tests.stack import StoreFactory


async def propose(gateway: Gateway, factory: StoreFactory, phone: Phone) -> str:
    store = await factory(Role.CLINICIAN)
    acting = Acting("clinician", gateway.clinician_id, phone.patient_id)
    async with store.transaction(acting) as tx:
        goal = await goals.propose(tx, phone.patient_id, "Walk each day", now=gateway.clock())
    return goal.goal_id


async def test_a_patients_goal_waits_for_the_clinician(phone: Phone) -> None:
    created = await phone.post("/v1/goals", {"text": "Less salt"})
    assert created.status_code == 201
    (goal,) = (await phone.get("/v1/goals")).json()["items"]
    assert (goal["text"], goal["status"]) == ("Less salt", "proposed")
    assert goal["awaits_clinician"] and not goal["awaits_patient"]


async def test_a_clinicians_goal_is_agreed_by_the_patient_once(
    gateway: Gateway, phone: Phone, store_factory: StoreFactory
) -> None:
    goal_id = await propose(gateway, store_factory, phone)
    answer = await phone.post(f"/v1/goals/{goal_id}/answer", {"answer": "agree"})
    assert answer.json()["status"] == "agreed"
    again = await phone.post(f"/v1/goals/{goal_id}/answer", {"answer": "decline"})
    assert (again.status_code, again.json()["code"]) == (409, "no_longer_open")


async def test_a_goal_of_another_patient_is_not_there(
    gateway: Gateway, phone: Phone, store_factory: StoreFactory
) -> None:
    other = await gateway.phone("monitoring", family="Second")
    goal_id = await propose(gateway, store_factory, other)
    answer = await phone.post(f"/v1/goals/{goal_id}/answer", {"answer": "agree"})
    assert answer.status_code == 404


async def test_messages_are_listed_oldest_first_and_reminders_are_in_words(
    gateway: Gateway, phone: Phone
) -> None:
    await phone.post("/v1/messages", {"text": "May I take it in the evening?"})
    gateway.clock.forward(seconds=1)
    async with gateway.loops.store.transaction(Acting("worker", "w", phone.patient_id)) as tx:
        reason = ReminderReason.READINGS_DUE.value
        await messages.remind(tx, phone.patient_id, key="r", reason=reason, now=gateway.clock())
    first, second = (await phone.get("/v1/messages")).json()["items"]
    assert (first["from"], first["text"]) == ("patient", "May I take it in the evening?")
    assert second["from"] == "system" and second["text"].startswith("Measure twice")
    again = (await phone.get("/v1/messages")).json()["items"]
    assert again[1]["read_at"] is not None and again[0]["read_at"] is None


async def test_the_brake_holds_at_once_and_without_the_loops(
    gateway: Gateway, phone: Phone
) -> None:
    gateway.loops.away = True
    assert (await phone.post("/v1/halt", {"reason": "I feel dizzy"})).json() == {"halted": True}
    assert (await phone.get("/v1/plan")).json()["halted"] is True
    assert (await phone.post("/v1/resume", {})).json() == {"halted": False}


async def test_the_brake_needs_no_consent(gateway: Gateway) -> None:
    phone = await gateway.phone()
    assert (await phone.post("/v1/halt", {})).status_code == 200


async def test_a_patient_cannot_lift_what_a_clinician_stopped(
    gateway: Gateway, phone: Phone, store_factory: StoreFactory
) -> None:
    store = await store_factory(Role.CLINICIAN)
    acting = Acting("clinician", gateway.clinician_id, phone.patient_id)
    async with store.transaction(acting) as tx:
        await halts.set_halt(
            tx,
            phone.patient_id,
            by_kind="clinician",
            actor_id=gateway.clinician_id,
            now=gateway.clock(),
        )
    assert (await phone.post("/v1/resume", {})).json() == {"halted": True}
