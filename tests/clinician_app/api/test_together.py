"""Goals, messages, tasks, visits, symptoms, alarms, halts and the record check over HTTP."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services import clock
from services.clinical.alarms import Alarm, AlarmCause, Urgency
from services.clinical.patient import DoseChangeRecord, Prescription, Symptom
from services.clinical.units import Micrograms
from services.ids import new_id
from services.store import Acting, alarms, goals, halts, patients, regimen, symptoms, tasks
from services.store.assessing import lock_patient
from services.store.rows import NewSymptom
from tests.clinician_app import clinic
from tests.clinician_app.conftest import Api


class Case:
    def __init__(self, api: Api, anna: str, patient_id: str, token: dict[str, str]):
        self.api, self.anna, self.patient_id, self.token = api, anna, patient_id, token
        self.path = f"/v1/patients/{patient_id}"

    async def get(self, path: str) -> Any:
        return (await self.api.http.get(path, headers=self.token)).json()

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        named = {
            "Idempotency-Key": new_id(),
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        return await self.api.http.post(path, json=body, headers={**self.token, **named})


@pytest.fixture
async def case(api: Api) -> Case:
    anna = await clinic.clinician(api.store, "anna", role="lead")
    patient_id = await clinic.patient(api.store, anna, clinic.Sick("Ada, A"))
    return Case(api, anna, patient_id, await api.sign_in("anna"))


async def test_a_goal_of_ours_waits_for_the_patient_and_one_of_theirs_for_us(case: Case) -> None:
    ours = (await case.post(f"{case.path}/goals", {"text": "Walk"})).json()
    assert ours["status"] == "proposed" and ours["waits_for_clinician"] is False
    acting = Acting("patient", case.patient_id, case.patient_id)
    async with case.api.worker.transaction(acting) as tx:
        theirs = await goals.propose(tx, case.patient_id, "Less salt", now=clock.now())
    listed = (await case.get(f"{case.path}/goals"))["goals"]
    assert {g["text"]: g["waits_for_clinician"] for g in listed} == {
        "Walk": False,
        "Less salt": True,
    }
    agreed = await case.post(f"/v1/goals/{theirs.goal_id}/answer", {"agree": True})
    assert agreed.json()["status"] == "agreed"


async def test_a_message_is_sent_once_however_often_it_is_clicked(case: Case) -> None:
    key = new_id()
    for _ in range(2):
        answer = await case.post(f"{case.path}/messages", {"text": "Hello"}, Idempotency_Key=key)
        assert answer.status_code == 200, answer.text
    assert [m["text"] for m in (await case.get(f"{case.path}/messages"))["messages"]] == ["Hello"]
    empty = await case.post(f"{case.path}/messages", {"text": "   "})
    assert empty.status_code == 422


async def test_a_task_is_listed_until_it_is_done(case: Case) -> None:
    async with case.api.worker.transaction(Acting("worker", "w", case.patient_id)) as tx:
        task = await tasks.open_task(
            tx, case.patient_id, "lab_order", cause="potassium", now=clock.now()
        )
    assert [t["words"] for t in (await case.get(f"{case.path}/tasks"))["tasks"]] == [
        "Lab order: potassium"
    ]
    assert len((await case.get("/v1/tasks"))["tasks"]) == 1
    assert (await case.post(f"/v1/tasks/{task.task_id}/done", {})).status_code == 200
    assert (await case.get(f"{case.path}/tasks"))["tasks"] == []


async def test_a_visit_is_planned_ahead_and_never_in_the_past(case: Case) -> None:
    at = (clock.now() + timedelta(days=9)).isoformat()
    assert (await case.post(f"{case.path}/visit", {"at": at})).status_code == 200
    assert (await case.get(case.path))["next_visit_at"] is not None
    past = (clock.now() - timedelta(days=1)).isoformat()
    assert (await case.post(f"{case.path}/visit", {"at": past})).status_code == 422


async def test_a_symptom_is_open_until_a_clinician_closes_it(case: Case) -> None:
    acting = Acting("patient", case.patient_id, case.patient_id)
    async with case.api.worker.transaction(acting) as tx:
        item = NewSymptom(new_id(), Symptom.DIZZINESS, clock.now())
        await symptoms.report(tx, case.patient_id, [item], now=clock.now())
    (shown,) = (await case.get(case.path))["symptoms"]
    assert shown["open"] is True and shown["words"] == "Dizziness"
    answer = await case.post(f"{case.path}/symptoms/{shown['symptom_id']}/close", {})
    assert answer.status_code == 200
    assert (await case.get(case.path))["symptoms"][0]["open"] is False


async def test_alarms_stand_most_urgent_first_and_are_taken_with_a_note(case: Case) -> None:
    now = clock.now()
    async with case.api.worker.transaction(Acting("worker", "w", case.patient_id)) as tx:
        for cause, urgency in (
            (AlarmCause.WEIGHT_CHANGE, Urgency.QUEUE),
            (AlarmCause.CRISIS_WITH_SYMPTOMS, Urgency.EMERGENCY),
        ):
            await alarms.raise_or_merge(tx, case.patient_id, Alarm(cause, urgency, now), now=now)
    listed = (await case.get("/v1/alarms"))["alarms"]
    assert [a["urgency"] for a in listed] == ["emergency", "queue"]
    assert listed[0]["header"]["open_alarms"] == 2
    (row,) = (await case.get("/v1/worklist"))["rows"]
    assert row["tier"] == "red_flag" and row["why"] == "Crisis with symptoms"
    path = f"/v1/alarms/{listed[0]['alarm_id']}/acknowledge"
    closing = path.replace("acknowledge", "close")
    assert (await case.post(closing, {})).json()["code"] == "no_longer_open"
    assert (await case.post(path, {"note": ""})).status_code == 422
    assert (await case.post(path, {"note": "called, is well"})).status_code == 200
    taken = (await case.get("/v1/alarms"))["alarms"][-1]
    assert (taken["status"], taken["acknowledged_by"], taken["note"]) == (
        "acknowledged",
        "Dr Anna",
        "called, is well",
    )
    assert (await case.get("/v1/worklist"))["rows"][0]["tier"] != "red_flag"
    for _ in range(2):
        assert (await case.post(closing, {})).status_code == 200
    left = (await case.get("/v1/alarms"))["alarms"]
    assert listed[0]["alarm_id"] not in {alarm["alarm_id"] for alarm in left}
    acting = Acting("clinician", case.anna, case.patient_id)
    async with case.api.store.transaction(acting) as tx:
        entry = await alarms.get(tx, listed[0]["alarm_id"])
    assert (entry.status, entry.note) == ("closed", "called, is well")


async def test_a_halt_is_in_the_record_when_it_is_answered(case: Case) -> None:
    assert (await case.post(f"{case.path}/halt", {"reason": "ill"})).json() == {"halted": True}
    async with case.api.worker.transaction(Acting("worker", "w", case.patient_id)) as tx:
        assert await halts.is_halted(tx, case.patient_id)
    assert (await case.get(case.path))["header"]["halted"] is True
    assert (await case.post(f"{case.path}/resume", {"reason": "well"})).json() == {"halted": False}


async def test_a_lead_halts_and_resumes_the_whole_clinic(case: Case) -> None:
    assert (await case.post("/v1/halt", {"reason": "bad batch of cuffs"})).status_code == 200
    assert (await case.get("/v1/worklist"))["halted_everywhere"] is True
    assert (await case.get(case.path))["header"]["halted"] is True
    still = await case.post(f"{case.path}/resume", {"reason": "only this one"})
    assert still.json() == {"halted": True}
    assert (await case.post("/v1/resume", {"reason": "fixed"})).json() == {"halted": False}


async def test_the_record_check_changes_what_is_given_and_nothing_else(case: Case) -> None:
    async with case.api.store.transaction(Acting("clinician", case.anna, case.patient_id)) as tx:
        before = await patients.facts(tx, case.patient_id)
    body = {"target": {"systolic_below": 140, "diastolic_below": 90}, "pregnancy": "not_applicable"}
    answer = await case.post(f"{case.path}/reconcile", body)
    assert answer.status_code == 200 and answer.json() == {"unknowns": []}
    async with case.api.store.transaction(Acting("clinician", case.anna, case.patient_id)) as tx:
        after = await patients.facts(tx, case.patient_id)
    assert after.target is not None and after.target.systolic_below_mmhg == 140
    assert after.conditions_complete == before.conditions_complete is True


async def test_a_reconciled_regimen_holds_marketed_doses_only(case: Case) -> None:
    line = {
        "drug": "amlodipine",
        "daily_dose": "10 mg",
        "times_a_day": 1,
        "since": clock.now().isoformat(),
        "tablets_in_hand": 30,
    }
    for wrong, code in (
        ({"daily_dose": "7.3 mg"}, "invalid_input"),
        ({"daily_dose": "10"}, "unreadable_dose"),
        ({"drug": "aspirin"}, "unknown_code"),
    ):
        answer = await case.post(f"{case.path}/reconcile", {"prescriptions": [{**line, **wrong}]})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await case.post(f"{case.path}/reconcile", {"prescriptions": [line]})).status_code == 200
    async with case.api.store.transaction(Acting("clinician", case.anna, case.patient_id)) as tx:
        (kept,) = await regimen.current(tx, case.patient_id)
    assert (kept.daily_dose_ug, kept.tablets_in_hand) == (10_000, 30)


async def test_the_record_check_raises_no_dose_that_was_ordered_here(case: Case) -> None:
    """One choke point: what the loop ordered goes up by a signed decision, never by a record."""
    (now_taken,) = await current_regimen(case)
    line = {
        "drug": now_taken.drug.value,
        "times_a_day": 1,
        "since": (clock.now() - timedelta(days=1)).isoformat(),
    }
    lower, higher = {**line, "daily_dose": "2.5 mg"}, {**line, "daily_dose": "10 mg"}
    change = DoseChangeRecord(
        drug=now_taken.drug,
        from_ug=Micrograms(2_500),
        to_ug=now_taken.daily_dose_ug,
        effective_at=clock.now() - timedelta(days=40),
        by_patient=False,
        envelope_id=None,
    )
    async with case.api.worker.transaction(Acting("worker", "w", case.patient_id)) as tx:
        await regimen.note_changes(tx, case.patient_id, [change])
    refused = await case.post(f"{case.path}/reconcile", {"prescriptions": [higher]})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    assert await current_regimen(case) == (now_taken,)
    assert (
        await case.post(f"{case.path}/reconcile", {"prescriptions": [lower]})
    ).status_code == 200


async def test_a_paused_drug_stays_paused_whatever_dose_the_record_check_notes(case: Case) -> None:
    (taken,) = await current_regimen(case)
    paused = replace(taken, paused_since=clock.now())
    async with case.api.worker.transaction(Acting("worker", "w", case.patient_id)) as tx:
        await regimen.replace_all(tx, case.patient_id, [paused], now=clock.now())
    line = {
        "drug": taken.drug.value,
        "daily_dose": "2.5 mg",
        "times_a_day": 1,
        "since": clock.now().isoformat(),
    }
    answer = await case.post(f"{case.path}/reconcile", {"prescriptions": [line]})
    assert answer.status_code == 200, answer.text
    (noted,) = await current_regimen(case)
    assert (noted.daily_dose_ug, noted.paused_since) == (2_500, paused.paused_since)


async def test_the_record_check_waits_for_a_step_that_is_being_enacted(case: Case) -> None:
    """A form filled in before a step down must not bring the dose before it back."""
    (taken,) = await current_regimen(case)
    lower = Micrograms(2_500)
    step = DoseChangeRecord(taken.drug, taken.daily_dose_ug, lower, clock.now(), False, None)
    line = {
        "drug": taken.drug.value,
        "daily_dose": "5 mg",
        "times_a_day": 1,
        "since": taken.since.isoformat(),
    }
    async with case.api.worker.transaction(Acting("worker", "w", case.patient_id)) as tx:
        await lock_patient(tx, case.patient_id)
        body = {"prescriptions": [line]}
        asking = asyncio.create_task(case.post(f"{case.path}/reconcile", body))
        while not (asking.done() or await somebody_waits(case.api)):
            await asyncio.wait({asking}, timeout=0.02)
        after = replace(taken, daily_dose_ug=lower)
        await regimen.replace_all(tx, case.patient_id, [after], now=clock.now())
        await regimen.note_changes(tx, case.patient_id, [step])
    answer = await asking
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    (kept,) = await current_regimen(case)
    assert kept.daily_dose_ug == lower


async def somebody_waits(api: Api) -> bool:
    async with api.worker.transaction(Acting("worker", "look", None)) as tx:
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool((await tx.session.execute(waiting)).scalar())


async def test_the_list_check_is_done_once_every_list_is_complete(case: Case) -> None:
    async with case.api.worker.transaction(Acting("worker", "w", case.patient_id)) as tx:
        await tasks.open_task(tx, case.patient_id, "check_lists", cause="import", now=clock.now())
    lists = ("conditions_complete", "intolerances_complete", "medicines_complete")
    partly = dict.fromkeys(lists, True) | {"medicines_complete": False}
    await case.post(f"{case.path}/reconcile", partly)
    assert "check_lists" in await open_kinds(case)
    await case.post(f"{case.path}/reconcile", dict.fromkeys(lists, True))
    assert "check_lists" not in await open_kinds(case)


async def current_regimen(case: Case) -> tuple[Prescription, ...]:
    async with case.api.store.transaction(Acting("clinician", case.anna, case.patient_id)) as tx:
        return await regimen.current(tx, case.patient_id)


async def open_kinds(case: Case) -> set[str]:
    async with case.api.store.transaction(Acting("clinician", case.anna, case.patient_id)) as tx:
        return {task.task_kind for task in await tasks.list_open(tx, case.patient_id)}


async def test_a_death_is_noted_with_its_day_and_taken_back_when_it_was_an_error(
    case: Case,
) -> None:
    today = clock.now().date().isoformat()
    path = f"{case.path}/reconcile"
    assert (await case.post(path, {"deceased": True, "died_on": today})).status_code == 200
    async with case.api.store.transaction(Acting("clinician", case.anna, case.patient_id)) as tx:
        facts = await patients.facts(tx, case.patient_id)
        assert await halts.is_halted(tx, case.patient_id)
    assert (facts.deceased, str(facts.died_on)) == (True, today)
    assert (await case.post(path, {"deceased": False})).status_code == 200
    async with case.api.store.transaction(Acting("clinician", case.anna, case.patient_id)) as tx:
        assert not (await patients.facts(tx, case.patient_id)).deceased


@pytest.mark.parametrize("body", [{"died_on": "2026-01-01"}, {"deceased": True, "days": 3}])
async def test_a_day_of_death_that_cannot_be_is_refused(case: Case, body: dict[str, Any]) -> None:
    ahead = body.get("days")
    if ahead is not None:
        day = clock.now().date() + timedelta(days=int(ahead))
        body = {"deceased": True, "died_on": day.isoformat()}
    refused = await case.post(f"{case.path}/reconcile", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    async with case.api.store.transaction(Acting("clinician", case.anna, case.patient_id)) as tx:
        assert not (await patients.facts(tx, case.patient_id)).deceased


async def test_a_dose_that_was_raised_elsewhere_starts_the_wait_for_the_next_step(
    case: Case,
) -> None:
    (taken,) = await current_regimen(case)
    now = clock.now()
    line = {"drug": taken.drug.value, "daily_dose": "10 mg", "times_a_day": 1}
    back = {**line, "since": (now - timedelta(days=29)).isoformat()}
    refused = await case.post(f"{case.path}/reconcile", {"prescriptions": [back]})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/prescriptions/0/since"
    lower = {**line, "daily_dose": "2.5 mg"}
    before_it = {**lower, "since": (taken.since - timedelta(days=1)).isoformat()}
    refused = await case.post(f"{case.path}/reconcile", {"prescriptions": [before_it]})
    assert refused.status_code == 422
    assert await current_regimen(case) == (taken,)
    noted = {**line, "since": now.isoformat()}
    assert (
        await case.post(f"{case.path}/reconcile", {"prescriptions": [noted]})
    ).status_code == 200
    async with case.api.store.transaction(Acting("clinician", case.anna, case.patient_id)) as tx:
        (change,) = await regimen.changes(tx, case.patient_id)
    assert (change.from_ug, change.to_ug, change.by_patient) == (5_000, 10_000, False)
    assert change.effective_at == now
