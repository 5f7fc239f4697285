"""The patient-clinician loop: one long-lived workflow a patient, `careplan/{patient_id}`.

It sees that a proposed goal is answered or lapses, moves the next visit with the stability of the
pressures, and has the envelope renewed before it expires. Goals, visits and envelopes themselves
are in the record, signed there by those whom they bind.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from services.loop_results import CareplanState, GoalStatus, ReminderReason, TaskKind
    from services.outbox_messages import Workflow
    from workflows import activity_requests as ask
    from workflows import messages as msg
    from workflows import policy
    from workflows.activities import RecordActivities
    from workflows.agenda import Agenda, Due, DueKind
    from workflows.calls import call, keep_recent, page_each, run_is_long, wait_until


@workflow.defn(name=Workflow.CAREPLAN.value)
class CareplanLoop:
    """Updates are the two sides; the signal is the record."""

    @workflow.init
    def __init__(self, start: msg.CareplanStart) -> None:
        carried = start.carried
        self._patient_id = start.patient_id
        self._epoch = start.epoch
        self._began = workflow.now()
        self._since = carried.since if carried else self._began
        self._sequence = carried.sequence if carried else 0
        self._agenda = Agenda(carried.agenda if carried else ())
        self._goals = list(carried.goal_ids) if carried else []
        self._envelope_id = carried.envelope_id if carried else None
        self._visit_at = carried.visit_at if carried else None
        self._done = list(carried.done) if carried else []
        self._look_again = True
        self._busy = False

    @workflow.run
    async def run(self, start: msg.CareplanStart) -> None:
        """Work until it is time to continue as new."""
        while not run_is_long(self._began):
            await wait_until(lambda: self._look_again, self._agenda.next_at())
            self._busy = True
            await self._work()
            self._busy = False
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(msg.CareplanStart(self._patient_id, self._epoch, self._carry()))

    # --- messages ---

    @workflow.signal
    def careplan_changed(self, message: msg.CareplanChanged) -> None:
        """Envelope, goals, visits or stability changed in the record."""
        self._look_again = True

    @workflow.update
    async def propose_goal(self, proposed: msg.GoalProposed) -> GoalStatus:
        """A goal was written and signed by one side; the other is asked."""
        self._expect_answer(proposed.goal_id)
        return GoalStatus.PROPOSED

    @workflow.update
    async def answer_goal(self, answer: msg.GoalAnswered) -> GoalStatus:
        """One side signs or declines; the goal holds only when both have signed."""
        status = await call(
            RecordActivities.answer_goal,
            ask.AnswerGoal(answer.goal_id, answer.side, answer.actor_id, answer.agree),
            lane=policy.IO,
        )
        self._look_again = True
        return status

    @workflow.update
    async def plan_visit(self, planned: msg.VisitPlanned) -> datetime:
        """A person chooses the next visit; from then on stability may only bring it forward."""
        key = self._next_key("visit")
        await self._write_visit(planned.at, key, planned.chosen_by)
        self._look_again = True
        return planned.at

    @plan_visit.validator
    def _check_plan_visit(self, planned: msg.VisitPlanned) -> None:
        if planned.at <= workflow.now():
            raise ApplicationError("a visit is planned for the future", type="Rejected")

    @workflow.query
    def state(self) -> msg.CareplanLoopState:
        """The loop as it stands."""
        return msg.CareplanLoopState(
            goal_ids=tuple(self._goals),
            visit_at=self._visit_at,
            agenda=self._agenda.entries(),
            idle=not (self._busy or self._look_again),
        )

    # --- looking at the record ---

    async def _work(self) -> None:
        for due in self._agenda.take_due(workflow.now()):
            await _ON_DUE[due.kind](self, due)
        if self._look_again:
            await self._look()

    async def _look(self) -> None:
        self._look_again = False
        about = ask.About(self._patient_id)
        state = await call(RecordActivities.careplan_state, about, lane=policy.IO)
        self._note_goals(state)
        self._note_envelope(state)
        await self._note_visit(state)
        self._agenda.put(DueKind.LOOK_AGAIN, workflow.now() + policy.STABILITY_LOOK_EVERY)

    def _note_goals(self, state: CareplanState) -> None:
        for goal_id in [known for known in self._goals if known not in state.open_goal_ids]:
            self._goals.remove(goal_id)
            self._agenda.drop_about(goal_id)
        for goal_id in state.open_goal_ids:
            self._expect_answer(goal_id)

    def _expect_answer(self, goal_id: str) -> None:
        if goal_id in self._goals:
            return
        self._goals.append(goal_id)
        now = workflow.now()
        self._agenda.put(DueKind.GOAL_REMINDER, now + policy.GOAL_REMINDER_AFTER, goal_id)
        self._agenda.put(DueKind.GOAL_LAPSE, now + policy.GOAL_LAPSES_AFTER, goal_id)

    def _note_envelope(self, state: CareplanState) -> None:
        if self._envelope_id is not None and self._envelope_id != state.envelope_id:
            self._agenda.drop_about(self._envelope_id)
        self._envelope_id = state.envelope_id
        expires_at = state.envelope_expires_at
        if state.envelope_id is None or expires_at is None:
            return
        renewal_at = expires_at - policy.ENVELOPE_RENEWAL_BEFORE
        last_call_at = expires_at - policy.ENVELOPE_LAST_CALL_BEFORE
        self._put_once(DueKind.ENVELOPE_RENEWAL, renewal_at, state.envelope_id)
        self._put_once(DueKind.ENVELOPE_LAST_CALL, last_call_at, state.envelope_id)

    async def _note_visit(self, state: CareplanState) -> None:
        at = self._visit_to_plan(state)
        if at is not None:
            await self._write_visit(at, self._next_key("visit"), None)
        self._await_visit(at or state.next_visit_at)

    def _visit_to_plan(self, state: CareplanState) -> datetime | None:
        """Return when the next visit should be, or None when the planned one stands."""
        now = workflow.now()
        wanted = (state.last_visit_at or self._since) + policy.VISIT_AFTER[state.stability]
        wanted = max(wanted, now + policy.VISIT_NOT_BEFORE)
        planned = state.next_visit_at
        if planned is None:
            return wanted
        if planned <= now:
            return None  # overdue: a task is open, and moving it would hide that
        if wanted <= planned - policy.VISIT_MOVES_BY_AT_LEAST:
            return wanted
        later = wanted >= planned + policy.VISIT_MOVES_BY_AT_LEAST
        return wanted if later and not state.visit_fixed else None

    async def _write_visit(self, at: datetime, key: str, chosen_by: str | None) -> None:
        request = ask.PlanVisit(self._patient_id, key, at, chosen_by)
        await call(RecordActivities.plan_visit, request, lane=policy.IO)

    def _await_visit(self, at: datetime | None) -> None:
        if self._visit_at is not None and at != self._visit_at:
            self._agenda.drop_about(self._visit_at.isoformat())
        self._visit_at = at
        if at is not None:
            about = at.isoformat()
            self._put_once(DueKind.VISIT_REMINDER, at - policy.VISIT_REMINDER_BEFORE, about)
            self._put_once(DueKind.VISIT, at, about)

    def _put_once(self, kind: DueKind, at: datetime, about: str) -> None:
        if f"{kind.value}/{about}" not in self._done:
            self._agenda.put(kind, at, about)

    # --- due times ---

    async def _on_goal_reminder(self, due: Due) -> None:
        await self._remind(ReminderReason.GOAL_WAITS, due)

    async def _on_goal_lapse(self, due: Due) -> None:
        await call(RecordActivities.lapse_goal, ask.About(due.about), lane=policy.IO)
        self._look_again = True

    async def _on_visit_reminder(self, due: Due) -> None:
        await self._remind(ReminderReason.VISIT_SOON, due)

    async def _on_envelope(self, due: Due) -> None:
        await self._open_task(TaskKind.RENEW_ENVELOPE, due)

    async def _on_visit(self, due: Due) -> None:
        await self._open_task(TaskKind.HOLD_VISIT, due)

    async def _on_look_again(self, due: Due) -> None:
        self._look_again = True

    async def _remind(self, reason: ReminderReason, due: Due) -> None:
        request = ask.Remind(self._patient_id, self._due_key(due), reason)
        await call(RecordActivities.remind, request, lane=policy.IO)
        self._note_done(due)

    async def _open_task(self, task: TaskKind, due: Due) -> None:
        key = self._due_key(due)
        request = ask.OpenTask(self._patient_id, key, task, due.about)
        who = await call(RecordActivities.open_task, request, lane=policy.IO)
        await page_each(
            who, key=key, topic=policy.Topic.TASK, about_id=self._patient_id, urgent=False
        )
        self._note_done(due)

    def _note_done(self, due: Due) -> None:
        self._done = keep_recent(self._done, f"{due.kind.value}/{due.about}", policy.RING_SIZE)

    def _due_key(self, due: Due) -> str:
        return f"careplan/{self._patient_id}/{due.kind.value}/{due.about}"

    def _next_key(self, what: str) -> str:
        self._sequence += 1
        return f"careplan/{self._patient_id}/{self._epoch}/{what}/{self._sequence}"

    def _carry(self) -> msg.CareplanCarry:
        return msg.CareplanCarry(
            since=self._since,
            sequence=self._sequence,
            agenda=self._agenda.entries(),
            goal_ids=tuple(self._goals),
            envelope_id=self._envelope_id,
            visit_at=self._visit_at,
            done=tuple(self._done),
        )


_ON_DUE: dict[DueKind, Callable[[CareplanLoop, Due], Awaitable[None]]] = {
    DueKind.GOAL_REMINDER: CareplanLoop._on_goal_reminder,
    DueKind.GOAL_LAPSE: CareplanLoop._on_goal_lapse,
    DueKind.ENVELOPE_RENEWAL: CareplanLoop._on_envelope,
    DueKind.ENVELOPE_LAST_CALL: CareplanLoop._on_envelope,
    DueKind.VISIT_REMINDER: CareplanLoop._on_visit_reminder,
    DueKind.VISIT: CareplanLoop._on_visit,
    DueKind.LOOK_AGAIN: CareplanLoop._on_look_again,
}
