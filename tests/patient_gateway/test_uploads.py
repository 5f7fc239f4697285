"""Doses, symptoms, weights and windows: units required, refused one by one, stored once."""

import gzip
import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from services.clinical.formulary import Drug
from services.signals.packing import unpack
from services.store import Role, alarms, doses, symptoms, tasks, weights, windows
from services.store.roles import Acting
from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Phone
from tests.stack import StoreFactory

AT = "2026-03-02T07:00:00Z"
DOSE = {
    "client_id": "d",
    "drug": "amlodipine",
    "intake_dose": "5 mg",
    "taken": True,
    "taken_at": AT,
}
SYMPTOM = {"client_id": "s", "symptom": "dizziness", "reported_at": AT, "open": True}
WEIGHT = {"client_id": "w", "weight": 81.5, "unit": "kg", "taken_at": AT}
WINDOW = {
    "client_id": "v",
    "kind": "ppg",
    "rate_hz": 64,
    "unit": "1",
    "started_at": AT,
    "clock_id": "watch-1",
    "samples": [1, 2.5, None, -3],
}

BAD: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("doses", DOSE, {"drug": "aspirin"}, "unknown_code"),
    ("doses", DOSE, {"intake_dose": "5"}, "unreadable_dose"),
    ("doses", DOSE, {"intake_dose": "5 ml"}, "unreadable_dose"),
    ("doses", DOSE, {"intake_dose": "0 mg"}, "unreadable_dose"),
    ("doses", DOSE, {"intake_dose": "0.0005 mg"}, "unreadable_dose"),
    ("doses", DOSE, {"intake_dose": 5}, "invalid_input"),
    ("doses", DOSE, {"taken": "yes"}, "invalid_input"),
    ("doses", DOSE, {"taken_at": "2026-03-02T08:00:00Z"}, "in_the_future"),
    ("symptoms", SYMPTOM, {"symptom": "itch"}, "unknown_code"),
    ("symptoms", SYMPTOM, {"open": None}, "invalid_input"),
    ("symptoms", SYMPTOM, {"reported_at": "yesterday"}, "invalid_input"),
    ("weights", WEIGHT, {"unit": "lb"}, "wrong_unit"),
    ("weights", WEIGHT, {"unit": "g"}, "invalid_input"),
    ("weights", WEIGHT, {"weight": 500}, "invalid_input"),
    ("weights", WEIGHT, {"weight": "81"}, "invalid_input"),
    ("windows", WINDOW, {"samples": []}, "empty_window"),
    ("windows", WINDOW, {"samples": [None, None]}, "empty_window"),
    ("windows", WINDOW, {"samples": [1.0, float("nan")]}, "not_a_number"),
    ("windows", WINDOW, {"samples": [float("inf")]}, "not_a_number"),
    ("windows", WINDOW, {"samples": ["1"]}, "invalid_input"),
    ("windows", WINDOW, {"samples": [True]}, "invalid_input"),
    ("windows", WINDOW, {"samples": [[1, 2]]}, "invalid_input"),
    ("windows", WINDOW, {"unit": "kPa"}, "wrong_unit"),
    ("windows", WINDOW, {"unit": None}, "invalid_input"),
    ("windows", WINDOW, {"rate_hz": None}, "invalid_input"),
    ("windows", WINDOW, {"rate_hz": 0}, "invalid_input"),
    ("windows", WINDOW, {"rate_hz": 24.9}, "rate_out_of_range"),
    ("windows", WINDOW, {"rate_hz": 1001}, "rate_out_of_range"),
    ("windows", WINDOW, {"kind": "eeg"}, "unknown_code"),
    ("windows", WINDOW, {"clock_id": ""}, "invalid_input"),
]


@pytest.mark.parametrize("path", ["doses", "symptoms", "weights", "windows"])
async def test_each_bad_item_is_refused_by_name_and_its_neighbour_is_stored(
    phone: Phone, path: str
) -> None:
    rows = [row for row in BAD if row[0] == path]
    good = next(row[1] for row in rows)
    items = [{**item, **change} for _, item, change, _ in rows]
    answer = await phone.post(f"/v1/{path}", {"items": [*items, {**good, "client_id": "good"}]})
    found = answer.json()["items"]
    for (_, _, change, code), item in zip(rows, found, strict=False):
        assert (item["status"], item["problem"]["code"]) == ("refused", code), change
    assert found[-1]["status"] == "stored"


@pytest.mark.parametrize(
    ("path", "item", "other"),
    [
        ("doses", DOSE, {"taken": False}),
        ("symptoms", SYMPTOM, {"symptom": "cough"}),
        ("weights", WEIGHT, {"weight": 82}),
        ("windows", WINDOW, {"samples": [9, 9]}),
    ],
)
async def test_a_second_upload_is_a_duplicate_and_another_content_a_conflict(
    phone: Phone, path: str, item: dict[str, Any], other: dict[str, Any]
) -> None:
    async def status_of(content: dict[str, Any]) -> str:
        answer = await phone.post(f"/v1/{path}", {"items": [content]})
        found: dict[str, Any] = answer.json()["items"][0]
        return str(found.get("problem", found).get("code", found["status"]))

    assert await status_of(item) == "stored"
    assert await status_of(item) == "duplicate"
    assert await status_of({**item, **other}) == "conflicting_item"


