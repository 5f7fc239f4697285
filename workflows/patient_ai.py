"""The patient-AI loop: one long-lived workflow a patient, `patient/{patient_id}`.

It assesses when facts arrive and when time has passed, opens reviews, waits for the patient's
answer to advice, enacts accepted advice, and keeps the follow-ups of every dose change. It holds
ids and due times only; every fact is in the record, every judgement in an activity.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from services.loop_results import (
        AdviceOutcome,
        Answer,
        AnswerStatus,
        AssessOutcome,
        EnactBasis,
        EnactKind,
        FollowUp,
        ReminderReason,
        TaskKind,
    )
    from services.outbox_messages import Workflow
    from workflows import activity_requests as ask
    from workflows import messages as msg
    from workflows import policy
    from workflows.activities import RecordActivities
    from workflows.agenda import Agenda, Due, DueKind
    from workflows.calls import (
        call,
        keep_recent,
        page_each,
        run_is_long,
        start_review,
        update_id,
        wait_until,
    )
    from workflows.messages import AnswerResult, AnswerResultStatus


@workflow.defn(name=Workflow.PATIENT.value)
class PatientLoop:
    """Signals say that something changed; updates carry a person's word."""

    @workflow.init
    def __init__(self, start: msg.PatientStart) -> None:
        carried = start.carried
        self._patient_id = start.patient_id
        self._epoch = start.epoch
        self._began = self._waits_since = workflow.now()
        self._sequence = carried.sequence if carried else 0
        self._agenda = Agenda(carried.agenda if carried else ())
        self._reviews = list(carried.open_review_ids) if carried else []
        self._advice_id = carried.advice_id if carried else None
        self._last_reading_at = carried.last_reading_at if carried else None
        self._halted = carried.halted if carried else False
        self._monitored = carried.monitored if carried else True
        self._done = list(carried.done_ids) if carried else []
        self._reassess = carried.reassess if carried else True
        self._read_standing = True
        self._closed_reviews: deque[msg.ReviewClosed] = deque()
        self._answers: deque[tuple[str | None, msg.AdviceAnswer]] = deque()
        self._results: dict[str, AnswerResult] = {}
        self._busy = False
        self._readings_since: datetime | None = None

    @workflow.run
    async def run(self, start: msg.PatientStart) -> None:
        """Work until it is time to continue as new."""
        if start.carried is None:
            self._expect_readings()
        while not run_is_long(self._began):
            await wait_until(self._has_work, self._agenda.next_at())
            self._busy = True
            await self._work()
            self._busy = False
        # Updates in flight must be answered by this run; signals are carried over.
        while self._answers or not workflow.all_handlers_finished():
            await self._answer_each()
            await workflow.wait_condition(
                lambda: bool(self._answers) or workflow.all_handlers_finished()
            )
        await self._note_closed_reviews()
        workflow.continue_as_new(msg.PatientStart(self._patient_id, self._epoch, self._carry()))

    # --- signals ---

    @workflow.signal
    def recorded(self, message: msg.Recorded) -> None:
        """New facts: assess. Many signals before the next assessment are one assessment."""
        self._reassess = True
        if message.what == "readings" and self._readings_since is None:
            self._readings_since = message.written_at

    @workflow.signal
    def model_promoted(self, message: msg.ModelPromoted) -> None:
        """Another model ranks: assess."""
        self._reassess = True

    @workflow.signal
    def halt_changed(self, message: msg.HaltChanged) -> None:
        """The record's halt changed: read it before the next step."""
        self._read_standing = True

    @workflow.signal
    def monitoring_changed(self, message: msg.MonitoringChanged) -> None:
        """Consent was given or taken back, or a death noted: read it before the next step."""
        self._read_standing = True

    @workflow.signal
    def answer_recorded(self, message: msg.AnswerRecorded) -> None:
        """The record holds an answer whose update may have been lost: act on it too, once."""
        self._answers.append((None, msg.AdviceAnswer(message.advice_id, message.answer)))

    @workflow.signal
    def review_closed(self, message: msg.ReviewClosed) -> None:
        """A review ended: keep its follow-ups and assess."""
        self._closed_reviews.append(message)

    # --- updates ---

    @workflow.update
    async def answer(self, given: msg.AdviceAnswer) -> AnswerResult:
        """The patient accepts or declines; returns when the step is enacted or is not to be."""
        key = update_id()
        self._answers.append((key, given))
        await workflow.wait_condition(lambda: key in self._results)
        return self._results.pop(key)

    @answer.validator
    def _check_answer(self, given: msg.AdviceAnswer) -> None:
        if given.answer is Answer.ACCEPT and self._halted:
            raise ApplicationError("recommendations are halted", type="Halted")

    @workflow.update
    async def halt(self, request: msg.HaltRequest) -> msg.HaltState:
        """Stop all recommendations: from this moment no step of this loop enacts anything."""
        self._halted = True
        return await self._change_halt(request, halt=True)

    @workflow.update
    async def resume(self, request: msg.ResumeRequest) -> msg.HaltState:
        """Ask to lift the halt; the record decides who may."""
        return await self._change_halt(request, halt=False)

    @workflow.query
    def state(self) -> msg.PatientLoopState:
        """The loop as it stands."""
        return msg.PatientLoopState(
            sequence=self._sequence,
            halted=self._halted,
            monitored=self._monitored,
            advice_id=self._advice_id,
            open_review_ids=tuple(self._reviews),
            agenda=self._agenda.entries(),
            idle=not (self._busy or self._has_work()),
        )

    # --- the loop ---

    def _has_work(self) -> bool:
        return bool(self._reassess or self._read_standing or self._answers or self._closed_reviews)

    def _carry(self) -> msg.PatientCarry:
        return msg.PatientCarry(
            sequence=self._sequence,
            agenda=self._agenda.entries(),
            open_review_ids=tuple(self._reviews),
            advice_id=self._advice_id,
            last_reading_at=self._last_reading_at,
            halted=self._halted,
            monitored=self._monitored,
            reassess=self._reassess,
            done_ids=tuple(self._done),
        )

    async def _work(self) -> None:
        """Do everything that waits, stops first."""
        if self._read_standing:
            await self._look_at_standing()
        await self._note_closed_reviews()
        await self._answer_each()
        for due in self._agenda.take_due(workflow.now()):
            if self._monitored or due.kind in _STAYS_DUE:
                await _ON_DUE[due.kind](self, due)
        if self._reassess:
            await self._assess()

    # --- assessing ---

    async def _assess(self) -> None:
        self._reassess = False
        if not self._monitored:
            return
        since, self._readings_since = self._readings_since, None
        request = ask.Assess(self._patient_id, self._next_key("assess"), since)
        outcome = await call(RecordActivities.assess, request, lane=policy.INFERENCE)
        self._plan_next_assessment(outcome)
        self._note_readings(outcome)
        self._note_advice(outcome)
        await self._open_review(outcome)
        if workflow.patched("after_assessing"):
            await self._look_back()

    async def _look_back(self) -> None:
        """After the verdict and apart from it: neither a wearable nor a count can hold it up."""
        about = ask.About(self._patient_id)
        try:
            await call(RecordActivities.after_assessing, about, lane=policy.AFTERWARDS)
        except ActivityError:
            workflow.logger.error("not_done_after_assessing")

    def _plan_next_assessment(self, outcome: AssessOutcome) -> None:
        latest = workflow.now() + policy.ASSESS_AT_LEAST_EVERY
        due_at = min(outcome.next_due or latest, latest)
        # A due time that has passed already would have the loop spin.
        self._agenda.put(DueKind.ASSESS, due_at if due_at > workflow.now() else latest)

    def _note_readings(self, outcome: AssessOutcome) -> None:
        if outcome.last_reading_at != self._last_reading_at:
            self._last_reading_at = outcome.last_reading_at
            self._expect_readings()

    def _expect_readings(self) -> None:
        """Remind a week after the last reading, tell a clinician after two; never in the past."""
        since = max(self._last_reading_at or self._waits_since, self._waits_since)
        self._agenda.put(DueKind.READINGS_REMINDER, since + policy.READINGS_REMINDER_AFTER)
        self._agenda.put(DueKind.SILENT, since + policy.SILENT_AFTER)

    def _note_advice(self, outcome: AssessOutcome) -> None:
        if outcome.advice_id == self._advice_id:
            return
        self._forget_advice()
        if outcome.advice_id is None or outcome.advice_id in self._done:
            return
        self._advice_id = outcome.advice_id
        opened_at = outcome.advice_opened_at or workflow.now()
        self._agenda.put(
            DueKind.ADVICE_REMINDER, opened_at + policy.ADVICE_REMINDER_AFTER, outcome.advice_id
        )
        self._agenda.put(
            DueKind.ADVICE_EXPIRY, opened_at + policy.ADVICE_EXPIRES_AFTER, outcome.advice_id
        )

    def _forget_advice(self) -> None:
        if self._advice_id is not None:
            self._agenda.drop_about(self._advice_id)
        self._advice_id = None

    async def _open_review(self, outcome: AssessOutcome) -> None:
        """Start the review that the record opened, once."""
        review_id = outcome.review_id
        if review_id is None or review_id in self._reviews or review_id in self._done:
            return
        await start_review(review_id)
        self._reviews.append(review_id)

    # --- answers and halts ---

    async def _answer_each(self) -> None:
        while self._answers:
            key, given = self._answers[0]
            if key is not None:
                self._results[key] = await self._answer_one(given)
            elif given.advice_id not in self._done:
                await self._answer_one(given)
            self._answers.popleft()

    async def _answer_one(self, given: msg.AdviceAnswer) -> AnswerResult:
        if given.answer is Answer.ACCEPT and self._halted:
            return AnswerResult(AnswerResultStatus.HALTED)
        answer = ask.RecordAnswer(given.advice_id, self._patient_id, given.answer)
        try:
            status = await call(RecordActivities.record_answer, answer, lane=policy.IO)
        except ActivityError:
            # The record has no such advice: a wrong id must not end the loop.
            return AnswerResult(AnswerResultStatus.NOT_OPEN)
        if status is not AnswerStatus.RECORDED:
            return AnswerResult(AnswerResultStatus(status.value))
        if given.answer is Answer.DECLINE:
            await self._close_advice(given.advice_id, AdviceOutcome.DECLINED)
            return AnswerResult(AnswerResultStatus.DECLINED)
        return await self._enact_advice(given.advice_id)

    async def _enact_advice(self, advice_id: str) -> AnswerResult:
        if self._halted:
            # Halted while the answer was being written; the record still holds the answer.
            await self._close_advice(advice_id, AdviceOutcome.WITHDRAWN)
            return AnswerResult(AnswerResultStatus.HALTED)
        outcome = await call(
            RecordActivities.enact,
            ask.Enact(self._patient_id, f"advice/{advice_id}", EnactBasis.ADVICE, advice_id),
            lane=policy.IO,
        )
        refused = outcome.kind is EnactKind.REFUSED
        await self._close_advice(
            advice_id, AdviceOutcome.REFUSED if refused else AdviceOutcome.ENACTED
        )
        self._keep(outcome.follow_ups)
        status = AnswerResultStatus.REFUSED if refused else AnswerResultStatus.ENACTED
        return AnswerResult(status, outcome.order_ids, outcome.reasons)

    async def _close_advice(self, advice_id: str, outcome: AdviceOutcome) -> None:
        await call(
            RecordActivities.close_advice, ask.CloseAdvice(advice_id, outcome), lane=policy.IO
        )
        if advice_id == self._advice_id:
            self._forget_advice()
        self._done = keep_recent(self._done, advice_id, policy.RING_SIZE)
        self._reassess = True

    async def _change_halt(
        self, request: msg.HaltRequest | msg.ResumeRequest, *, halt: bool
    ) -> msg.HaltState:
        change = ask.ChangeHalt(self._patient_id, halt, request.by, request.actor_id)
        self._halted = await call(RecordActivities.change_halt, change, lane=policy.IO)
        self._read_standing = True
        return msg.HaltState(self._halted)

    async def _look_at_standing(self) -> None:
        self._read_standing = False
        was, about = (self._halted, self._monitored), ask.About(self._patient_id)
        standing = await call(RecordActivities.standing, about, lane=policy.IO)
        self._halted, self._monitored = standing.halted, standing.monitored
        if (self._halted or not self._monitored) and self._advice_id is not None:
            await self._close_advice(self._advice_id, AdviceOutcome.WITHDRAWN)
        if self._monitored and not was[1]:
            # The wait for readings starts anew: nobody was asked for any meanwhile.
            self._waits_since = workflow.now()
            self._expect_readings()
        self._reassess = self._reassess or (self._halted, self._monitored) != was

    # --- follow-ups and due times ---

    async def _note_closed_reviews(self) -> None:
        while self._closed_reviews:
            closed = self._closed_reviews.popleft()
            if closed.review_id in self._reviews:
                self._reviews.remove(closed.review_id)
            self._done = keep_recent(self._done, closed.review_id, policy.RING_SIZE)
            self._keep(closed.follow_ups)
            self._reassess = True

    def _keep(self, follow_ups: tuple[FollowUp, ...]) -> None:
        for follow_up in follow_ups:
            if follow_up.follow_up_id not in self._done:
                kind = DueKind(follow_up.kind.value)
                self._agenda.put(kind, follow_up.due_at, follow_up.follow_up_id)

    async def _on_assess(self, due: Due) -> None:
        self._reassess = True

    async def _on_reminder(self, due: Due) -> None:
        key = f"{due.kind.value}/{due.about}"
        await self._remind(policy.REMINDERS[due.kind], key)
        self._done = keep_recent(self._done, due.about, policy.RING_SIZE)
        if due.kind is DueKind.NEXT_WINDOW:
            self._reassess = True

    async def _on_readings(self, due: Due) -> None:
        await self._remind(ReminderReason.READINGS_DUE, self._next_key("readings"))
        self._agenda.put(due.kind, due.at + policy.READINGS_REMINDER_AFTER)

    async def _on_silent(self, due: Due) -> None:
        await self._open_task(TaskKind.CHECK_SILENT_PATIENT, self._next_key("silent"), None)
        self._agenda.put(due.kind, due.at + policy.SILENT_AGAIN_AFTER)

    async def _on_advice_expiry(self, due: Due) -> None:
        await self._close_advice(due.about, AdviceOutcome.EXPIRED)

    async def _on_step_to_look_at(self, due: Due) -> None:
        await self._open_task(TaskKind.LOOK_AT_PATIENT_STEP, f"step/{due.about}", due.about)
        self._done = keep_recent(self._done, due.about, policy.RING_SIZE)

    async def _remind(self, reason: ReminderReason, key: str) -> None:
        await call(
            RecordActivities.remind, ask.Remind(self._patient_id, key, reason), lane=policy.IO
        )

    async def _open_task(self, task: TaskKind, key: str, about: str | None) -> None:
        request = ask.OpenTask(self._patient_id, key, task, about)
        who = await call(RecordActivities.open_task, request, lane=policy.IO)
        await page_each(
            who, key=key, topic=policy.Topic.TASK, about_id=self._patient_id, urgent=False
        )

    def _next_key(self, what: str) -> str:
        """Business sequence, never a run id: a reset must meet the keys of the first time."""
        self._sequence += 1
        return f"patient/{self._patient_id}/{self._epoch}/{what}/{self._sequence}"


# Nobody looks after one who is not monitored, but a step that was taken before is looked at.
_STAYS_DUE = frozenset({DueKind.CLINICIAN_LOOKS_AT_STEP})

_ON_DUE: dict[DueKind, Callable[[PatientLoop, Due], Awaitable[None]]] = {
    DueKind.ASSESS: PatientLoop._on_assess,
    DueKind.READINGS_REMINDER: PatientLoop._on_readings,
    DueKind.SILENT: PatientLoop._on_silent,
    DueKind.ADVICE_REMINDER: PatientLoop._on_reminder,
    DueKind.ADVICE_EXPIRY: PatientLoop._on_advice_expiry,
    DueKind.CLINICIAN_LOOKS_AT_STEP: PatientLoop._on_step_to_look_at,
    DueKind.SYMPTOM_CHECK: PatientLoop._on_reminder,
    DueKind.LABS_DUE: PatientLoop._on_reminder,
    DueKind.NEXT_WINDOW: PatientLoop._on_reminder,
}
