"""The alarm: one workflow an alarm, `alarm/{alarm_id}`, started straight from the outbox.

It does not depend on the patient's loop. A first crisis reading waits half an hour for a repeat;
every other alarm pages at once and climbs 5, 15 and 30 minutes to further people, then goes on
until somebody acknowledges it.
"""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from services.loop_results import (
        AlarmOutcome,
        AlarmState,
        AlarmStatus,
        AlarmUrgency,
        ReminderReason,
        RepeatKind,
    )
    from services.outbox_messages import Workflow
    from workflows import activity_requests as ask
    from workflows import messages as msg
    from workflows import policy
    from workflows.activities import RecordActivities
    from workflows.calls import call, page_each, run_is_long, wait_until

_REPEAT_SAYS = {
    RepeatKind.NORMAL: AlarmOutcome.REPEAT_NORMAL,
    RepeatKind.CONFIRMED: AlarmOutcome.CONFIRMED_ELSEWHERE,
}


@workflow.defn(name=Workflow.ALARM.value)
class AlarmLoop:
    """Signals say that the record knows more; the update is a person taking the alarm."""

    @workflow.init
    def __init__(self, start: msg.AlarmStart) -> None:
        self._alarm_id = start.alarm_id
        self._began = workflow.now()
        self._rung = start.rung
        self._ladder_began_at = start.ladder_began_at
        self._waits_for_repeat = False
        self._news = False
        self._over = False

    @workflow.run
    async def run(self, start: msg.AlarmStart) -> None:
        """Stay until the alarm is acknowledged or shown to be none."""
        state = await self._read()
        if state.urgency is AlarmUrgency.REPEAT and not self._over:
            await self._wait_for_repeat(state)
        if not self._over:
            await self._climb()
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.signal
    def alarm_raised(self, message: msg.AlarmRaised) -> None:
        """The alarm was raised, or is more urgent than before."""
        self._news = True

    @workflow.signal
    def repeat_recorded(self, message: msg.RepeatRecorded) -> None:
        """Another cuff reading is in the record."""
        self._news = True

    @workflow.update
    async def acknowledge(self, request: msg.AcknowledgeRequest) -> AlarmState:
        """A clinician takes the alarm: the ladder ends. The first to do so stays on record."""
        state = await call(
            RecordActivities.acknowledge_alarm,
            ask.AcknowledgeAlarm(self._alarm_id, request.clinician_id),
            lane=policy.IO,
        )
        self._over = True
        return state

    @acknowledge.validator
    def _check_acknowledge(self, request: msg.AcknowledgeRequest) -> None:
        if not request.clinician_id:
            raise ApplicationError("who takes the alarm must be named", type="Rejected")

    @workflow.query
    def state(self) -> msg.AlarmLoopState:
        """The ladder as it stands."""
        return msg.AlarmLoopState(self._rung, self._waits_for_repeat, self._over)

    async def _read(self) -> AlarmState:
        about = ask.About(self._alarm_id)
        state = await call(RecordActivities.alarm_state, about, lane=policy.IO)
        on_worklist_only = state.urgency is AlarmUrgency.QUEUE
        if state.status is not AlarmStatus.OPEN or on_worklist_only:
            self._over = True
        return state

    # --- the repeat ---

    async def _wait_for_repeat(self, state: AlarmState) -> None:
        """Ask for a second reading and return when it is there, or its time is up."""
        deadline = state.raised_at + policy.CRISIS_REPEAT_WITHIN
        key = f"alarm/{self._alarm_id}/repeat"
        await call(
            RecordActivities.remind,
            ask.Remind(state.patient_id, key, ReminderReason.REPEAT_READING),
            lane=policy.IO,
        )
        self._waits_for_repeat = True
        while self._waits_for_repeat and not self._over:
            self._news = False
            await self._read_repeat(deadline)
            if self._waits_for_repeat:
                await wait_until(lambda: self._news or self._over, deadline)
        self._waits_for_repeat = False

    async def _read_repeat(self, deadline: datetime) -> None:
        about = ask.About(self._alarm_id)
        repeat = await call(RecordActivities.repeat_outcome, about, lane=policy.IO)
        if repeat is not RepeatKind.NONE:
            closing = ask.CloseAlarm(self._alarm_id, _REPEAT_SAYS[repeat])
            await call(RecordActivities.close_alarm, closing, lane=policy.IO)
            self._over = True
            return
        if workflow.now() >= deadline:
            await call(RecordActivities.raise_to_same_day, about, lane=policy.IO)
            self._waits_for_repeat = False
            return
        state = await self._read()
        self._waits_for_repeat = state.urgency is AlarmUrgency.REPEAT

    # --- the ladder ---

    async def _climb(self) -> None:
        began = self._ladder_began_at or workflow.now()
        while not self._over:
            urgency = (await self._read()).urgency
            await self._page()
            self._rung += 1
            await self._wait_on_rung(began + _rung_offset(self._rung), urgency)
            if run_is_long(self._began) and not self._over:
                await workflow.wait_condition(workflow.all_handlers_finished)
                if not self._over:
                    workflow.continue_as_new(msg.AlarmStart(self._alarm_id, self._rung, began))

    async def _page(self) -> None:
        if self._over:
            return
        escalation = await call(
            RecordActivities.escalate_alarm,
            ask.ReachRung(self._alarm_id, self._rung),
            lane=policy.IO,
        )
        if not escalation.still_open:
            self._over = True
            return
        await page_each(
            escalation.notify,
            key=f"alarm/{self._alarm_id}/{self._rung}",
            topic=policy.Topic.ALARM,
            about_id=self._alarm_id,
            urgent=True,
        )

    async def _wait_on_rung(self, deadline: datetime, urgency: AlarmUrgency) -> None:
        """Wait for the next rung; an alarm that grew more urgent takes it at once."""
        while not self._over and await wait_until(lambda: self._news or self._over, deadline):
            self._news = False
            if not self._over and (await self._read()).urgency is not urgency:
                return


def _rung_offset(rung: int) -> timedelta:
    """When a rung is reached, from the start of the ladder; past the last it goes on evenly."""
    if rung <= len(policy.ALARM_RUNGS):
        return policy.ALARM_RUNGS[rung - 1]
    beyond = rung - len(policy.ALARM_RUNGS)
    return policy.ALARM_RUNGS[-1] + beyond * policy.ALARM_AGAIN_EVERY
