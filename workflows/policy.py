"""Policy: queues, priorities, timeouts, retries and deadlines. Tables, nothing else."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from temporalio.common import Priority as TemporalPriority
from temporalio.common import RetryPolicy

from services.clinical.ladders import ALARM_LADDER, REPEAT_WITHIN, REVIEW_LADDER
from services.loop_results import ReminderReason, Stability
from services.outbox_messages import Priority, Queue
from workflows.agenda import DueKind


class Topic(StrEnum):
    """What a page is about. It goes out in the clear, so it names a duty and never a finding."""

    ALARM = "alarm"
    REVIEW = "review"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Lane:
    """How a kind of activity runs.

    `heartbeat_timeout` is what finds a killed worker: without it a retry would wait for the whole
    `start_to_close_timeout`. `give_up_after` None: try until it succeeds.
    """

    queue: Queue
    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry: RetryPolicy
    give_up_after: timedelta | None = None


HEARTBEAT_TIMEOUT = timedelta(seconds=3)
HEARTBEAT_EVERY_S = 1.0
NEVER_RETRIED = ("NotInRecord",)

# An outage of the database is waited out: an assessment or an order is late, never lost.
_UNTIL_IT_WORKS = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=20),
    non_retryable_error_types=NEVER_RETRIED,
)
# A page that no channel takes is left to the next rung of the ladder; what was not done after an
# assessment, to the next assessment.
_A_FEW_TIMES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_attempts=4,
)

IO = Lane(Queue.IO, timedelta(seconds=30), HEARTBEAT_TIMEOUT, _UNTIL_IT_WORKS)
AFTERWARDS = Lane(
    Queue.IO,
    timedelta(seconds=30),
    HEARTBEAT_TIMEOUT,
    _A_FEW_TIMES,
    give_up_after=timedelta(minutes=2),
)
INFERENCE = Lane(Queue.INFERENCE, timedelta(seconds=30), HEARTBEAT_TIMEOUT, _UNTIL_IT_WORKS)
INGEST = Lane(Queue.INGEST, timedelta(minutes=2), HEARTBEAT_TIMEOUT, _UNTIL_IT_WORKS)
PAGING = Lane(
    Queue.PAGING,
    timedelta(seconds=15),
    HEARTBEAT_TIMEOUT,
    _A_FEW_TIMES,
    give_up_after=timedelta(minutes=2),
)

# --- patient-AI loop ---------------------------------------------------------------------------

ASSESS_AT_LEAST_EVERY = timedelta(days=7)
"""Without news, so that expired labs, envelopes and averages are noticed. [D]"""
READINGS_REMINDER_AFTER = timedelta(days=7)
"""Source: COACH and TASMINH4 nag missing readings; one protocol week [K]."""
SILENT_AFTER = timedelta(days=14)
"""The averaging window is at most 14 d old; past that a person asks. [D]"""
SILENT_AGAIN_AFTER = timedelta(days=28)
ADVICE_REMINDER_AFTER = timedelta(days=3)
ADVICE_EXPIRES_AFTER = timedelta(days=7)
"""An answer to an older proposal would rest on another week's pressures. [D]"""
REMINDERS = {
    DueKind.ADVICE_REMINDER: ReminderReason.ADVICE_WAITS,
    DueKind.SYMPTOM_CHECK: ReminderReason.SYMPTOM_CHECK,
    DueKind.LABS_DUE: ReminderReason.LABS_DUE,
    DueKind.NEXT_WINDOW: ReminderReason.NEXT_WINDOW,
}
"""What the patient hears when such an entry falls due."""

# --- clinician-AI loop ---------------------------------------------------------------------------

REVIEW_RUNGS = REVIEW_LADDER
"""How long rung 0 (the clinician) and rung 1 (the covering clinician) have; then no change."""

# --- alarm -------------------------------------------------------------------------------------

ALARM_RUNGS = ALARM_LADDER
"""When rungs 1, 2 and 3 are reached, counted from the start of the ladder; rung 0 is at once."""
CRISIS_REPEAT_WITHIN = REPEAT_WITHIN
ALARM_AGAIN_EVERY = timedelta(minutes=30)
"""Past the last rung: an alarm is never given up."""

# --- entity workflows --------------------------------------------------------------------------

HISTORY_EVENTS_MAX = 1_000
RUN_MAX = timedelta(days=30)
RING_SIZE = 64
"""How many ids of things already done are carried along, against late duplicates."""

# --- patient-clinician loop --------------------------------------------------------------------

GOAL_REMINDER_AFTER = timedelta(days=3)
GOAL_LAPSES_AFTER = timedelta(days=14)
ENVELOPE_RENEWAL_BEFORE = timedelta(days=14)
ENVELOPE_LAST_CALL_BEFORE = timedelta(days=3)
VISIT_AFTER = {
    Stability.VOLATILE: timedelta(days=14),
    Stability.ABOVE_TARGET: timedelta(days=28),
    Stability.UNKNOWN: timedelta(days=28),
    Stability.STABLE: timedelta(days=90),
}
"""From the last visit to the next.

Source: reassess monthly until control, then every 3-6 months (AHA25 p56, p59) [S]; sooner when
volatile [D].
"""
VISIT_NOT_BEFORE = timedelta(days=1)
STABILITY_LOOK_EVERY = timedelta(days=7)
VISIT_REMINDER_BEFORE = timedelta(days=2)
VISIT_MOVES_BY_AT_LEAST = timedelta(days=7)
"""A visit is not moved for less: a calendar that flutters is a calendar nobody trusts. [D]"""

# --- ingest ------------------------------------------------------------------------------------

WINDOWS_A_BATCH = 64
WINDOW_LEASE = timedelta(minutes=2)

# --- people's requests -------------------------------------------------------------------------

DEFER_AT_MOST = timedelta(days=28)
"""A deferral longer than one titration interval is a rejection. [D]"""
INFORMATION_REQUESTS_MAX = 3


def temporal_priority(priority: Priority) -> TemporalPriority:
    """Return the priority as Temporal wants it."""
    return TemporalPriority(priority_key=int(priority))
