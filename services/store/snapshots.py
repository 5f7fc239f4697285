"""Snapshot: everything on record about one patient that a judgement may know, read at once."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.clinical.envelope import Envelope
from services.clinical.patient import Snapshot, SymptomReport
from services.clinical.readings import CLOCK_AHEAD
from services.store import (
    alarms,
    consents,
    doses,
    envelopes,
    halts,
    labs,
    patients,
    readings,
    regimen,
    symptoms,
    wearable,
    weights,
)
from services.store.patient_clock import PatientClock
from services.store.transaction import Transaction

# The judgement needs 60 days or more of readings (Snapshot); two windows after a slow drug's
# change reach back 70. Laboratory results count for a year at most (CLINICAL §4, labs).
READINGS_LOOK_BACK = timedelta(days=90)
LABS_LOOK_BACK = timedelta(days=730)
SYMPTOMS_LOOK_BACK = timedelta(days=60)
WEIGHTS_LOOK_BACK = timedelta(days=90)


async def build(
    tx: Transaction, patient_id: str, *, now: datetime
) -> tuple[Snapshot, Envelope | None]:
    """Return the patient at `now` and the newest signed envelope. Raises: NotInRecord."""
    facts = await patients.facts(tx, patient_id)
    row = await patients.get(tx, patient_id)
    prescriptions = await regimen.current(tx, patient_id)
    reported = await symptoms.since(tx, patient_id, now - SYMPTOMS_LOOK_BACK)
    # What is dated after `now` is not known yet: half-open spans end just behind it. Readings of
    # a clock that runs ahead are, and are judged as of now.
    end = now + timedelta(microseconds=1)
    taken = await readings.between(tx, patient_id, now - READINGS_LOOK_BACK, end + CLOCK_AHEAD)
    clock = PatientClock(taken, ZoneInfo(row.timezone))
    worn = await wearable.worn(tx, patient_id, clock=clock, now=now)
    snapshot = Snapshot(
        patient_id=patient_id,
        as_of=now,
        birth_date=facts.birth_date,
        sex=facts.sex,
        deceased=facts.deceased,
        consent=await consents.current(tx, patient_id),
        regimen=prescriptions,
        other_medicines=facts.other_medicines,
        medicines_complete=facts.medicines_complete,
        conditions=facts.conditions,
        conditions_complete=facts.conditions_complete,
        intolerances=facts.intolerances,
        intolerances_complete=facts.intolerances_complete,
        pregnancy=facts.pregnancy,
        labs=await labs.between(tx, patient_id, now - LABS_LOOK_BACK, end),
        pending_labs=await labs.pending(tx, patient_id, now=now),
        readings=taken,
        symptoms=tuple(
            SymptomReport(
                item.symptom,
                item.reported_at,
                open=item.closed_at is None,
                history=item.reported_at < row.enrolled_at,
            )
            for item in reported
            if item.reported_at <= now
        ),
        adherence=await doses.adherence_to(tx, patient_id, prescriptions, now=now),
        weights=await weights.between(tx, patient_id, now - WEIGHTS_LOOK_BACK, end),
        changes=await regimen.changes(tx, patient_id),
        target=facts.target,
        open_alarm=await alarms.is_any_open(tx, patient_id),
        halted=await halts.is_halted(tx, patient_id),
        rhythm_checked_manually_at=facts.rhythm_checked_manually_at,
        irregular_rhythm_flag_at=worn.irregular_at,
        wearable_features=worn.features,
        wearable_version=worn.version,
    )
    return snapshot, await envelopes.current(tx, patient_id)
