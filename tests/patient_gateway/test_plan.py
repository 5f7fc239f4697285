"""The plan in tablets, and advice: read back, answered once, gone when closed."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from patient_gateway.app import create_app
from patient_gateway.plan import tablets_text
from services.clinical.formulary import Drug
from services.clinical.moves import DoseChange, Move, MoveKind
from services.clinical.patient import Prescription
from services.clinical.units import Micrograms
from services.ids import new_id
from services.loop_results import ReminderReason
from services.store import advice, messages, regimen, visits
from services.store.entries import AdviceBody, AdviceEntry
from services.store.roles import Acting
from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Phone
from tests.stack import free_port
from workflows.client import connect

STEP = Move(MoveKind.STEP_UP, (DoseChange(Drug.AMLODIPINE, Micrograms(5000), Micrograms(10000)),))


async def offer(gateway: Gateway, phone: Phone) -> AdviceEntry:
    async with gateway.loops.store.transaction(Acting("worker", "w", phone.patient_id)) as tx:
        return await advice.offer(
            tx,
            phone.patient_id,
            new_id(),
            AdviceBody(STEP, new_id(), 1),
            expires_at=gateway.clock() + timedelta(days=3),
            now=gateway.clock(),
        )


async def prescribe(gateway: Gateway, phone: Phone, *items: Prescription) -> None:
    async with gateway.store.transaction(Acting("system", "t", phone.patient_id)) as tx:
        await regimen.import_prescriptions(tx, phone.patient_id, items, now=gateway.clock())


def prescription(
    gateway: Gateway, drug: Drug, daily_ug: int, times: int, tablet_ug: int | None
) -> Prescription:
    tablet = None if tablet_ug is None else Micrograms(tablet_ug)
    since = gateway.clock()
    return Prescription(drug, Micrograms(daily_ug), times, since, new_id(), tablet, 30)


async def test_the_plan_names_drug_strength_tablets_and_times(
    gateway: Gateway, phone: Phone
) -> None:
    await prescribe(
        gateway,
        phone,
        prescription(gateway, Drug.AMLODIPINE, 5_000, 1, 10_000),
        prescription(gateway, Drug.CARVEDILOL, 12_500, 2, 6_250),
        prescription(gateway, Drug.LOSARTAN, 50_000, 1, None),
    )
    plan = (await phone.get("/v1/plan")).json()
    found = [
        (item["name"], item["intake_dose"], item["tablets_per_intake"], item["times"])
        for item in plan["medicines"]
    ]
    assert found == [
        ("Amlodipine", "5 mg", "1/2", ["morning"]),
        ("Carvedilol", "6.25 mg", "1", ["morning", "evening"]),
        ("Losartan", "50 mg", None, ["morning"]),
    ]
    assert plan["simulated"] is True and plan["observe_only"] is False
    assert plan["advice"] == [] and plan["next_visit"] is None


@pytest.mark.parametrize(
    ("intake_ug", "tablet_ug", "text"),
    [
        (5000, 5000, "1"),
        (5000, 10000, "1/2"),
        (7500, 5000, "1 1/2"),
        (40000, 5000, "8"),
        (45000, 5000, None),
        (5000, 15000, None),
        (5000, 3000, None),
        (5000, None, None),
        (5000, 0, None),
        (0, 5000, None),
    ],
)
def test_tablets_are_halves_or_whole_or_not_said(
    intake_ug: int, tablet_ug: int | None, text: str | None
) -> None:
    tablet = None if tablet_ug is None else Micrograms(tablet_ug)
    assert tablets_text(Micrograms(intake_ug), tablet) == text


async def test_the_plan_shows_what_is_asked_and_the_next_visit(
    gateway: Gateway, phone: Phone
) -> None:
    at = gateway.clock() + timedelta(days=28)
    async with gateway.loops.store.transaction(Acting("worker", "w", phone.patient_id)) as tx:
        now = gateway.clock()
        reason = ReminderReason.LABS_DUE.value
        await messages.remind(tx, phone.patient_id, key=new_id(), reason=reason, now=now)
        await visits.plan(tx, phone.patient_id, at=at, chosen_by=None, now=now)
    plan = (await phone.get("/v1/plan", **{"Accept-Language": "zh"})).json()
    assert plan["asked"] == [{"code": "labs_due", "text": "请去做血液检查。"}]
    assert plan["next_visit"] == at.isoformat()


async def test_open_advice_is_in_the_plan_with_the_sentence_to_read_back(
    gateway: Gateway, phone: Phone
) -> None:
    entry = await offer(gateway, phone)
    (shown,) = (await phone.get("/v1/plan")).json()["advice"]
    assert shown["advice_id"] == entry.advice_id
    assert shown["changes"][0]["text"] == "Amlodipine: from 5 mg a day to 10 mg a day"
    assert shown["changes"][0]["text"] in shown["read_back"]
    gateway.clock.forward(minutes=14)
    (listed,) = (await phone.get("/v1/advice")).json()["items"]
    assert listed == shown


async def test_expired_advice_is_no_longer_offered(gateway: Gateway, phone: Phone) -> None:
    async with gateway.loops.store.transaction(Acting("worker", "w", phone.patient_id)) as tx:
        await advice.offer(
            tx, phone.patient_id, new_id(), AdviceBody(STEP, new_id(), 1),
            expires_at=gateway.clock(), now=gateway.clock(),
        )  # fmt: skip
    assert (await phone.get("/v1/plan")).json()["advice"] == []


async def test_declining_is_kept_with_its_reason_and_closes_the_advice(
    gateway: Gateway, phone: Phone
) -> None:
    entry = await offer(gateway, phone)
    path = f"/v1/advice/{entry.advice_id}/answer"
    body = {"answer": "decline", "reason": "I feel well as I am"}
    answer = await phone.post(path, body, key="decline-1")
    assert answer.json()["status"] == "declined"
    again = await phone.post(path, body, key="decline-1")
    assert again.content == answer.content
    async with gateway.store.transaction(Acting("patient", "p", phone.patient_id)) as tx:
        assert await advice.answer_reason(tx, entry.advice_id) == "I feel well as I am"
    later = await phone.post(path, {"answer": "accept"})
    assert (later.status_code, later.json()["code"]) == (409, "no_longer_open")


async def test_accepting_goes_to_the_loop_once_and_says_what_became_of_it(
    gateway: Gateway, phone: Phone
) -> None:
    entry = await offer(gateway, phone)
    path = f"/v1/advice/{entry.advice_id}/answer"
    answers = [await phone.post(path, {"answer": "accept"}, key="accept-1") for _ in range(2)]
    assert {answer.json()["status"] for answer in answers} == {"refused"}
    assert len(gateway.loops.given) == 1


async def test_with_the_loops_away_the_answer_is_kept_and_may_be_sent_again(
    gateway: Gateway, phone: Phone
) -> None:
    entry = await offer(gateway, phone)
    path = f"/v1/advice/{entry.advice_id}/answer"
    gateway.loops.away = True
    away = await phone.post(path, {"answer": "accept"}, key="accept-1")
    assert (away.status_code, away.json()["code"]) == (503, "temporarily_unavailable")
    assert "Retry-After" in away.headers
    changed = await phone.post(path, {"answer": "decline"})
    assert changed.json()["code"] == "no_longer_open"
    gateway.loops.away = False
    assert (await phone.post(path, {"answer": "accept"}, key="accept-1")).status_code == 200


@pytest.mark.parametrize("body", [{}, {"answer": "maybe"}, {"answer": "accept", "x": 1}])
async def test_an_answer_is_accept_or_decline(gateway: Gateway, phone: Phone, body: object) -> None:
    entry = await offer(gateway, phone)
    answer = await phone.post(f"/v1/advice/{entry.advice_id}/answer", body)
    assert answer.status_code == 422


async def test_advice_of_another_patient_is_not_there(gateway: Gateway, phone: Phone) -> None:
    other = await gateway.phone("monitoring", "titration", family="Second")
    entry = await offer(gateway, other)
    answer = await phone.post(f"/v1/advice/{entry.advice_id}/answer", {"answer": "accept"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert gateway.loops.given == []


async def test_the_real_client_with_no_loops_to_reach_is_an_outage_too(
    gateway: Gateway, phone: Phone
) -> None:
    entry = await offer(gateway, phone)
    nowhere = replace(gateway.settings, temporal_port=free_port())
    app = create_app(nowhere, gateway.store, await connect(nowhere), now=gateway.clock)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        alone = Phone(http, gateway.clock, dict(phone.headers))
        answer = await alone.post(f"/v1/advice/{entry.advice_id}/answer", {"answer": "accept"})
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
