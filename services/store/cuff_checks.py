"""Asking for a cuff reading: the one thing that a wearable's estimate may set off."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from services.loop_results import ReminderReason
from services.signals.circadian import DAY_HOURS
from services.signals.pressure import Estimated
from services.store import messages, monitoring, patients, pressure_context, readings
from services.store.patient_clock import PatientClock
from services.store.pressure_context import PressureContext
from services.store.tables.together import REMINDERS
from services.store.transaction import Transaction

# While one of these stands unanswered the patient is not asked a second time.
_ASKS = (
    ReminderReason.CUFF_CHECK.value,
    ReminderReason.READINGS_DUE.value,
    ReminderReason.NEXT_WINDOW.value,
    ReminderReason.REPEAT_READING.value,
)
# An ask that nobody answered in so long has lapsed; the weekly reminder is a loop's. [D]
ASK_STANDS = timedelta(days=7)


def departs_from_cuff(found: PressureContext) -> bool:
    """Whether the cuff reading carried forward lies outside the estimate's 90 % interval.

    Only an estimate that has shown skill on this patient's own cuff readings says anything.
    """
    if not isinstance(found.outcome, Estimated) or found.tracker.cuff_mmhg is None:
        return False
    low, high = found.outcome.systolic_interval_mmhg
    return not low <= float(found.tracker.cuff_mmhg[0]) <= high


async def consider(tx: Transaction, patient_id: str, *, now: datetime) -> bool:
    """Ask for a cuff reading where the wearable departs from the last one; whether it was asked.

    Once for each sitting with the cuff, never beside another ask that stands, never by night on
    the patient's own clock, and never of one who is not monitored.
    """
    if not await _may_be_asked(tx, patient_id, now=now):
        return False
    found = await pressure_context.read(tx, patient_id, now=now)
    if found is None or not departs_from_cuff(found):
        return False
    return await messages.remind(
        tx,
        patient_id,
        key=f"cuff_check/{patient_id}/{found.last_session.at.isoformat()}",
        reason=ReminderReason.CUFF_CHECK.value,
        now=now,
    )


async def _may_be_asked(tx: Transaction, patient_id: str, *, now: datetime) -> bool:
    zone = ZoneInfo((await patients.get(tx, patient_id)).timezone)
    taken = await readings.between(
        tx, patient_id, now - ASK_STANDS, now + timedelta(microseconds=1)
    )
    if not DAY_HOURS[0] <= PatientClock(taken, zone).local_hour(now) < DAY_HOURS[1]:
        return False
    since = max((reading.taken_at for reading in taken), default=now - ASK_STANDS)
    standing = select(func.count()).where(
        REMINDERS.c.patient_id == patient_id,
        REMINDERS.c.reason.in_(_ASKS),
        REMINDERS.c.at > since,
    )
    if (await tx.session.execute(standing)).scalar_one() > 0:
        return False
    return await monitoring.is_monitored(tx, patient_id)
