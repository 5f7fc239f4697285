"""What patient and clinician share: goals, messages, visits, tasks."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from services.store.tables.base import Moment, RecordTable, core


class Goal(RecordTable, table=True):
    """A goal that one side proposed; agreed when both sides have."""

    __tablename__ = "goals"

    goal_id: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    proposed_by_kind: str
    proposed_by_id: str
    proposed_at: datetime = Field(sa_type=Moment)
    status: str
    body_sealed: bytes
    patient_agreed_at: datetime | None = Field(default=None, sa_type=Moment)
    clinician_agreed_at: datetime | None = Field(default=None, sa_type=Moment)
    clinician_id: str | None = None
    closed_at: datetime | None = Field(default=None, sa_type=Moment)


class Message(RecordTable, table=True):
    """One message between patient and care team."""

    __tablename__ = "messages"
    __table_args__ = (Index("messages_by_time", "patient_id", "sent_at"),)

    message_id: str = Field(primary_key=True)
    patient_id: str
    from_kind: str
    from_id: str
    sent_at: datetime = Field(sa_type=Moment)
    read_at: datetime | None = Field(default=None, sa_type=Moment)
    body_sealed: bytes


class Visit(RecordTable, table=True):
    """A planned meeting; one stands planned at a time."""

    __tablename__ = "visits"
    __table_args__ = (
        Index(
            "one_planned_visit_per_patient",
            "patient_id",
            unique=True,
            postgresql_where=text("status = 'planned'"),
        ),
    )

    visit_id: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    planned_for: datetime = Field(sa_type=Moment)
    planned_at: datetime = Field(sa_type=Moment)
    by_id: str
    reason: str
    status: str
    closed_at: datetime | None = Field(default=None, sa_type=Moment)


class TaskRow(RecordTable, table=True):
    """Something a person has to do; one open of each kind and cause."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index(
            "one_open_task_per_cause",
            "patient_id",
            "task_kind",
            "cause",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
    )

    task_id: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    task_kind: str
    cause: str
    status: str
    opened_at: datetime = Field(sa_type=Moment)
    due_at: datetime | None = Field(default=None, sa_type=Moment)
    body_sealed: bytes | None = None
    done_at: datetime | None = Field(default=None, sa_type=Moment)
    done_by: str | None = None


class Reminder(RecordTable, table=True):
    """That a patient was asked for something, and when."""

    __tablename__ = "reminders"
    __table_args__ = (Index("reminders_by_time", "patient_id", "at"),)

    reminder_id: str = Field(primary_key=True)
    patient_id: str
    reason: str
    at: datetime = Field(sa_type=Moment)


GOALS = core(Goal)
MESSAGES = core(Message)
VISITS = core(Visit)
TASKS = core(TaskRow)
REMINDERS = core(Reminder)
