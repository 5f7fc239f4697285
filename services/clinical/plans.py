"""What may be done to an envelope: draft, tighten, sign, renew, revoke, compare.

Every function returns a new version; none overwrites. A signature is set by the clinician's door,
which authenticates; here it is decided whether one signature is enough.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from services.clinical.envelope import DrugBounds, Envelope, Stage, StopCondition
from services.clinical.facts import STAGES
from services.clinical.formulary import FORMULARY
from services.clinical.patient import Target
from services.clinical.rules_autonomy import (
    DEFAULT_CERTAINTY_PERCENT,
    DEFAULT_EGFR,
    DEFAULT_INTERVAL_DAYS,
    DEFAULT_STEPS,
    HARD_EGFR,
    HARD_INTERVAL_DAYS,
    HARD_LAB_AGE_DAYS,
    HARD_PLAN_DAYS,
    HARD_POTASSIUM_BELOW,
    HARD_STEPS,
)

# A plan's life, six months. Source: CLINICAL §5 [D].
PLAN_LIFE = timedelta(days=182)


class Fault(StrEnum):
    """Why a plan cannot be signed at all."""

    NO_BOUNDS = "no_bounds"
    DRUG_TWICE = "drug_twice"
    RUNGS_NOT_ASCENDING = "rungs_not_ascending"
    OFF_LADDER = "off_ladder"
    CLINICIAN_ONLY_RUNG = "clinician_only_rung"
    STEP_TOO_LARGE = "step_too_large"
    INTERVAL_TOO_SHORT = "interval_too_short"
    TOO_MANY_STEPS = "too_many_steps"
    POTASSIUM_LIMIT_TOO_HIGH = "potassium_limit_too_high"
    EGFR_LIMIT_TOO_LOW = "egfr_limit_too_low"
    LABS_TOO_OLD = "labs_too_old"
    LIFE_TOO_LONG = "life_too_long"
    ENDS_BEFORE_IT_BEGINS = "ends_before_it_begins"
    CONFIDENCE_NOT_A_SHARE = "confidence_not_a_share"


class Loosening(StrEnum):
    """What makes a plan looser than another, and so in need of a second signature."""

    STAGE = "stage"
    BOUNDS = "bounds"
    STEP = "step"
    INTERVAL = "interval"
    STEPS = "steps"
    POTASSIUM = "potassium"
    EGFR = "egfr"
    LAB_AGE = "lab_age"
    CONFIDENCE = "confidence"
    STOP_CONDITIONS = "stop_conditions"
    AGE = "age"
    LIFE = "life"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that differs, as the dashboard shows it."""

    field: str
    before: str
    after: str
    looser: bool


def faults(envelope: Envelope) -> tuple[Fault, ...]:
    """Return why nobody may sign this plan: hard limits lie beneath every setting."""
    life = envelope.expires_at - envelope.valid_from
    found = (
        (not envelope.bounds, Fault.NO_BOUNDS),
        (_drug_twice(envelope), Fault.DRUG_TWICE),
        (any(not _ascends(b) for b in envelope.bounds), Fault.RUNGS_NOT_ASCENDING),
        (any(_off_ladder(b) for b in envelope.bounds), Fault.OFF_LADDER),
        (any(_clinician_only(b) for b in envelope.bounds), Fault.CLINICIAN_ONLY_RUNG),
        (envelope.max_step_rungs != 1, Fault.STEP_TOO_LARGE),
        (envelope.min_interval_days < HARD_INTERVAL_DAYS, Fault.INTERVAL_TOO_SHORT),
        (not 0 <= envelope.steps_allowed <= HARD_STEPS, Fault.TOO_MANY_STEPS),
        (
            envelope.potassium_below_thousandths > HARD_POTASSIUM_BELOW,
            Fault.POTASSIUM_LIMIT_TOO_HIGH,
        ),
        (envelope.egfr_at_least_thousandths < HARD_EGFR, Fault.EGFR_LIMIT_TOO_LOW),
        (envelope.lab_max_age_days > HARD_LAB_AGE_DAYS, Fault.LABS_TOO_OLD),
        (life.days > HARD_PLAN_DAYS, Fault.LIFE_TOO_LONG),
        (life <= timedelta(), Fault.ENDS_BEFORE_IT_BEGINS),
        (not 0 <= envelope.confidence_floor_percent <= 100, Fault.CONFIDENCE_NOT_A_SHARE),
    )
    return tuple(fault for present, fault in found if present)


