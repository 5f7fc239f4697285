"""What the laboratory says, flattened for the rules: values, ages, what is awaited, trends."""

from datetime import datetime, timedelta
from typing import NamedTuple

from services.clinical.formulary import DrugClass, drug_class
from services.clinical.patient import DoseChangeRecord, Lab, LabResult, Snapshot, Symptom
from services.clinical.regimen import RAS_CLASSES, SICK_DAY_CLASSES

# Labs follow a start or rise of a RAS blocker or a diuretic after 10 days at the earliest.
# Source: CCJM and NICE 10-14 d [V]; AHA25 p44-45 2-4 weeks [S].
CHECK_AFTER = timedelta(days=10)
# A rise longer ago than this is no longer what moves the kidney [D].
RESPONSE_REACH = timedelta(days=365)
_WATCHED = RAS_CLASSES | {DrugClass.THIAZIDE, DrugClass.MRA}


class Laboratory(NamedTuple):
    """Values in thousandths of the unit of their `Lab`, ages in whole days, trends per mille."""

    potassium: int | None
    potassium_age: int | None
    potassium_pending: bool
    sodium: int | None
    sodium_age: int | None
    sodium_pending: bool
    creatinine: int | None
    egfr: int | None
    egfr_age: int | None
    renal_pending: bool
    renal_check_due: bool
    """A RAS blocker or diuretic was raised, and no potassium and eGFR of 10 days later are here."""
    potassium_since_pause: bool
    """Nothing that needs labs to be taken up again is paused, or a potassium is later than that."""
    sodium_since_pause: bool
    egfr_since_pause: bool
    ras_raised: bool
    egfr_fall: int | None
    creatinine_rise: int | None


def read_laboratory(snapshot: Snapshot, now: datetime) -> Laboratory:
    """Return the facts that the laboratory gives."""
    latest: dict[Lab, LabResult] = {}
    for result in snapshot.labs:
        held = latest.get(result.lab)
        if result.taken_at <= now and (held is None or result.taken_at >= held.taken_at):
            latest[result.lab] = result
    potassium, sodium = latest.get(Lab.POTASSIUM), latest.get(Lab.SODIUM)
    creatinine, egfr = latest.get(Lab.CREATININE), latest.get(Lab.EGFR)
    pending = {
        item.lab
        for item in snapshot.pending_labs
        if item.lab not in latest or item.ordered_at > latest[item.lab].taken_at
    }
    rises = [c for c in snapshot.changes if c.to_ug > c.from_ug and c.effective_at <= now]
    ras_rise = _last(rises, frozenset(RAS_CLASSES))
    if ras_rise is not None and now - ras_rise.effective_at > RESPONSE_REACH:
        ras_rise = None
    paused_at = _last_sick_day_at(snapshot)
    return Laboratory(
        potassium=None if potassium is None else potassium.value_thousandths,
        potassium_age=_age(potassium, now),
        potassium_pending=Lab.POTASSIUM in pending,
        sodium=None if sodium is None else sodium.value_thousandths,
        sodium_age=_age(sodium, now),
        sodium_pending=Lab.SODIUM in pending,
        creatinine=None if creatinine is None else creatinine.value_thousandths,
        egfr=None if egfr is None else egfr.value_thousandths,
        egfr_age=_age(egfr, now),
        renal_pending=Lab.CREATININE in pending or Lab.EGFR in pending,
        renal_check_due=_check_due(_last_watched_rise_at(snapshot, rises, now), potassium, egfr),
        potassium_since_pause=_is_later(potassium, paused_at),
        sodium_since_pause=_is_later(sodium, paused_at),
        egfr_since_pause=_is_later(egfr, paused_at),
        ras_raised=ras_rise is not None,
        egfr_fall=_response(snapshot, ras_rise, egfr, sign=-1),
        creatinine_rise=_response(snapshot, ras_rise, creatinine, sign=1),
    )


def _age(result: LabResult | None, now: datetime) -> int | None:
    return None if result is None else (now - result.taken_at).days


def _last_sick_day_at(snapshot: Snapshot) -> datetime | None:
    """Return when what is paused was paused, or the last vomiting since; None: nothing is paused.

    Of a report and a pause the later counts, so that no sample from before either will do.
    """
    paused = [
        item.paused_since
        for item in snapshot.regimen
        if item.paused_since is not None and drug_class(item.drug) in SICK_DAY_CLASSES
    ]
    if not paused:
        return None
    ill = [r.reported_at for r in snapshot.symptoms if r.symptom is Symptom.VOMITING_OR_DIARRHOEA]
    return max(paused + ill)


def _is_later(result: LabResult | None, moment: datetime | None) -> bool:
    return moment is None or (result is not None and result.taken_at > moment)


def _last(rises: list[DoseChangeRecord], classes: frozenset[DrugClass]) -> DoseChangeRecord | None:
    chosen = [change for change in rises if drug_class(change.drug) in classes]
    return max(chosen, key=lambda change: change.effective_at, default=None)


def _last_watched_rise_at(
    snapshot: Snapshot, rises: list[DoseChangeRecord], now: datetime
) -> datetime | None:
    """Return when a watched drug last rose; a prescription made elsewhere counts as a rise.

    What was started or changed outside the loop shows in the prescription's start only.
    """
    known = {(change.drug, change.effective_at) for change in snapshot.changes}
    elsewhere = [
        item.since
        for item in snapshot.regimen
        if drug_class(item.drug) in _WATCHED
        and item.since <= now
        and (item.drug, item.since) not in known
    ]
    rise = _last(rises, frozenset(_WATCHED))
    moments = elsewhere if rise is None else [*elsewhere, rise.effective_at]
    return max(moments, default=None)


def _check_due(
    risen_at: datetime | None, potassium: LabResult | None, egfr: LabResult | None
) -> bool:
    if risen_at is None:
        return False
    due_at = risen_at + CHECK_AFTER
    return (
        potassium is None or potassium.taken_at < due_at or egfr is None or egfr.taken_at < due_at
    )


def _response(
    snapshot: Snapshot, rise: DoseChangeRecord | None, latest: LabResult | None, *, sign: int
) -> int | None:
    """Return the change since before the RAS blocker was raised, per mille, rounded upward.

    `sign` −1 gives a fall. None when there is no such rise, no baseline of the year before it, or
    no later value.
    """
    if rise is None or latest is None or latest.taken_at <= rise.effective_at:
        return None
    before = [
        result
        for result in snapshot.labs
        if result.lab is latest.lab
        and rise.effective_at - RESPONSE_REACH <= result.taken_at <= rise.effective_at
    ]
    base = max(before, key=lambda result: result.taken_at, default=None)
    if base is None or base.value_thousandths <= 0:
        return None
    change = sign * (latest.value_thousandths - base.value_thousandths)
    return -(-change * 1000 // base.value_thousandths)
