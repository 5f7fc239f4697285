"""Activities: thin calls of the ports. Whatever may differ between two runs happens here.

The guard judges inside `assess` and `enact`, so its verdict is a recorded fact: in workflow code a
replay would judge again with today's thresholds. Each activity takes the time from the injected
clock when it runs, not when it was asked for: after an outage, an old moment would make old data
look fresh.
"""

from collections.abc import Callable
from datetime import datetime

from temporalio import activity

from services.clinical.proposal import Predictor
from services.loop_results import (
    AlarmState,
    AnswerStatus,
    AssessOutcome,
    CareplanState,
    ClaimOutcome,
    Decision,
    EnactOutcome,
    Escalation,
    GoalStatus,
    RepeatKind,
    ReviewState,
    Standing,
    WindowBatchOutcome,
)
from services.metrics import ENACTMENTS, VERDICT_LATENCY, VERDICTS
from workflows import activity_requests as ask
from workflows.ports import Notifier, Records, WindowProcessor
from workflows.shadow import Shadow

Clock = Callable[[], datetime]


class RecordActivities:
    """Reads and writes of the record."""

    def __init__(
        self, records: Records, predictor: Predictor, clock: Clock, shadow: Shadow | None = None
    ) -> None:
        self._records = records
        self._predictor = predictor
        self._now = clock
        self._shadow = shadow

    @activity.defn
    async def assess(self, request: ask.Assess) -> AssessOutcome:
        """Judge the patient and save the assessment."""
        outcome = await self._records.assess(
            request.patient_id, key=request.key, predictor=self._predictor, now=self._now()
        )
        VERDICTS.labels(outcome.verdict_kind.value).inc()
        if request.readings_since is not None:
            waited = self._now() - request.readings_since
            VERDICT_LATENCY.observe(waited.total_seconds())
        if self._shadow is not None:
            self._shadow.offer(request.patient_id, outcome.assessment_id)
        return outcome

    @activity.defn
    async def after_assessing(self, request: ask.About) -> None:
        """Note what the last step came to, and ask for a cuff reading where one is called for."""
        await self._records.after_assessing(request.subject_id, now=self._now())

    @activity.defn
    async def enact(self, request: ask.Enact) -> EnactOutcome:
        """Judge again and write the order, once."""
        outcome = await self._records.enact(
            request.patient_id,
            key=request.key,
            basis=request.basis,
            basis_id=request.basis_id,
            now=self._now(),
        )
        ENACTMENTS.labels(request.basis.value, outcome.kind.value).inc()
        return outcome

    @activity.defn
    async def record_answer(self, request: ask.RecordAnswer) -> AnswerStatus:
        """Keep the patient's answer."""
        return await self._records.record_answer(
            request.advice_id,
            patient_id=request.patient_id,
            answer=request.answer,
            now=self._now(),
        )

    @activity.defn
    async def close_advice(self, request: ask.CloseAdvice) -> None:
        """Close an advice."""
        await self._records.close_advice(
            request.advice_id, outcome=request.outcome, now=self._now()
        )

    @activity.defn
    async def remind(self, request: ask.Remind) -> None:
        """Put a message before the patient."""
        await self._records.remind(
            request.patient_id, key=request.key, reason=request.reason, now=self._now()
        )

    @activity.defn
    async def open_task(self, request: ask.OpenTask) -> tuple[str, ...]:
        """Open work for a clinician; return whom to notify."""
        return await self._records.open_task(
            request.patient_id,
            key=request.key,
            task=request.task,
            about_id=request.about_id,
            now=self._now(),
        )

    @activity.defn
    async def change_halt(self, request: ask.ChangeHalt) -> bool:
        """Set or lift the halt; return whether recommendations are halted afterwards."""
        change = self._records.set_halt if request.halt else self._records.lift_halt
        await change(request.patient_id, by=request.by, actor_id=request.actor_id, now=self._now())
        return (await self._records.standing(request.patient_id)).halted

    @activity.defn
    async def standing(self, request: ask.About) -> Standing:
        """Whether a patient is halted, and whether they are monitored."""
        return await self._records.standing(request.subject_id)

    @activity.defn
    async def review_state(self, request: ask.About) -> ReviewState:
        """A review as it stands."""
        return await self._records.review_state(request.subject_id)

    @activity.defn
    async def claim_review(self, request: ask.ClaimReview) -> ClaimOutcome:
        """Give a review to the clinician who asked."""
        return await self._records.claim_review(
            request.review_id, clinician_id=request.clinician_id, now=self._now()
        )

    @activity.defn
    async def reassign_review(self, request: ask.ReassignReview) -> ClaimOutcome:
        """Hand a review over."""
        return await self._records.reassign_review(
            request.review_id,
            to_clinician_id=request.to_clinician_id,
            by_clinician_id=request.by_clinician_id,
            now=self._now(),
        )

    @activity.defn
    async def ask_patient(self, request: ask.AskPatient) -> None:
        """Note that a clinician asked for information, and tell the patient."""
        await self._records.request_information(
            request.review_id,
            clinician_id=request.clinician_id,
            key=request.key,
            now=self._now(),
        )

    @activity.defn
    async def decision(self, request: ask.About) -> Decision:
        """A decision as signed."""
        return await self._records.decision(request.subject_id)

    @activity.defn
    async def escalate_review(self, request: ask.ReachRung) -> Escalation:
        """Note a rung of the review's ladder."""
        return await self._records.escalate_review(
            request.subject_id, rung=request.rung, now=self._now()
        )

    @activity.defn
    async def close_review(self, request: ask.CloseReview) -> tuple[str, ...]:
        """Close a review; return signed decisions that it did not know of."""
        return await self._records.close_review(
            request.review_id,
            outcome=request.outcome,
            known_decision_ids=request.known_decision_ids,
            now=self._now(),
        )

    @activity.defn
    async def alarm_state(self, request: ask.About) -> AlarmState:
        """An alarm as it stands."""
        return await self._records.alarm_state(request.subject_id)

    @activity.defn
    async def repeat_outcome(self, request: ask.About) -> RepeatKind:
        """What the repeat reading says."""
        return await self._records.repeat_outcome(request.subject_id, now=self._now())

    @activity.defn
    async def raise_to_same_day(self, request: ask.About) -> None:
        """No repeat came: a clinician the same day."""
        await self._records.raise_to_same_day(request.subject_id, now=self._now())

    @activity.defn
    async def escalate_alarm(self, request: ask.ReachRung) -> Escalation:
        """Note a rung of the alarm's ladder."""
        return await self._records.escalate_alarm(
            request.subject_id, rung=request.rung, now=self._now()
        )

    @activity.defn
    async def acknowledge_alarm(self, request: ask.AcknowledgeAlarm) -> AlarmState:
        """Note who took the alarm."""
        return await self._records.acknowledge_alarm(
            request.alarm_id, clinician_id=request.clinician_id, now=self._now()
        )

    @activity.defn
    async def close_alarm(self, request: ask.CloseAlarm) -> None:
        """Close an alarm."""
        await self._records.close_alarm(request.alarm_id, outcome=request.outcome, now=self._now())

    @activity.defn
    async def careplan_state(self, request: ask.About) -> CareplanState:
        """Visits, envelope, goals and stability."""
        return await self._records.careplan_state(request.subject_id, now=self._now())

    @activity.defn
    async def answer_goal(self, request: ask.AnswerGoal) -> GoalStatus:
        """One side signs or declines a goal."""
        return await self._records.answer_goal(
            request.goal_id,
            side=request.side,
            actor_id=request.actor_id,
            agree=request.agree,
            now=self._now(),
        )

    @activity.defn
    async def lapse_goal(self, request: ask.About) -> GoalStatus:
        """Nobody answered a goal in time."""
        return await self._records.lapse_goal(request.subject_id, now=self._now())

    @activity.defn
    async def plan_visit(self, request: ask.PlanVisit) -> None:
        """Plan or move the next visit."""
        await self._records.plan_visit(
            request.patient_id,
            key=request.key,
            at=request.at,
            chosen_by=request.chosen_by,
            now=self._now(),
        )


class PagingActivities:
    """Reaching people, apart from everything else so that nothing can starve it."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier

    @activity.defn
    async def page(self, request: ask.Page) -> None:
        """Deliver one page."""
        await self._notifier.page(
            key=request.key,
            recipient_id=request.recipient_id,
            topic=request.topic,
            about_id=request.about_id,
            urgent=request.urgent,
        )


class IngestActivities:
    """Wearable windows into features."""

    def __init__(self, windows: WindowProcessor, clock: Clock) -> None:
        self._windows = windows
        self._now = clock

    @activity.defn
    async def process_windows(self, request: ask.ProcessWindows) -> WindowBatchOutcome:
        """Process one batch of waiting windows."""
        return await self._windows.process_batch(limit=request.limit, now=self._now())