def _drug_twice(envelope: Envelope) -> bool:
    return len({bounds.drug for bounds in envelope.bounds}) != len(envelope.bounds)


def _ascends(bounds: DrugBounds) -> bool:
    return bool(bounds.rungs_ug) and list(bounds.rungs_ug) == sorted(set(bounds.rungs_ug))


def _off_ladder(bounds: DrugBounds) -> bool:
    return not set(bounds.rungs_ug) <= set(FORMULARY[bounds.drug].ladder_ug)


def _clinician_only(bounds: DrugBounds) -> bool:
    return bool(set(bounds.rungs_ug) & set(FORMULARY[bounds.drug].clinician_only_rungs_ug))


def default_envelope(
    *,
    envelope_id: str,
    patient_id: str,
    bounds: tuple[DrugBounds, ...],
    target: Target,
    valid_from: datetime,
) -> Envelope:
    """Return an unsigned draft with every default, at the stage that only proposes."""
    return Envelope(
        envelope_id=envelope_id,
        version=1,
        patient_id=patient_id,
        stage=Stage.PROPOSE_ONLY,
        bounds=bounds,
        target=target,
        max_step_rungs=1,
        min_interval_days=DEFAULT_INTERVAL_DAYS,
        steps_allowed=DEFAULT_STEPS,
        potassium_below_thousandths=HARD_POTASSIUM_BELOW,
        egfr_at_least_thousandths=DEFAULT_EGFR,
        lab_max_age_days=HARD_LAB_AGE_DAYS,
        confidence_floor_percent=DEFAULT_CERTAINTY_PERCENT,
        stop_conditions=frozenset(StopCondition),
        allow_age_80_and_over=False,
        valid_from=valid_from,
        expires_at=valid_from + PLAN_LIFE,
        signed_by=None,
        signed_at=None,
    )


def loosenings(before: Envelope, after: Envelope) -> tuple[Loosening, ...]:
    """Return in which ways `after` allows more than `before`. Empty: it only tightens."""
    found = (
        (STAGES.index(after.stage) > STAGES.index(before.stage), Loosening.STAGE),
        (not _within(after, before), Loosening.BOUNDS),
        (after.max_step_rungs > before.max_step_rungs, Loosening.STEP),
        (after.min_interval_days < before.min_interval_days, Loosening.INTERVAL),
        (after.steps_allowed > before.steps_allowed, Loosening.STEPS),
        (
            after.potassium_below_thousandths > before.potassium_below_thousandths,
            Loosening.POTASSIUM,
        ),
        (after.egfr_at_least_thousandths < before.egfr_at_least_thousandths, Loosening.EGFR),
        (after.lab_max_age_days > before.lab_max_age_days, Loosening.LAB_AGE),
        (after.confidence_floor_percent < before.confidence_floor_percent, Loosening.CONFIDENCE),
        (not after.stop_conditions >= before.stop_conditions, Loosening.STOP_CONDITIONS),
        (after.allow_age_80_and_over and not before.allow_age_80_and_over, Loosening.AGE),
        (after.expires_at > before.expires_at, Loosening.LIFE),
        # A lower goal asks for more treatment, a higher one for less.
        (_asks_for_more(after.target, before.target), Loosening.TARGET),
    )
    return tuple(loosening for present, loosening in found if present)


def _within(after: Envelope, before: Envelope) -> bool:
    allowed = {(item.drug, rung) for item in before.bounds for rung in item.rungs_ug}
    return all((item.drug, rung) in allowed for item in after.bounds for rung in item.rungs_ug)


def _asks_for_more(after: Target, before: Target) -> bool:
    return (
        after.systolic_below_mmhg < before.systolic_below_mmhg
        or after.diastolic_below_mmhg < before.diastolic_below_mmhg
    )


