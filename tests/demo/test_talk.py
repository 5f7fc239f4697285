"""A goal needs both sides: who did not propose it agrees to it."""

import json

import httpx

from demo.backfill import Patient
from demo.desk import Desk, Login
from demo.personas import PERSONAS, Persona, Story
from demo.phone import Phone
from demo.talk import agree_goals, answer_question
from demo.wire import Json


class Doors:
    """Both doors: keeps goals and messages, and who did what."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Json]] = []
        self.proposed: list[Json] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body: Json = json.loads(request.content) if request.content else {}
        self.calls.append((str(request.url.host), request.url.path, body))
        if request.method == "GET":
            return httpx.Response(200, json={"items": self.proposed})
        if request.url.path.endswith("/goals"):
            goal = {"goal_id": "goal-1", "awaits_patient": request.url.host == "c"}
            self.proposed.append(goal)
            return httpx.Response(201, json=goal)
        return httpx.Response(200, json={})


def _both(story: Story, doors: Doors) -> tuple[Desk, list[Patient]]:
    persona: Persona = next(p for p in PERSONAS if p.story is story)
    http = httpx.AsyncClient(transport=httpx.MockTransport(doors))
    return Desk(http, "http://c", "http://g", second=Login("clinician", "dr.b", "w")), [
        Patient(persona, "p-1", Phone(http, "http://g"), 0)
    ]


async def test_the_clinician_agrees_to_the_patients_goal() -> None:
    doors = Doors()
    desk, patients = _both(Story.STEP_ALONE, doors)
    await agree_goals(desk, patients)
    assert [call[:2] for call in doors.calls] == [
        ("g", "/v1/goals"),
        ("c", "/v1/goals/goal-1/answer"),
    ]
    assert doors.calls[-1][2] == {"agree": True}


async def test_the_patient_agrees_to_the_clinicians_goal() -> None:
    doors = Doors()
    desk, patients = _both(Story.CONTROLLED, doors)
    await agree_goals(desk, patients)
    assert doors.calls[-1][1:] == ("/v1/goals/goal-1/answer", {"answer": "agree"})
    assert patients[0].notes == ["goal proposed by the lead, 1 agreed by the patient"]


async def test_a_question_gets_its_answer() -> None:
    doors = Doors()
    desk, patients = _both(Story.DECLINES, doors)
    await answer_question(desk, patients)
    assert [call[:2] for call in doors.calls] == [
        ("g", "/v1/messages"),
        ("c", "/v1/patients/p-1/messages"),
    ]
