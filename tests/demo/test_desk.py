"""The scripted clinician: the login from the stack, a plan no wider than the regimen, decisions."""

import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from demo.desk import Desk, Login, NoLogin, another_move, login_of, plan_bounds, read_logins
from demo.personas import PERSONAS, Persona, Story
from demo.wire import Json
from services.clinical.envelope import Stage
from services.clinical.formulary import FORMULARY, Drug
from services.clinical.units import parse_dose

COLLEAGUE = Login("clinician", "dr.b", "another word")


def test_the_logins_are_read_from_the_stacks_secrets(tmp_path: Path) -> None:
    with pytest.raises(NoLogin, match="make demo"):
        read_logins(tmp_path)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "demo_login.txt").write_text("lead dr.ada word\nclinician dr.b w\n")
    assert read_logins(tmp_path)[0] == Login("lead", "dr.ada", "word")


def test_the_lead_signs_and_nobody_else(tmp_path: Path) -> None:
    logins = tmp_path / "secrets" / "demo_login.txt"
    logins.parent.mkdir()
    logins.write_text("clinician dr.b word\n")
    with pytest.raises(NoLogin, match="lead"):
        login_of(tmp_path, "lead")
    logins.write_text("clinician dr.b word\nlead dr.ada word\n")
    assert login_of(tmp_path, "lead").username == "dr.ada"


def test_a_modification_is_the_best_option_without_an_objection() -> None:
    review: Json = {
        "proposal": {"move_id": "a"},
        "options": [
            {"move_id": "a", "checks": []},
            {"move_id": "b", "checks": [{"rule_id": "x"}]},
            {"move_id": "c", "checks": []},
        ],
    }
    assert another_move(review) == "c"
    assert another_move({"proposal": None, "options": review["options"][1:2]}) == "b"


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda p: p.record)
def test_a_plan_begins_at_the_present_dose_and_needs_no_clinicians_rung(persona: Persona) -> None:
    doses = {line.drug: parse_dose(line.daily_dose) for line in persona.regimen}
    for row in plan_bounds(persona):
        drug = Drug(row["drug"])
        assert row["rungs_ug"][0] == doses[drug]
        assert set(row["rungs_ug"]) <= set(FORMULARY[drug].rungs_ug)


@pytest.mark.parametrize(
    ("story", "kind", "more"),
    [
        (Story.ACCEPTED, "accept", set()),
        (Story.MODIFIED, "modify", {"reason_code", "move_id"}),
        (Story.REJECTED, "reject", {"reason_code"}),
        (Story.DEFERRED, "defer", {"reason_code", "defer_until"}),
    ],
)
async def test_a_decision_is_signed_on_the_version_that_was_seen(
    story: Story, kind: str, more: set[str]
) -> None:
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        body: Json = {"access_token": "word", "proposal": {"move_id": "a"}}
        body["options"] = [{"move_id": "b", "checks": []}]
        return httpx.Response(200, json=body, headers={"ETag": '"7"'})

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    desk = Desk(http, "http://c", "http://g", second=COLLEAGUE)
    await desk.sign_in(Login("lead", "dr.ada", "my password"))
    await desk.decide("r-1", story, defer_until="2026-03-09T09:00:00+00:00")
    decision = sent[-1]
    assert [request.url.path.rsplit("/", 1)[1] for request in sent[1:]] == [
        "claim",
        "r-1",
        "decision",
    ]
    assert decision.headers["If-Match"] == '"7"'
    body = json.loads(decision.content)
    assert (body["kind"], body["password"]) == (kind, "my password")
    assert set(body) == {"kind", "password", "dwell_s"} | more


@pytest.mark.parametrize(
    ("plan", "signers"), [(Stage.PROPOSE_ONLY, 1), (Stage.ONE_STEP, 2), (Stage.BOUNDED_STEPS, 2)]
)
async def test_a_step_alone_is_signed_by_two_on_the_first_day(plan: Stage, signers: int) -> None:
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        body = {"access_token": "word", "suggested": {}, "version": 0}
        return httpx.Response(200, json=body)

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    desk = Desk(http, "http://c", "http://g", second=COLLEAGUE)
    await desk.sign_in(Login("lead", "dr.ada", "my password"))
    await desk.sign_plan("p", replace(PERSONAS[0], plan=plan))
    body = json.loads(sent[-1].content)
    assert ("second" in body) is (signers == 2)
    assert body.get("second", {"username": "dr.b"})["username"] == "dr.b"
