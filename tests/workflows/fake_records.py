"""An in-memory record, for tests of workflow logic under virtual time only.

The workflow is the thing under test there; `services/store` has tests of its own. It keeps the
promises of `workflows.ports.Records`: idempotent on keys, closed once, enacted once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

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
    ClaimStatus,
    Decision,
    EnactBasis,
    EnactKind,
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
    Stability,
    Standing,
    TaskKind,
    VerdictKind,
    WindowBatchOutcome,
)


class NotInRecord(LookupError):
    """As the store's error of this name."""


@dataclass
class FakeRecords:
    """What happened is in the lists; what is answered is set by the test."""

    assessments: dict[str, AssessOutcome] = field(default_factory=dict)
    verdict: AssessOutcome = field(
        default_factory=lambda: AssessOutcome("assessment", VerdictKind.HOLD)
    )
    before_assessing: Callable[[], None] = lambda: None
    looked_back: int = 0
    before_looking_back: Callable[[], None] = lambda: None
    enactment: EnactOutcome = field(
        default_factory=lambda: EnactOutcome(EnactKind.ENACTED, ("order-1",))
    )
    enacted: dict[str, EnactOutcome] = field(default_factory=dict)
    enact_calls: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    advice_closed: dict[str, AdviceOutcome] = field(default_factory=dict)
    reminders: dict[str, ReminderReason] = field(default_factory=dict)
    tasks: dict[str, TaskKind] = field(default_factory=dict)
    halted_by: HaltedBy | None = None
    monitored: bool = True
    reviews: dict[str, ReviewState] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    information_asked: list[str] = field(default_factory=list)
    review_rungs: list[tuple[str, int]] = field(default_factory=list)
    before_closing_review: Callable[[], None] = lambda: None
    alarms: dict[str, AlarmState] = field(default_factory=dict)
    alarm_closed: dict[str, AlarmOutcome] = field(default_factory=dict)
    alarm_rungs: list[tuple[str, int]] = field(default_factory=list)
    repeat: RepeatKind = RepeatKind.NONE
    careplan: CareplanState | None = None
    goals: dict[str, set[Side]] = field(default_factory=dict)
    goal_status: dict[str, GoalStatus] = field(default_factory=dict)
    visits: dict[str, tuple[datetime, str | None]] = field(default_factory=dict)

    # --- patient-AI loop ---

    async def assess(
        self, patient_id: str, *, key: str, predictor: Predictor, now: datetime
    ) -> AssessOutcome:
        if key not in self.assessments:
            self.before_assessing()
            self.assessments[key] = self.verdict
        return self.assessments[key]

    async def after_assessing(self, patient_id: str, *, now: datetime) -> None:
        self.looked_back += 1
        self.before_looking_back()

    async def enact(
        self, patient_id: str, *, key: str, basis: EnactBasis, basis_id: str, now: datetime
    ) -> EnactOutcome:
        self.enact_calls.append(key)
        if key in self.enacted:
            return replace(self.enacted[key], kind=EnactKind.ALREADY)
        if self.halted_by is not None:
            return EnactOutcome(EnactKind.REFUSED, reasons=("halted",))
        if self.enactment.kind is not EnactKind.REFUSED:
            self.enacted[key] = self.enactment
        return self.enactment

    async def record_answer(
        self, advice_id: str, *, patient_id: str, answer: Answer, now: datetime
    ) -> AnswerStatus:
        if advice_id == "no-such":
            raise NotInRecord(advice_id)
        before = self.answers.get(advice_id)
        if before is not None:
            return AnswerStatus.RECORDED if before is answer else AnswerStatus.CHANGED
        if advice_id in self.advice_closed or advice_id != self.verdict.advice_id:
            return AnswerStatus.NOT_OPEN
        self.answers[advice_id] = answer
        return AnswerStatus.RECORDED

    async def close_advice(self, advice_id: str, *, outcome: AdviceOutcome, now: datetime) -> None:
        self.advice_closed.setdefault(advice_id, outcome)
        if self.verdict.advice_id == advice_id:
            self.verdict = replace(self.verdict, advice_id=None, verdict_kind=VerdictKind.HOLD)

    async def remind(
        self, patient_id: str, *, key: str, reason: ReminderReason, now: datetime
    ) -> None:
        self.reminders.setdefault(key, reason)

    async def open_task(
        self, patient_id: str, *, key: str, task: TaskKind, about_id: str | None, now: datetime
    ) -> tuple[str, ...]:
        self.tasks.setdefault(key, task)
        return ("clinician-1",)

    async def set_halt(
        self, patient_id: str, *, by: HaltedBy, actor_id: str, now: datetime
    ) -> None:
        self.halted_by = self.halted_by or by

    async def lift_halt(
        self, patient_id: str, *, by: HaltedBy, actor_id: str, now: datetime
    ) -> bool:
        if self.halted_by is HaltedBy.CLINICIAN and by is HaltedBy.PATIENT:
            return False
        self.halted_by = None
        return True

    async def standing(self, patient_id: str) -> Standing:
        return Standing(halted=self.halted_by is not None, monitored=self.monitored)

    # --- clinician-AI loop ---

    async def review_state(self, review_id: str) -> ReviewState:
        return self.reviews[review_id]

    async def claim_review(
        self, review_id: str, *, clinician_id: str, now: datetime
    ) -> ClaimOutcome:
        return self._give(review_id, clinician_id, even_if_held=False)

    async def reassign_review(
        self, review_id: str, *, to_clinician_id: str, by_clinician_id: str, now: datetime
    ) -> ClaimOutcome:
        return self._give(review_id, to_clinician_id, even_if_held=True)

    def _give(self, review_id: str, clinician_id: str, *, even_if_held: bool) -> ClaimOutcome:
        review = self.reviews[review_id]
        if review.status is ReviewStatus.CLOSED:
            return ClaimOutcome(ClaimStatus.NOT_OPEN)
        if review.claimed_by not in (None, clinician_id) and not even_if_held:
            return ClaimOutcome(ClaimStatus.TAKEN, review.claimed_by)
        self.reviews[review_id] = replace(review, claimed_by=clinician_id)
        return ClaimOutcome(ClaimStatus.CLAIMED, clinician_id)

    async def request_information(
        self, review_id: str, *, clinician_id: str, key: str, now: datetime
    ) -> None:
        self.information_asked.append(key)

    async def decision(self, decision_id: str) -> Decision:
        if decision_id not in self.decisions:
            raise NotInRecord(decision_id)
        return self.decisions[decision_id]

    async def escalate_review(self, review_id: str, *, rung: int, now: datetime) -> Escalation:
        if self.reviews[review_id].status is ReviewStatus.CLOSED:
            return Escalation(still_open=False)
        self.review_rungs.append((review_id, rung))
        return Escalation(still_open=True, notify=("clinician-1", "cover-1")[rung : rung + 1])

    async def close_review(
        self,
        review_id: str,
        *,
        outcome: ReviewOutcome,
        known_decision_ids: tuple[str, ...],
        now: datetime,
    ) -> tuple[str, ...]:
        self.before_closing_review()
        review = self.reviews[review_id]
        if review.status is ReviewStatus.CLOSED:
            return ()
        unknown = tuple(
            found.decision_id
            for found in self.decisions.values()
            if found.review_id == review_id and found.decision_id not in known_decision_ids
        )
        decided = outcome in (ReviewOutcome.ENACTED, ReviewOutcome.REJECTED)
        if unknown and not decided:
            return unknown
        self.reviews[review_id] = replace(
            review,
            status=ReviewStatus.CLOSED,
            outcome=outcome,
            decision_id=known_decision_ids[-1] if decided else None,
        )
        return ()

    # --- alarm ---

    async def alarm_state(self, alarm_id: str) -> AlarmState:
        return self.alarms[alarm_id]

    async def repeat_outcome(self, alarm_id: str, *, now: datetime) -> RepeatKind:
        return self.repeat

    async def raise_to_same_day(self, alarm_id: str, *, now: datetime) -> None:
        self.alarms[alarm_id] = replace(self.alarms[alarm_id], urgency=AlarmUrgency.SAME_DAY)

    async def escalate_alarm(self, alarm_id: str, *, rung: int, now: datetime) -> Escalation:
        if self.alarms[alarm_id].status is not AlarmStatus.OPEN:
            return Escalation(still_open=False)
        self.alarm_rungs.append((alarm_id, rung))
        return Escalation(still_open=True, notify=(f"person-{min(rung, 3)}",))

    async def acknowledge_alarm(
        self, alarm_id: str, *, clinician_id: str, now: datetime
    ) -> AlarmState:
        alarm = self.alarms[alarm_id]
        if alarm.status is AlarmStatus.OPEN:
            self.alarms[alarm_id] = replace(alarm, status=AlarmStatus.ACKNOWLEDGED)
        return self.alarms[alarm_id]

    async def close_alarm(self, alarm_id: str, *, outcome: AlarmOutcome, now: datetime) -> None:
        self.alarm_closed.setdefault(alarm_id, outcome)
        self.alarms[alarm_id] = replace(self.alarms[alarm_id], status=AlarmStatus.CLOSED)

    # --- patient-clinician loop ---

    async def careplan_state(self, patient_id: str, *, now: datetime) -> CareplanState:
        assert self.careplan is not None
        goals = tuple(g for g, s in self.goal_status.items() if s is GoalStatus.PROPOSED)
        return replace(self.careplan, open_goal_ids=goals)

    async def answer_goal(
        self, goal_id: str, *, side: Side, actor_id: str, agree: bool, now: datetime
    ) -> GoalStatus:
        if goal_id not in self.goal_status:
            raise NotInRecord(goal_id)
        if self.goal_status[goal_id] is GoalStatus.PROPOSED:
            signed = self.goals.setdefault(goal_id, set())
            if agree:
                signed.add(side)
            both = signed == {Side.PATIENT, Side.CLINICIAN}
            agreed = GoalStatus.AGREED if both else GoalStatus.PROPOSED
            self.goal_status[goal_id] = agreed if agree else GoalStatus.DECLINED
        return self.goal_status[goal_id]

    async def lapse_goal(self, goal_id: str, *, now: datetime) -> GoalStatus:
        if self.goal_status[goal_id] is GoalStatus.PROPOSED:
            self.goal_status[goal_id] = GoalStatus.LAPSED
        return self.goal_status[goal_id]

    async def plan_visit(
        self, patient_id: str, *, key: str, at: datetime, chosen_by: str | None, now: datetime
    ) -> None:
        assert self.careplan is not None
        if key not in self.visits:
            self.visits[key] = (at, chosen_by)
            self.careplan = replace(
                self.careplan, next_visit_at=at, visit_fixed=chosen_by is not None
            )