def needs_second_signature(envelope: Envelope) -> bool:
    """Say whether a setting is looser than the default, so that one signature is not enough."""
    return (
        envelope.min_interval_days < DEFAULT_INTERVAL_DAYS
        or envelope.steps_allowed > DEFAULT_STEPS
        or envelope.egfr_at_least_thousandths < DEFAULT_EGFR
        or envelope.confidence_floor_percent < DEFAULT_CERTAINTY_PERCENT
    )


class NotTighter(ValueError):
    """A tightening would allow more: it needs a clinician's renewal and signature instead."""


def tighten(before: Envelope, after: Envelope) -> Envelope:
    """Return `after` as the next version, signature kept: it only takes permission away.

    Raises:
        NotTighter: a setting of `after` allows more.
    """
    found = loosenings(before, after)
    if found:
        raise NotTighter(", ".join(found))
    return replace(after, version=before.version + 1)


class NotSignable(ValueError):
    """The plan breaks a hard limit or lacks a signature. Correct it and sign again."""


def sign(
    draft: Envelope, *, signed_by: str, signed_at: datetime, second_signed_by: str | None = None
) -> Envelope:
    """Return the plan signed.

    Raises:
        NotSignable: it breaks a hard limit, or is looser than the default and lacks a second
            clinician's signature.
    """
    found = faults(draft)
    if found:
        raise NotSignable(", ".join(found))
    if needs_second_signature(draft) and second_signed_by in (None, signed_by):
        raise NotSignable("a second clinician must sign settings looser than the default")
    return replace(
        draft, signed_by=signed_by, signed_at=signed_at, second_signed_by=second_signed_by
    )


def renew(before: Envelope, *, envelope_id: str, valid_from: datetime) -> Envelope:
    """Return an unsigned draft of a new plan with the same settings and a life of six months.

    A renewal is a new plan with a new id, so that its steps are counted anew.
    """
    return replace(
        before,
        envelope_id=envelope_id,
        version=1,
        valid_from=valid_from,
        expires_at=valid_from + PLAN_LIFE,
        signed_by=None,
        signed_at=None,
        second_signed_by=None,
        revoked_at=None,
    )


def revoke(before: Envelope, *, revoked_at: datetime) -> Envelope:
    """Return the next version, revoked. A plan revoked before stays revoked since then."""
    at = revoked_at if before.revoked_at is None else min(before.revoked_at, revoked_at)
    return replace(before, version=before.version + 1, revoked_at=at)


_LOOSENING_OF_FIELD: Mapping[str, Loosening] = MappingProxyType(
    {
        "stage": Loosening.STAGE,
        "bounds": Loosening.BOUNDS,
        "target": Loosening.TARGET,
        "max_step_rungs": Loosening.STEP,
        "min_interval_days": Loosening.INTERVAL,
        "steps_allowed": Loosening.STEPS,
        "potassium_below_thousandths": Loosening.POTASSIUM,
        "egfr_at_least_thousandths": Loosening.EGFR,
        "lab_max_age_days": Loosening.LAB_AGE,
        "confidence_floor_percent": Loosening.CONFIDENCE,
        "stop_conditions": Loosening.STOP_CONDITIONS,
        "allow_age_80_and_over": Loosening.AGE,
        "expires_at": Loosening.LIFE,
    }
)


def differences(before: Envelope, after: Envelope) -> tuple[Difference, ...]:
    """Return every setting that differs, in the order of the plan, with what is looser marked."""
    looser = set(loosenings(before, after))
    return tuple(
        Difference(name, _text(old), _text(new), loosening in looser)
        for name, loosening in _LOOSENING_OF_FIELD.items()
        if (old := getattr(before, name)) != (new := getattr(after, name))
    )


def _text(value: object) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(str(item) for item in value))
    if isinstance(value, Target):
        return f"below {value.systolic_below_mmhg}/{value.diastolic_below_mmhg} mmHg"
    if isinstance(value, tuple):
        return "; ".join(_bounds_text(item) for item in value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _bounds_text(bounds: DrugBounds) -> str:
    return f"{bounds.drug.value} " + ", ".join(str(int(rung)) for rung in bounds.rungs_ug) + " µg"
