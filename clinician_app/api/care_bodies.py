"""Alarms, halts, the record check, goals, messages, tasks and the timeline on the wire."""

from datetime import date

from pydantic import Field

from clinician_app.api.bodies import PatientHeader
from clinician_app.api.envelope_bodies import TargetIn
from clinician_app.api.wire import In, Instant, Out, ShortText, Text


class AlarmOut(Out):
    alarm_id: str
    header: PatientHeader
    cause: str
    words: str
    urgency: str
    urgency_words: str
    since: Instant
    raised_at: Instant
    repeats: int
    status: str
    acknowledged_by: str | None
    note: str | None


class AlarmList(Out):
    halted_everywhere: bool
    alarms: list[AlarmOut]


class AcknowledgeBody(In):
    note: Text


class HaltBody(In):
    reason: Text


class HaltOut(Out):
    halted: bool


class PrescriptionIn(In):
    """What the patient takes, as a clinician reconciled it. `daily_dose` such as "12.5 mg"."""

    drug: ShortText
    daily_dose: ShortText
    times_a_day: int = Field(ge=1, le=3)
    since: Instant = Field(strict=False)
    tablets_in_hand: int | None = Field(default=None, ge=0, le=1000)
    tablet_strength: ShortText | None = None


class ReconcileBody(In):
    """Only what is given changes. `prescriptions` replaces the whole regimen.

    `deceased` True notes a death, with its day where it is known; False takes it back.
    """

    conditions_complete: bool | None = None
    intolerances_complete: bool | None = None
    medicines_complete: bool | None = None
    pregnancy: ShortText | None = None
    target: TargetIn | None = None
    prescriptions: list[PrescriptionIn] | None = Field(default=None, max_length=12)
    deceased: bool | None = None
    died_on: date | None = Field(default=None, strict=False)


class ReconcileOut(Out):
    unknowns: list[str]


class GoalOut(Out):
    goal_id: str
    text: str
    status: str
    proposed_by: str
    proposed_at: Instant
    waits_for_clinician: bool


class GoalList(Out):
    goals: list[GoalOut]


class MessageOut(Out):
    message_id: str
    from_kind: str
    sent_at: Instant
    text: str


class MessageList(Out):
    messages: list[MessageOut]


class TextBody(In):
    text: Text


class GoalAnswerBody(In):
    agree: bool


class GoalAnswerOut(Out):
    status: str


class TaskOut(Out):
    task_id: str
    patient_id: str
    words: str
    due_at: Instant | None
    note: str | None


class TaskList(Out):
    tasks: list[TaskOut]


class VisitBody(In):
    at: Instant = Field(strict=False)


class VisitOut(Out):
    at: Instant


class Done(Out):
    done: bool = True


class TimelineEvent(Out):
    """One act. `signature`: printed name and meaning where it was signed."""

    event_id: str
    at: Instant
    who: str
    words: str
    subject: str
    outcome: str
    signature: str | None
    leaf_index: int | None


class Timeline(Out):
    header: PatientHeader
    events: list[TimelineEvent]


class ClaimOut(Out):
    status: str
    claimed_by: str | None