@dataclass
class FakeNotifier:
    """Pages in the order in which they were taken."""

    pages: list[tuple[str, str, bool]] = field(default_factory=list)
    broken: bool = False

    async def page(
        self, *, key: str, recipient_id: str, topic: str, about_id: str, urgent: bool
    ) -> None:
        if self.broken:
            raise ConnectionError("no channel")
        self.pages.append((recipient_id, topic, urgent))


@dataclass
class FakeWindows:
    """`waiting` windows, each completed once."""

    waiting: int = 0
    completed: int = 0
    batches: int = 0
    held: int = 0

    async def process_batch(self, *, limit: int, now: datetime) -> WindowBatchOutcome:
        taken = min(limit, self.waiting)
        self.waiting -= taken
        self.completed += taken
        self.batches += 1
        held = not taken and self.held > 0
        self.waiting, self.held = (self.held, 0) if held else (self.waiting, self.held)
        return WindowBatchOutcome(taken, 0, self.waiting > 0 and not held, held)


def steady_careplan(patient_id: str, stability: Stability) -> CareplanState:
    """A patient with no visit planned and no envelope."""
    return CareplanState(
        patient_id=patient_id,
        stability=stability,
        last_visit_at=None,
        next_visit_at=None,
        visit_fixed=False,
        envelope_id=None,
        envelope_expires_at=None,
    )
