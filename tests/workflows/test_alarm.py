"""The alarm's ladder, under virtual time on a real server."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from services.loop_results import (
    AlarmOutcome,
    AlarmState,
    AlarmStatus,
    AlarmUrgency,
    ReminderReason,
    RepeatKind,
)
from services.outbox_messages import Signal, Workflow
from tests.workflows.clinic import PATIENT_ID, Clinic, holds, until, wall_clock
from workflows import messages as msg

pytestmark = pytest.mark.stack
MINUTES = timedelta(minutes=1)


async def raise_alarm(clinic: Clinic, urgency: AlarmUrgency) -> WorkflowHandle[Any, Any]:
    clinic.records.alarms["a"] = AlarmState(
        "a", PATIENT_ID, AlarmStatus.OPEN, urgency, wall_clock()
    )
    return await clinic.start(Workflow.ALARM, "alarm/a", msg.AlarmStart("a"))


def rungs(clinic: Clinic) -> list[int]:
    return [rung for _, rung in clinic.records.alarm_rungs]


async def test_an_emergency_pages_at_once_then_after_5_15_and_30_minutes(clinic: Clinic) -> None:
    handle = await raise_alarm(clinic, AlarmUrgency.EMERGENCY)
    await holds(lambda: clinic.notifier.pages == [("person-0", "alarm", True)])
    await clinic.advance(handle, 4 * MINUTES)
    assert rungs(clinic) == [0]
    await clinic.advance(handle, 2 * MINUTES)
    assert rungs(clinic) == [0, 1]
    await clinic.advance(handle, 10 * MINUTES)
    assert rungs(clinic) == [0, 1, 2]
    await clinic.advance(handle, 15 * MINUTES)
    assert rungs(clinic) == [0, 1, 2, 3]
    await holds(lambda: len(clinic.notifier.pages) == 4)
    assert [who for who, _, _ in clinic.notifier.pages] == [f"person-{n}" for n in range(4)]


async def test_nobody_answering_never_ends_the_ladder(clinic: Clinic) -> None:
    handle = await raise_alarm(clinic, AlarmUrgency.SAME_DAY)
    await clinic.advance(handle, timedelta(minutes=61))
    assert rungs(clinic) == list(range(5))
    assert clinic.records.alarms["a"].status is AlarmStatus.OPEN


async def test_acknowledging_ends_the_ladder_and_the_first_to_do_so_stays(clinic: Clinic) -> None:
    handle = await raise_alarm(clinic, AlarmUrgency.SAME_DAY)
    await holds(lambda: rungs(clinic) == [0])
    state = await clinic.loops.acknowledge_alarm("a", "clinician-7", "u1")
    assert state.status is AlarmStatus.ACKNOWLEDGED
    await handle.result()
    again = await clinic.loops.acknowledge_alarm("a", "clinician-8", "u2")
    assert again.status is AlarmStatus.ACKNOWLEDGED
    assert rungs(clinic) == [0]


async def test_a_first_crisis_reading_pages_nobody_until_30_minutes_without_a_repeat(
    clinic: Clinic,
) -> None:
    handle = await raise_alarm(clinic, AlarmUrgency.REPEAT)
    await holds(lambda: ReminderReason.REPEAT_READING in clinic.records.reminders.values())
    await clinic.advance(handle, 29 * MINUTES)
    assert rungs(clinic) == []
    await clinic.advance(handle, 2 * MINUTES)
    assert clinic.records.alarms["a"].urgency is AlarmUrgency.SAME_DAY
    assert rungs(clinic) == [0]
    await clinic.advance(handle, 6 * MINUTES)
    assert rungs(clinic) == [0, 1]


@pytest.mark.parametrize(
    ("repeat", "outcome"),
    [
        (RepeatKind.NORMAL, AlarmOutcome.REPEAT_NORMAL),
        (RepeatKind.CONFIRMED, AlarmOutcome.CONFIRMED_ELSEWHERE),
    ],
)
async def test_a_repeat_reading_closes_the_first_alarm_without_a_page(
    clinic: Clinic, repeat: RepeatKind, outcome: AlarmOutcome
) -> None:
    handle = await raise_alarm(clinic, AlarmUrgency.REPEAT)

    async def waits() -> bool:
        state: msg.AlarmLoopState = await handle.query("state", result_type=msg.AlarmLoopState)
        return state.waits_for_repeat

    await until(waits)
    clinic.records.repeat = repeat
    await handle.signal(Signal.REPEAT_RECORDED.value, msg.RepeatRecorded("a", PATIENT_ID))
    await handle.result()
    assert clinic.records.alarm_closed == {"a": outcome}
    assert clinic.notifier.pages == []


async def test_growing_more_urgent_takes_the_next_rung_at_once(clinic: Clinic) -> None:
    handle = await raise_alarm(clinic, AlarmUrgency.SAME_DAY)
    await holds(lambda: rungs(clinic) == [0])
    clinic.records.alarms["a"] = replace(clinic.records.alarms["a"], urgency=AlarmUrgency.EMERGENCY)
    await handle.signal(Signal.ALARM_RAISED.value, msg.AlarmRaised("a", PATIENT_ID))
    await holds(lambda: rungs(clinic) == [0, 1])


async def test_the_same_alarm_delivered_twice_pages_once(clinic: Clinic) -> None:
    handle = await raise_alarm(clinic, AlarmUrgency.SAME_DAY)
    for _ in range(3):
        await handle.signal(Signal.ALARM_RAISED.value, msg.AlarmRaised("a", PATIENT_ID))
    await clinic.advance(handle, 1 * MINUTES)
    assert rungs(clinic) == [0]


async def test_a_dead_paging_channel_does_not_stop_the_ladder(clinic: Clinic) -> None:
    clinic.notifier.broken = True
    handle = await raise_alarm(clinic, AlarmUrgency.EMERGENCY)
    await clinic.advance(handle, 6 * MINUTES)
    assert rungs(clinic) == [0, 1]
