"""Earned autonomy: what raises a patient's stage, and what lowers it by itself.

Stages: observe → propose only → one step with next-day review → bounded steps. A rise needs a
record and a signature, or a second clinician's; a fall needs neither.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.clinical.alarm_types import AlarmCause
from services.clinical.alarms import scan
from services.clinical.envelope import Envelope, Stage
from services.clinical.facts import STAGES
from services.clinical.laboratory import read_laboratory
from services.clinical.patient import Snapshot

# Evidence asked for before each rise. Source: [D]; trials trained patients and checked them first
# (TASMIN-SR, 2-3 sessions; 80 % trained, 77 % of those finished) [V].
MIN_REVIEWED_PROPOSALS = 2
MIN_AGREED_PERCENT = 80
MIN_WEEKS_OBSERVED = 4
MIN_REVIEWED_STEPS = 1
# The next day a clinician is asked to look at a step (ONE_STEP); that day is theirs.
REVIEW_OF_A_STEP_WITHIN = timedelta(days=2)
# What a plan may have done to the patient. A slow heart is not told apart from a fast one here, and
# a low diastolic is as low as it is: the stricter reading, both count.
HARMS = frozenset(
    {
        AlarmCause.PERSISTENT_LOW,
        AlarmCause.LOW_DIASTOLIC,
        AlarmCause.EMERGENCY_SYMPTOM,
        AlarmCause.SYMPTOM,
        AlarmCause.POTASSIUM_HIGH,
        AlarmCause.POTASSIUM_LOW,
        AlarmCause.SODIUM_LOW,
        AlarmCause.RENAL_FALL,
        AlarmCause.HEART_RATE,
    }
)


class Setback(StrEnum):
    """What demotes."""

    DRIFT = "drift"
    """The model's errors, or its inputs, no longer look as they did when it was approved."""
    MISSED_LABS = "missed_labs"
    DEVICE_CHANGED = "device_changed"
    HARM = "harm"
    """Low pressure, a fall, a fainting, a lab alarm or an admission while the plan ran."""
    MODEL_CHANGED = "model_changed"
    EXPIRED = "expired"
    STEP_NOT_REVIEWED = "step_not_reviewed"


# To which stage a setback falls at least: nothing alone, every step a clinician's. Harm could be
# read as a fall to OBSERVE, but that stage proposes nothing to the clinician either (rule
# observe_only), and so would keep back the step down that a harmed patient needs.
_FALLS_TO = {
    Setback.DRIFT: Stage.PROPOSE_ONLY,
    Setback.MISSED_LABS: Stage.PROPOSE_ONLY,
    Setback.DEVICE_CHANGED: Stage.PROPOSE_ONLY,
    Setback.HARM: Stage.PROPOSE_ONLY,
    Setback.MODEL_CHANGED: Stage.PROPOSE_ONLY,
    Setback.EXPIRED: Stage.PROPOSE_ONLY,
    Setback.STEP_NOT_REVIEWED: Stage.PROPOSE_ONLY,
}


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """What has been seen of a patient under the loop."""

    weeks_observed: int
    proposals_reviewed: int
    proposals_agreed: int
    steps_reviewed: int
    training_finished: bool
    setbacks_open: frozenset[Setback] = frozenset()


def may_rise_to(record: TrackRecord, stage: Stage) -> Stage:
    """Return the next stage when the record earns it, else the present one. One stage at a time."""
    if record.setbacks_open or stage is Stage.BOUNDED_STEPS:
        return stage
    earned = {
        Stage.OBSERVE: record.weeks_observed >= MIN_WEEKS_OBSERVED,
        Stage.PROPOSE_ONLY: record.training_finished
        and record.proposals_reviewed >= MIN_REVIEWED_PROPOSALS
        and 100 * record.proposals_agreed >= MIN_AGREED_PERCENT * record.proposals_reviewed,
        Stage.ONE_STEP: record.steps_reviewed >= MIN_REVIEWED_STEPS,
    }
    return STAGES[STAGES.index(stage) + 1] if earned[stage] else stage


def is_earned(record: TrackRecord, before: Stage | None, after: Stage) -> bool:
    """Say whether a plan may be signed at a stage by one clinician alone.

    `before` is the stage in effect; None where no plan holds: proposals are made then as well, so
    that nothing below steps alone needs a record. Never more than one stage at a time.
    """
    held = Stage.PROPOSE_ONLY if before is None else before
    return STAGES.index(after) <= STAGES.index(may_rise_to(record, held))


def demoted(envelope: Envelope, setbacks: frozenset[Setback]) -> Envelope:
    """Return the plan at the stage that the setbacks leave; the same when none lowers it.

    A demotion takes permission away, so signature and version stay those that were signed. Only a
    new signature raises the stage again.
    """
    stage = min([envelope.stage, *(_FALLS_TO[item] for item in setbacks)], key=STAGES.index)
    return envelope if stage is envelope.stage else replace(envelope, stage=stage)


def last_step_at(snapshot: Snapshot, envelope: Envelope) -> datetime | None:
    """Return when the patient last took a step of this plan."""
    taken = [
        change.effective_at
        for change in snapshot.changes
        if change.by_patient and change.envelope_id == envelope.envelope_id
    ]
    return max(taken, default=None)


def setbacks_of(
    snapshot: Snapshot, envelope: Envelope, now: datetime, *, last_step_reviewed: bool
) -> frozenset[Setback]:
    """Return the setbacks that the record itself shows; drift and model changes come from outside.

    `last_step_reviewed`: a clinician has looked at the patient's last step.
    """
    harmed = any(
        alarm.cause in HARMS and alarm.since >= envelope.valid_from for alarm in scan(snapshot, now)
    )
    found = (
        (now >= envelope.expires_at, Setback.EXPIRED),
        (_labs_missed(snapshot, envelope, now), Setback.MISSED_LABS),
        (
            not last_step_reviewed and _step_waits(snapshot, envelope, now),
            Setback.STEP_NOT_REVIEWED,
        ),
        (_device_changed(snapshot, now), Setback.DEVICE_CHANGED),
        (harmed, Setback.HARM),
    )
    return frozenset(setback for present, setback in found if present)


# Labs are due 2-4 weeks after a start or a rise. Source: AHA25 p44-45 [S].
LABS_OVERDUE_AFTER = timedelta(days=28)


def _labs_missed(snapshot: Snapshot, envelope: Envelope, now: datetime) -> bool:
    laboratory = read_laboratory(snapshot, now)
    rises = [c.effective_at for c in snapshot.changes if c.to_ug > c.from_ug]
    overdue = bool(rises) and now - max(rises) > LABS_OVERDUE_AFTER
    ages = (laboratory.potassium_age, laboratory.egfr_age)
    too_old = any(age is None or age > envelope.lab_max_age_days for age in ages)
    return too_old or (overdue and laboratory.renal_check_due)


def _step_waits(snapshot: Snapshot, envelope: Envelope, now: datetime) -> bool:
    """Say whether a step at the one-step stage has waited too long for its review."""
    taken = last_step_at(snapshot, envelope)
    if envelope.stage is not Stage.ONE_STEP or taken is None:
        return False
    return now - taken > REVIEW_OF_A_STEP_WITHIN


def _device_changed(snapshot: Snapshot, now: datetime) -> bool:
    recent = [r for r in snapshot.readings if timedelta() <= now - r.taken_at <= timedelta(days=14)]
    return len({reading.device_id for reading in recent}) > 1
