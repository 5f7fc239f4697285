"""Cuff readings: stored once, crises answered at once, history and late uploads page nobody."""

from datetime import timedelta
from typing import Any

import pytest

from services.store import alarms, outbox, readings, tasks
from services.store.entries import AlarmEntry
from services.store.roles import Acting
from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Phone


def acting(phone: Phone) -> Acting:
    return Acting("patient", phone.patient_id, phone.patient_id)


async def open_alarms(gateway: Gateway, phone: Phone) -> tuple[AlarmEntry, ...]:
    async with gateway.store.transaction(acting(phone)) as tx:
        return await alarms.list_open(tx, phone.patient_id)


async def alarm_messages(gateway: Gateway) -> list[tuple[str, int]]:
    """Waiting messages to alarm loops: (workflow id, priority), first to be sent first."""
    async with gateway.loops.store.transaction(Acting("worker", "relay", None)) as tx:
        claimed = await outbox.claim_batch(tx, limit=500, lease_s=0, now=gateway.clock())
    return [
        (item.message.workflow_id, int(item.message.priority))
        for item in claimed
        if item.message.workflow_id.startswith("alarm/")
    ]


async def test_a_reading_is_stored_with_its_own_offset_and_what_is_known_of_the_cuff(
    gateway: Gateway, phone: Phone
) -> None:
    answer = await phone.upload(phone.reading(taken_at="2026-03-02T15:00:00+08:00"))
    assert [item["status"] for item in answer["items"]] == ["stored"]
    assert answer["alarm"] is None
    now = gateway.clock()
    async with gateway.store.transaction(acting(phone)) as tx:
        start, end = now - timedelta(hours=1), now + timedelta(hours=1)
        (kept,) = await readings.between(tx, phone.patient_id, start, end)
    assert (kept.systolic_mmhg, kept.diastolic_mmhg, kept.pulse_bpm) == (128, 82, 70)
    assert kept.utc_offset_minutes == 480 and kept.taken_local.hour == 15
    assert kept.device_validated is True and kept.cuff_fits is True and not kept.history


async def test_a_first_crisis_reading_asks_for_a_repeat_and_starts_its_loop_first(
    gateway: Gateway, phone: Phone
) -> None:
    answer = await phone.upload(phone.reading(186, 112))
    alarm = answer["alarm"]
    assert (alarm["cause"], alarm["urgency"]) == ("crisis_reading", "repeat")
    assert alarm["repeat_after_minutes"] == 5 and alarm["emergency_number"] == "120"
    (entry,) = await open_alarms(gateway, phone)
    assert entry.alarm_id == alarm["alarm_id"]
    assert await alarm_messages(gateway) == [(f"alarm/{entry.alarm_id}", 1)]


async def test_a_repeated_crisis_is_a_same_day_alarm(gateway: Gateway, phone: Phone) -> None:
    await phone.upload(phone.reading(186, 112))
    gateway.clock.forward(minutes=5)
    answer = await phone.upload(phone.reading(190, 110))
    assert (answer["alarm"]["cause"], answer["alarm"]["urgency"]) == (
        "crisis_confirmed",
        "same_day",
    )
    assert {entry.cause for entry in await open_alarms(gateway, phone)} == {
        "crisis_reading",
        "crisis_confirmed",
    }


async def test_two_crisis_readings_in_one_upload_are_a_confirmed_crisis(
    gateway: Gateway, phone: Phone
) -> None:
    now = gateway.clock()
    earlier = (now - timedelta(minutes=5)).isoformat()
    answer = await phone.upload(phone.reading(190, 110), phone.reading(186, 112, taken_at=earlier))
    assert answer["alarm"]["cause"] == "crisis_confirmed"


async def test_a_crisis_reading_beside_a_red_flag_is_an_emergency(
    gateway: Gateway, phone: Phone
) -> None:
    item = {
        "client_id": "s1",
        "symptom": "vision_loss",
        "reported_at": gateway.clock().isoformat(),
        "open": True,
    }
    first = await phone.post("/v1/symptoms", {"items": [item]})
    assert first.json()["alarm"]["urgency"] == "same_day"
    answer = await phone.upload(phone.reading(186, 112))
    assert answer["alarm"]["urgency"] == "emergency"
    assert any("120" in line for line in answer["alarm"]["instructions"])


async def test_the_patient_is_told_in_chinese(gateway: Gateway, phone: Phone) -> None:
    answer = await phone.post(
        "/v1/readings", {"items": [phone.reading(186, 112)]}, **{"Accept-Language": "zh-CN"}
    )
    assert "血压" in answer.json()["alarm"]["title"]


async def test_a_crisis_uploaded_a_day_late_is_a_task_and_pages_nobody(
    gateway: Gateway, phone: Phone
) -> None:
    gateway.clock.forward(days=3)
    await phone.renew()
    taken_at = (gateway.clock() - timedelta(hours=25)).isoformat()
    answer = await phone.upload(phone.reading(186, 112, taken_at=taken_at))
    assert answer["alarm"]["urgency"] == "queue"
    assert await alarm_messages(gateway) == []
    async with gateway.store.transaction(acting(phone)) as tx:
        open_tasks = await tasks.list_open(tx, phone.patient_id)
    assert ("call_patient", "late_crisis_reading") in {
        (task.task_kind, task.cause) for task in open_tasks
    }


