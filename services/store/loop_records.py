"""The loops' port `Records` on this store: each method is one transaction, safe to run twice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import select

from services.clinical.alarms import AlarmCause, Urgency
from services.clinical.proposal import Predictor
from services.loop_results import (
    AdviceOutcome,
    AlarmOutcome,
    AlarmState,
    AlarmStatus,
    AlarmUrgency,
    Answer,
    AnswerStatus,
    AssessOutcome,
    CareplanState,
    ClaimOutcome,
    Decision,
    DecisionKind,
    EnactBasis,
    EnactOutcome,
    Escalation,
    GoalStatus,
    HaltedBy,
    ReminderReason,
    RepeatKind,
    ReviewOutcome,
    ReviewState,
    ReviewStatus,
    Side,
    Standing,
    TaskKind,
)
from services.store import (
    advice,
    alarms,
    assessing,
    careplans,
    cuff_checks,
    enacting,
    goals,
    halts,
    messages,
    monitoring,
    on_call,
    order_resources,
    outcomes,
    repeats,
    reviews,
    tasks,
    visits,
)
from services.store.entries import AlarmEntry
from services.store.roles import Acting, ActingKind
from services.store.store import Store
from services.store.tables.people import PATIENTS
from services.store.transaction import Transaction

ACTOR = "loops"

# What becomes of a review's Task resource when the review closes without an order.
_TASK_ENDS: dict[ReviewOutcome, order_resources.TaskEnd] = {
    ReviewOutcome.REJECTED: "rejected",
    ReviewOutcome.NO_CHANGE: "cancelled",
    ReviewOutcome.WITHDRAWN: "cancelled",
}

_DECIDED = frozenset({ReviewOutcome.ENACTED, ReviewOutcome.REJECTED})


class LoopRecords:
    """Opened on a store of role worker."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @asynccontextmanager
    async def _transaction(self, patient_id: str | None) -> AsyncIterator[Transaction]:
        async with self._store.transaction(Acting("worker", ACTOR, patient_id)) as tx:
            yield tx

    # --- patient-AI loop

    async def assess(
        self, patient_id: str, *, key: str, predictor: Predictor, now: datetime
    ) -> AssessOutcome:
        """Make and save one assessment, once a key. Alarms are on record before anything ranks."""
        async with self._transaction(patient_id) as tx:
            found = await assessing.read(tx, patient_id, key=key, now=now)
            if isinstance(found, AssessOutcome):
                return found
            if not found.alarm_ids:
                return await assessing.judge(tx, found, key=key, predictor=predictor, now=now)
        # The alarms are committed and their ladders run, however long the predictor may take.
        # Raised again from the same evidence they add nothing.
        async with self._transaction(patient_id) as tx:
            return await assessing.assess(tx, patient_id, key=key, predictor=predictor, now=now)

    async def after_assessing(self, patient_id: str, *, now: datetime) -> None:
        """Note what the last step came to; ask for a cuff reading where one is called for."""
        async with self._transaction(patient_id) as tx:
            await outcomes.note(tx, patient_id, now=now)
        async with self._transaction(patient_id) as tx:
            await cuff_checks.consider(tx, patient_id, now=now)

    async def enact(
        self, patient_id: str, *, key: str, basis: EnactBasis, basis_id: str, now: datetime
    ) -> EnactOutcome:
        """Judge again on fresh data and write the orders, once a key and once a basis."""
        async with self._transaction(patient_id) as tx:
            return await enacting.enact(
                tx, patient_id, key=key, basis=basis, basis_id=basis_id, now=now
            )

    async def record_answer(
        self, advice_id: str, *, patient_id: str, answer: Answer, now: datetime
    ) -> AnswerStatus:
        """Keep the patient's answer; another patient's advice is not open to this one."""
        async with self._store.transaction(Acting("patient", patient_id, patient_id)) as tx:
            if (await advice.get(tx, advice_id)).patient_id != patient_id:
                return AnswerStatus.NOT_OPEN
            return await advice.record_answer(tx, advice_id, answer=answer, now=now)

    async def close_advice(self, advice_id: str, *, outcome: AdviceOutcome, now: datetime) -> None:
        """Close an advice; closed already: nothing happens."""
        async with self._transaction(None) as tx:
            await advice.close(tx, advice_id, outcome=outcome.value, now=now)

    async def remind(
        self, patient_id: str, *, key: str, reason: ReminderReason, now: datetime
    ) -> None:
        """Put a reminder before the patient, once a key; never for one who died."""
        async with self._transaction(patient_id) as tx:
            if await monitoring.has_died(tx, patient_id):
                return
            await messages.remind(tx, patient_id, key=key, reason=reason.value, now=now)

    async def open_task(
        self, patient_id: str, *, key: str, task: TaskKind, about_id: str | None, now: datetime
    ) -> tuple[str, ...]:
        """Open work for a clinician, once a key; return whom to tell. Nobody for one who died."""
        async with self._transaction(patient_id) as tx:
            if await monitoring.has_died(tx, patient_id):
                return ()
            cause = about_id or task.value
            await tasks.open_task(tx, patient_id, task.value, cause=cause, key=key, now=now)
            return await on_call.tell(tx, patient_id, about_id=cause, rung=0, now=now)

    async def set_halt(
        self, patient_id: str, *, by: HaltedBy, actor_id: str, now: datetime
    ) -> None:
        """Stop all recommendations for this patient."""
        async with self._transaction(patient_id) as tx:
            await halts.set_halt(tx, patient_id, by_kind=by.value, actor_id=actor_id, now=now)

    async def lift_halt(
        self, patient_id: str, *, by: HaltedBy, actor_id: str, now: datetime
    ) -> bool:
        """Lift the halt; False when one stays."""
        async with self._transaction(patient_id) as tx:
            return await halts.lift(tx, patient_id, by_kind=by.value, actor_id=actor_id, now=now)

    async def standing(self, patient_id: str) -> Standing:
        """Whether this patient, or everybody, is halted; and whether the patient is monitored."""
        async with self._transaction(patient_id) as tx:
            return Standing(
                halted=await halts.is_halted(tx, patient_id),
                monitored=await monitoring.is_monitored(tx, patient_id),
            )

    # --- clinician-AI loop

    async def review_state(self, review_id: str) -> ReviewState:
        """The review as it stands."""
        async with self._transaction(None) as tx:
            review = await reviews.get(tx, review_id)
            signed = await reviews.decisions(tx, review_id)
        closed = review.closed_at is not None
        outcome = None if review.outcome is None else ReviewOutcome(review.outcome)
        return ReviewState(
            review_id=review_id,
            patient_id=review.patient_id,
            status=ReviewStatus.CLOSED if closed else ReviewStatus.OPEN,
            opened_at=review.opened_at,
            claimed_by=review.claimed_by,
            outcome=outcome,
            decision_id=signed[-1].decision_id if outcome in _DECIDED else None,
        )

    async def claim_review(
        self, review_id: str, *, clinician_id: str, now: datetime
    ) -> ClaimOutcome:
        """Give the review to a clinician, unless another holds it."""
        async with self._as_clinician(clinician_id) as tx:
            return await reviews.claim(tx, review_id, clinician_id=clinician_id, now=now)

    async def reassign_review(
        self, review_id: str, *, to_clinician_id: str, by_clinician_id: str, now: datetime
    ) -> ClaimOutcome:
        """Hand the review over."""
        async with self._as_clinician(by_clinician_id) as tx:
            return await reviews.claim(
                tx, review_id, clinician_id=to_clinician_id, now=now, take_over=True
            )

    async def request_information(
        self, review_id: str, *, clinician_id: str, key: str, now: datetime
    ) -> None:
        """Tell the patient that the clinician wants to know more first."""
        async with self._as_clinician(clinician_id) as tx:
            review = await reviews.get(tx, review_id)
            reason = ReminderReason.INFORMATION_REQUESTED.value
            await messages.remind(tx, review.patient_id, key=key, reason=reason, now=now)

    async def decision(self, decision_id: str) -> Decision:
        """A decision as signed."""
        async with self._transaction(None) as tx:
            entry = await reviews.decision(tx, decision_id)
        return Decision(
            decision_id=decision_id,
            review_id=entry.review_id,
            kind=DecisionKind(entry.kind),
            decided_by=entry.clinician_id,
            defer_until=entry.body.defer_until,
        )

    async def escalate_review(self, review_id: str, *, rung: int, now: datetime) -> Escalation:
        """Note the rung reached and say whom to tell."""
        async with self._transaction(None) as tx:
            review = await reviews.escalate(tx, review_id, rung=rung, now=now)
            if review.closed_at is not None:
                return Escalation(still_open=False)
            told = await on_call.tell(tx, review.patient_id, about_id=review_id, rung=rung, now=now)
        return Escalation(still_open=True, notify=told)

    async def close_review(
        self,
        review_id: str,
        *,
        outcome: ReviewOutcome,
        known_decision_ids: tuple[str, ...],
        now: datetime,
    ) -> tuple[str, ...]:
        """Close a review and its Task; or, undecided, name signed decisions not yet known."""
        async with self._transaction(None) as tx:
            if outcome not in _DECIDED:
                beside = await reviews.decisions_beside(tx, review_id, known_decision_ids)
                if beside:
                    return beside
            if not await reviews.close(tx, review_id, outcome=outcome.value, now=now):
                return ()
            ends = _TASK_ENDS.get(outcome)
            if ends is not None:
                patient_id = (await reviews.get(tx, review_id)).patient_id
                await order_resources.set_task_status(tx, patient_id, review_id, ends, now=now)
        return ()

    # --- alarm

    async def alarm_state(self, alarm_id: str) -> AlarmState:
        """The alarm as it stands."""
        async with self._transaction(None) as tx:
            return _state(await alarms.get(tx, alarm_id))

    async def repeat_outcome(self, alarm_id: str, *, now: datetime) -> RepeatKind:
        """What cuff readings since the alarm's own say of it."""
        async with self._transaction(None) as tx:
            return await repeats.repeat_outcome(tx, await alarms.get(tx, alarm_id), now=now)

    async def raise_to_same_day(self, alarm_id: str, *, now: datetime) -> None:
        """No repeat came: the alarm now pages a clinician."""
        async with self._transaction(None) as tx:
            await alarms.raise_urgency(
                tx,
                alarm_id,
                Urgency.SAME_DAY,
                because=AlarmCause.CRISIS_NOT_REPEATED,
                now=now,
            )

    async def escalate_alarm(self, alarm_id: str, *, rung: int, now: datetime) -> Escalation:
        """Note the rung reached and say whom to page."""
        async with self._transaction(None) as tx:
            alarm = await alarms.escalate(tx, alarm_id, rung=rung, now=now)
            if alarm.closed_at is not None or alarm.acknowledged_at is not None:
                return Escalation(still_open=False)
            told = await on_call.tell(tx, alarm.patient_id, about_id=alarm_id, rung=rung, now=now)
        return Escalation(still_open=True, notify=told)

    async def acknowledge_alarm(
        self, alarm_id: str, *, clinician_id: str, now: datetime
    ) -> AlarmState:
        """Note who took the alarm; acknowledged before: the first stays."""
        async with self._as_clinician(clinician_id) as tx:
            return _state(
                await alarms.acknowledge(tx, alarm_id, clinician_id=clinician_id, now=now)
            )

    async def close_alarm(self, alarm_id: str, *, outcome: AlarmOutcome, now: datetime) -> None:
        """Close an alarm; closed already: nothing happens."""
        async with self._transaction(None) as tx:
            await alarms.close(tx, alarm_id, outcome=outcome.value, now=now)

    # --- patient-clinician loop

    async def careplan_state(self, patient_id: str, *, now: datetime) -> CareplanState:
        """Visits, envelope, goals and stability as they stand."""
        async with self._transaction(patient_id) as tx:
            return await careplans.state(tx, patient_id, now=now)

    async def answer_goal(
        self, goal_id: str, *, side: Side, actor_id: str, agree: bool, now: datetime
    ) -> GoalStatus:
        """One side signs or declines; answered before: as it stands."""
        kind: ActingKind = "patient" if side is Side.PATIENT else "clinician"
        async with self._store.transaction(Acting(kind, actor_id, None)) as tx:
            return await goals.answer(
                tx, goal_id, side=side, actor_id=actor_id, agree=agree, now=now
            )

    async def lapse_goal(self, goal_id: str, *, now: datetime) -> GoalStatus:
        """Nobody answered in time: a proposed goal lapses."""
        async with self._transaction(None) as tx:
            return await goals.lapse(tx, goal_id, now=now)

    async def plan_visit(
        self, patient_id: str, *, key: str, at: datetime, chosen_by: str | None, now: datetime
    ) -> None:
        """Plan or move the next visit; the same plan again changes nothing, with any key."""
        async with self._transaction(patient_id) as tx:
            await visits.plan(tx, patient_id, at=at, chosen_by=chosen_by, now=now)

    # --- beside the port

    async def patient_ids(self) -> tuple[str, ...]:
        """Every patient's id, for sweeps."""
        async with self._transaction(None) as tx:
            return tuple((await tx.session.execute(select(PATIENTS.c.patient_id))).scalars())

    @asynccontextmanager
    async def _as_clinician(self, clinician_id: str) -> AsyncIterator[Transaction]:
        async with self._store.transaction(Acting("clinician", clinician_id, None)) as tx:
            yield tx


def _state(alarm: AlarmEntry) -> AlarmState:
    return AlarmState(
        alarm_id=alarm.alarm_id,
        patient_id=alarm.patient_id,
        status=AlarmStatus(alarm.status),
        urgency=AlarmUrgency(alarm.urgency),
        raised_at=alarm.raised_at,
    )
