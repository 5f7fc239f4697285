"""Envelopes over HTTP: signed in versions, compared, refused when unsafe or stale, revoked."""

from datetime import timedelta
from typing import Any

from services import clock
from services.clinical.autonomy import Setback
from services.ids import new_id
from services.store import Acting, envelopes
from tests.clinician_app import clinic
from tests.clinician_app.api.conftest import BEN, BOUNDS, Case


async def test_the_editor_starts_with_nothing_allowed_alone(case: Case) -> None:
    shown = await case.shown()
    assert shown["terms"] is None and shown["version"] == 0 and shown["valid"] is False
    assert shown["suggested"]["stage"] == "propose_only" and shown["suggested"]["bounds"] == []
    (amlodipine,) = [c for c in shown["choices"] if c["current_ug"] is not None]
    assert amlodipine["rungs_ug"] == [2_500, 5_000, 10_000]


async def test_a_signed_version_holds_and_the_next_says_what_it_changes(case: Case) -> None:
    terms = (await case.shown())["suggested"]
    terms |= {"stage": "one_step", "bounds": BOUNDS}
    key = new_id()
    first = await case.sign(terms, 0, key, second=BEN)
    assert first.status_code == 200, first.text
    assert (await case.sign(terms, 0, key, second=BEN)).json() == first.json()
    second = await case.sign({**terms, "steps_allowed": 1}, 1)
    assert second.json()["version"] == 2
    shown = await case.shown()
    assert shown["valid"] is True and shown["terms"]["steps_allowed"] == 1
    assert shown["signature"]["printed_name"] == "Dr Anna"
    assert shown["header"]["envelope"]["stage"] == "one_step"
    history = (await case.api.http.get(f"{case.path}/history", headers=case.token)).json()
    newest, oldest = history["versions"]
    assert newest["changes"] == [["Steps allowed", "2", "1"]]
    assert ["Amlodipine, daily dose", "–", "5 mg · 10 mg"] in oldest["changes"]


async def test_signing_over_another_version_is_refused(case: Case) -> None:
    terms = (await case.shown())["suggested"]
    assert (await case.sign(terms, 0)).status_code == 200
    stale = await case.sign({**terms, "steps_allowed": 0}, 0)
    assert (stale.status_code, stale.json()["code"]) == (412, "version_changed")


LOOSER: tuple[tuple[dict[str, Any], str], ...] = (
    ({"stage": "one_step", "bounds": []}, "/terms/bounds"),
    ({"bounds": BOUNDS * 2}, "/terms/bounds"),
    ({"egfr_at_least_thousandths": 30_000}, "/second"),
    ({"steps_allowed": 3}, "/second"),
    ({"stage": "one_step"}, "/second"),
    ({"stage": "bounded_steps"}, "/second"),
    ({"lab_max_age_days": 365}, "/terms/lab_max_age_days"),
)


async def test_what_the_guard_would_not_act_on_is_not_signed_by_one_person(case: Case) -> None:
    terms = (await case.shown())["suggested"] | {"bounds": BOUNDS}
    for change, pointer in LOOSER:
        answer = await case.sign(terms | change, 0)
        assert answer.status_code == 422, (change, answer.text)
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer], change
    assert (await case.shown())["version"] == 0
    assert (await case.sign(terms | {"bounds": []}, 0)).status_code == 200


UNSAFE: tuple[dict[str, Any], ...] = (
    {"bounds": [{"drug": "amlodipine", "rungs_ug": [7_300]}]},
    {"bounds": [{"drug": "ramipril", "rungs_ug": [20_000]}]},
    {"bounds": [{"drug": "aspirin", "rungs_ug": [5_000]}]},
    {"stage": "anything_goes"},
    {"potassium_below_thousandths": 5_500},
    {"egfr_at_least_thousandths": 10_000},
    {"min_interval_days": 7},
    {"max_step_rungs": 2},
    {"steps_allowed": 9},
    {"stop_conditions": ["boredom"]},
    {"expires_at": (clock.now() + timedelta(days=400)).isoformat()},
    {"expires_at": (clock.now() - timedelta(days=1)).isoformat()},
)


async def test_what_is_off_the_ladder_too_loose_or_too_long_is_refused(case: Case) -> None:
    terms = (await case.shown())["suggested"]
    for change in UNSAFE:
        answer = await case.sign({**terms, **change}, 0)
        assert answer.status_code == 422, (change, answer.text)
    assert (await case.shown())["version"] == 0


async def test_a_revoked_envelope_is_not_in_force(case: Case) -> None:
    terms = (await case.shown())["suggested"]
    await case.sign(terms, 0)
    body = {"reason": "patient is ill", "password": clinic.PASSWORD}
    wrong = {**body, "password": "not my password"}
    path = f"{case.path}/revoke"
    assert (await case.api.http.post(path, json=wrong, headers=case.token)).status_code == 403
    assert (await case.shown())["valid"] is True
    assert (await case.api.http.post(path, json=body, headers=case.token)).status_code == 200
    shown = await case.shown()
    assert shown["revoked"] is True and shown["valid"] is False
    again = await case.api.http.post(path, json=body, headers=case.token)
    assert (again.status_code, again.json()["code"]) == (409, "no_longer_open")


async def test_a_plan_that_was_lowered_says_why_and_is_edited_from_where_it_is(case: Case) -> None:
    terms = (await case.shown())["suggested"]
    stepping = {**terms, "stage": "one_step", "bounds": BOUNDS}
    assert (await case.sign(stepping, 0, second=BEN)).status_code == 200
    assert (await case.shown())["lowered_by"] == []
    patient_id = case.path.split("/")[3]
    async with case.api.worker.transaction(Acting("worker", "w", patient_id)) as tx:
        in_force = await envelopes.current(tx, patient_id)
        assert in_force is not None
        setbacks = frozenset({Setback.MISSED_LABS})
        await envelopes.demote(tx, in_force, setbacks, now=clock.now())
    shown = await case.shown()
    assert shown["lowered_by"] == ["missed_labs"]
    assert shown["terms"]["stage"] == "propose_only" and shown["version"] == 1
    assert (await case.sign(stepping, 1, training_finished=True)).status_code == 422
    assert (await case.sign(stepping, 1, second=BEN)).status_code == 200
    again = await case.shown()
    assert again["lowered_by"] == [] and again["terms"]["stage"] == "one_step"