async def test_a_crisis_from_before_enrolment_is_history_and_pages_nobody(
    gateway: Gateway, phone: Phone
) -> None:
    taken_at = (gateway.clock() - timedelta(minutes=1)).isoformat()
    answer = await phone.upload(phone.reading(200, 125, taken_at=taken_at))
    assert answer["items"][0]["status"] == "stored" and answer["alarm"] is None
    assert await open_alarms(gateway, phone) == () and await alarm_messages(gateway) == []


async def test_a_duplicate_is_recognised_and_raises_nothing_twice(
    gateway: Gateway, phone: Phone
) -> None:
    item = phone.reading(186, 112)
    first, second = await phone.upload(item), await phone.upload(item)
    assert second["items"][0]["status"] == "duplicate"
    assert second["items"][0]["id"] == first["items"][0]["id"]
    assert second["alarm"] is None
    assert len(await alarm_messages(gateway)) == 1


async def test_the_same_id_with_other_numbers_is_refused_and_changes_nothing(
    phone: Phone,
) -> None:
    item = phone.reading()
    await phone.upload(item)
    answer = await phone.upload({**item, "systolic": 140})
    assert answer["items"][0]["status"] == "refused"
    assert answer["items"][0]["problem"]["code"] == "conflicting_item"


async def test_readings_may_arrive_in_any_order(gateway: Gateway, phone: Phone) -> None:
    gateway.clock.forward(minutes=10)
    times = [gateway.clock() - timedelta(minutes=minutes) for minutes in (1, 9, 4)]
    answer = await phone.upload(*[phone.reading(taken_at=at.isoformat()) for at in times])
    assert [item["status"] for item in answer["items"]] == ["stored"] * 3


NOW = "2026-03-02T07:00:00+00:00"
BAD_ITEMS: list[tuple[str, dict[str, Any], str]] = [
    ("unit is kPa", {"unit": "kPa"}, "wrong_unit"),
    ("unit is mmHg, not UCUM", {"unit": "mmHg"}, "wrong_unit"),
    ("no unit", {"unit": ...}, "invalid_input"),
    ("swapped", {"systolic": 80, "diastolic": 120}, "impossible_reading"),
    ("equal", {"systolic": 90, "diastolic": 90}, "impossible_reading"),
    ("too high", {"systolic": 301}, "impossible_reading"),
    ("too low", {"diastolic": 19}, "impossible_reading"),
    ("dead pulse", {"pulse": 0}, "impossible_reading"),
    ("systolic is text", {"systolic": "128"}, "invalid_input"),
    ("systolic is true", {"systolic": True}, "invalid_input"),
    ("systolic is a fraction", {"systolic": 128.5}, "invalid_input"),
    ("no systolic", {"systolic": ...}, "invalid_input"),
    ("no offset", {"taken_at": "2026-03-02T07:00:00"}, "time_without_offset"),
    ("no such day", {"taken_at": "2026-02-30T07:00:00Z"}, "invalid_input"),
    ("a number for a time", {"taken_at": 1772434800}, "invalid_input"),
    ("a clock never set", {"taken_at": "1970-01-01T00:00:00Z"}, "invalid_input"),
    ("offset of a day", {"taken_at": "2026-03-02T07:00:00+23:00"}, "invalid_input"),
    ("future", {"taken_at": "2026-03-02T07:10:01Z"}, "in_the_future"),
    ("unknown posture", {"posture": "upside_down"}, "unknown_code"),
    ("unknown source", {"source": "guess"}, "unknown_code"),
    ("unknown field", {"mood": "good"}, "invalid_input"),
    ("no client id", {"client_id": ...}, "invalid_input"),
    ("long client id", {"client_id": "x" * 65}, "invalid_input"),
    ("spaced client id", {"client_id": "a b"}, "invalid_input"),
    ("pulse is NaN", {"pulse": float("nan")}, "invalid_input"),
]


@pytest.mark.stack
async def test_each_bad_reading_is_refused_by_name_and_its_neighbours_are_stored(
    gateway: Gateway, phone: Phone
) -> None:
    items = [phone.reading(**change) for _, change, _ in BAD_ITEMS]
    good = phone.reading(taken_at="2026-03-02T07:09:59Z")
    answer = await phone.upload(*items, good)
    found = [
        (name, item["status"], item.get("problem", {}).get("code"))
        for (name, _, _), item in zip(BAD_ITEMS, answer["items"], strict=False)
    ]
    assert found == [(name, "refused", code) for name, _, code in BAD_ITEMS]
    assert answer["items"][-1]["status"] == "stored"
    async with gateway.store.transaction(acting(phone)) as tx:
        start = gateway.clock() - timedelta(days=9999)
        kept = await readings.between(tx, phone.patient_id, start, start + timedelta(days=12000))
    assert len(kept) == 1


async def test_a_refusal_never_repeats_what_was_sent(phone: Phone) -> None:
    answer = await phone.upload(phone.reading(systolic=299, diastolic=21, posture="canary-value"))
    assert "canary-value" not in str(answer["items"][0]["problem"])