async def test_doses_and_weights_are_kept_in_whole_units(gateway: Gateway, phone: Phone) -> None:
    await phone.post("/v1/doses", {"items": [{**DOSE, "intake_dose": "2.5 mg"}]})
    await phone.post("/v1/weights", {"items": [WEIGHT]})
    now = gateway.clock()
    start, end = now - timedelta(days=1), now + timedelta(days=1)
    async with gateway.store.transaction(Acting("patient", "p", phone.patient_id)) as tx:
        (dose,) = await doses.between(tx, phone.patient_id, start, end)
        (weight,) = await weights.between(tx, phone.patient_id, start, end)
    assert (dose.drug, dose.intake_dose_ug) == (Drug.AMLODIPINE, 2500)
    assert weight.grams == 81_500


async def test_a_gzipped_window_is_kept_sample_by_sample_with_its_gap(
    gateway: Gateway, phone: Phone, store_factory: StoreFactory
) -> None:
    item = {**WINDOW, "baseline_kept": True}
    body = gzip.compress(json.dumps({"items": [item]}).encode())
    answer = await phone.post("/v1/windows", body, **{"Content-Encoding": "gzip"})
    assert answer.json()["items"][0]["status"] == "stored"
    worker = await store_factory(Role.WORKER)
    async with worker.transaction(Acting("worker", "w", None)) as tx:
        (pending,) = await windows.claim(tx, limit=9, lease_s=60, now=gateway.clock())
    assert (pending.patient_id, pending.rate_hz, pending.sample_count) == (phone.patient_id, 64, 4)
    kept = unpack(pending.samples)
    np.testing.assert_array_equal(kept.values, [1, 2.5, np.nan, -3])
    assert kept.baseline_kept


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (b"not gzip", "gzip", "malformed_json"),
        (gzip.compress(b"{}", mtime=0)[:-4], "gzip", "malformed_json"),
        (gzip.compress(b"{}", mtime=0) + b"more", "gzip", "malformed_json"),
        (gzip.compress(b" " * (17 * 2**20)), "gzip", "too_large"),
        (b"{}", "br", "unsupported_media_type"),
    ],
)
async def test_a_bad_encoding_is_refused_whole(
    phone: Phone, body: bytes, encoding: str, code: str
) -> None:
    answer = await phone.post("/v1/windows", body, **{"Content-Encoding": encoding})
    assert answer.json()["code"] == code


async def test_chest_pain_is_an_emergency_and_the_answer_says_what_to_do(phone: Phone) -> None:
    answer = await phone.post("/v1/symptoms", {"items": [{**SYMPTOM, "symptom": "chest_pain"}]})
    alarm = answer.json()["alarm"]
    assert (alarm["cause"], alarm["urgency"]) == ("emergency_symptom", "emergency")
    assert "120" in alarm["instructions"][0]


async def test_chest_pain_of_a_phone_whose_clock_runs_ahead_is_an_emergency_all_the_same(
    gateway: Gateway, phone: Phone
) -> None:
    ahead = (gateway.clock() + timedelta(minutes=4)).isoformat()
    item = {**SYMPTOM, "symptom": "chest_pain", "reported_at": ahead}
    alarm = (await phone.post("/v1/symptoms", {"items": [item]})).json()["alarm"]
    assert (alarm["cause"], alarm["urgency"]) == ("emergency_symptom", "emergency")


async def test_a_symptom_that_is_over_raises_nothing(phone: Phone) -> None:
    item = {**SYMPTOM, "symptom": "chest_pain", "open": False}
    answer = await phone.post("/v1/symptoms", {"items": [item]})
    assert answer.json()["alarm"] is None


async def test_a_symptom_closes_under_its_own_id(gateway: Gateway, phone: Phone) -> None:
    await phone.post("/v1/symptoms", {"items": [SYMPTOM]})
    await phone.post("/v1/symptoms", {"items": [{**SYMPTOM, "open": False}]})
    async with gateway.store.transaction(Acting("patient", "p", phone.patient_id)) as tx:
        (entry,) = await symptoms.since(tx, phone.patient_id, gateway.clock())
    assert entry.closed_at is not None


async def causes(gateway: Gateway, phone: Phone) -> tuple[set[str], set[str]]:
    """Return the causes of open tasks and of open alarms."""
    async with gateway.store.transaction(Acting("patient", "p", phone.patient_id)) as tx:
        open_tasks = await tasks.list_open(tx, phone.patient_id)
        open_alarms = await alarms.list_open(tx, phone.patient_id)
    return {task.cause for task in open_tasks}, {alarm.cause for alarm in open_alarms}


async def test_a_symptom_reported_a_day_late_is_a_task_and_no_alarm(
    gateway: Gateway, phone: Phone
) -> None:
    gateway.clock.forward(days=3)
    await phone.renew()
    at = (gateway.clock() - timedelta(hours=25)).isoformat()
    late = {**SYMPTOM, "symptom": "chest_pain", "reported_at": at}
    assert (await phone.post("/v1/symptoms", {"items": [late]})).json()["alarm"] is None
    open_tasks, open_alarms = await causes(gateway, phone)
    assert "late_symptom" in open_tasks and not open_alarms


async def test_a_symptom_from_before_enrolment_is_history(gateway: Gateway, phone: Phone) -> None:
    before = {**SYMPTOM, "symptom": "chest_pain", "reported_at": "2026-02-27T07:00:00Z"}
    assert (await phone.post("/v1/symptoms", {"items": [before]})).json()["alarm"] is None
    open_tasks, open_alarms = await causes(gateway, phone)
    assert "late_symptom" not in open_tasks and not open_alarms
