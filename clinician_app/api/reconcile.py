"""The record check: what a clinician confirms about an imported record, and the regimen."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, timedelta
from enum import StrEnum
from typing import TypeVar

from fastapi import APIRouter

from clinician_app.api.caller import Asking
from clinician_app.api.care_bodies import PrescriptionIn, ReconcileBody, ReconcileOut
from clinician_app.api.patients import unknowns
from clinician_app.api.reading import Id, bound
from services.clinical.formulary import FORMULARY, Drug
from services.clinical.patient import DoseChangeRecord, Pregnancy, Prescription, Target
from services.clinical.units import UnreadableDose, parse_dose
from services.fhir.medication import imported_order
from services.fhir.resource import Subject, to_bytes
from services.ids import new_id
from services.problems import FieldError, ProblemCode, ProblemRaised
from services.store import Transaction, monitoring, patients, regimen, resources, snapshots, tasks
from services.store.assessing import lock_patient
from services.store.rows import PatientFacts

router = APIRouter(prefix="/v1/patients/{patient_id}", tags=["patients"])
C = TypeVar("C", bound=StrEnum)
LIST_CHECK = "check_lists"


@router.post("/reconcile", operation_id="reconcile")
async def reconcile(patient_id: Id, body: ReconcileBody, caller: Asking) -> ReconcileOut:
    """Confirm what is given, leave the rest as it is, and say what is still not known."""
    _require_a_past_death(body, caller)
    async with bound(caller, patient_id) as tx:
        facts = await patients.facts(tx, patient_id)
        changed = merged(facts, body)
        if changed != facts:
            await patients.set_facts(tx, patient_id, changed, now=caller.now)
        if body.prescriptions is not None:
            await _set_regimen(tx, patient_id, body.prescriptions, caller)
        await _close_list_check(tx, patient_id, changed, caller)
        if body.deceased is not None:
            await _note_life(tx, patient_id, body, caller)
        snapshot, _ = await snapshots.build(tx, patient_id, now=caller.now)
    return ReconcileOut(unknowns=unknowns(snapshot))


async def _note_life(tx: Transaction, patient_id: str, body: ReconcileBody, caller: Asking) -> None:
    """Note a death, or that one was noted in error."""
    if not body.deceased:
        await monitoring.take_back_death(tx, patient_id, now=caller.now)
        return
    # A step that is being enacted now comes first; the guard refuses every later one.
    await lock_patient(tx, patient_id)
    await monitoring.note_death(
        tx,
        patient_id,
        died_on=body.died_on,
        clinician_id=caller.clinician_id,
        now=caller.now,
    )


def _require_a_past_death(body: ReconcileBody, caller: Asking) -> None:
    """Raises: ProblemRaised: a day of death without the death, or one that is to come."""
    if body.died_on is None:
        return
    if not body.deceased:
        raise _invalid("/died_on", "say deceased true with the day of the death")
    # It may be tomorrow already where the patient lived.
    if body.died_on > (caller.now + timedelta(days=1)).date():
        raise _invalid("/died_on", "is still to come")


async def _close_list_check(
    tx: Transaction, patient_id: str, facts: PatientFacts, caller: Asking
) -> None:
    """The task that an import opened is done once every list is known to be complete."""
    if not (facts.conditions_complete and facts.intolerances_complete and facts.medicines_complete):
        return
    for task in await tasks.list_open(tx, patient_id):
        if task.task_kind == LIST_CHECK:
            await tasks.done(tx, task.task_id, now=caller.now)


def merged(facts: PatientFacts, body: ReconcileBody) -> PatientFacts:
    """Return the facts with what the body gives."""
    given = {
        name: value
        for name in ("conditions_complete", "intolerances_complete", "medicines_complete")
        if (value := getattr(body, name)) is not None
    }
    changed = replace(facts, **given)
    if body.pregnancy is not None:
        changed = replace(changed, pregnancy=code_of(Pregnancy, body.pregnancy, "/pregnancy"))
    if body.target is not None:
        goal = Target(body.target.systolic_below, body.target.diastolic_below)
        changed = replace(changed, target=goal)
    return changed


def code_of(kind: type[C], text: str, pointer: str) -> C:
    """Return the member that `text` names. Raises: ProblemRaised, which lists them all."""
    try:
        return kind(text)
    except ValueError as err:
        expected = "one of: " + ", ".join(kind)
        raise ProblemRaised(
            ProblemCode.UNKNOWN_CODE, errors=(FieldError(pointer, expected),)
        ) from err


async def _set_regimen(
    tx: Transaction, patient_id: str, given: Iterable[PrescriptionIn], caller: Asking
) -> None:
    """Replace the regimen. A line that says the same dose as before keeps its order."""
    # A step that is being enacted now must not be written over with the dose before it.
    await lock_patient(tx, patient_id)
    before = {item.drug: item for item in await regimen.current(tx, patient_id)}
    lines = [_prescription(place, item, before) for place, item in enumerate(given)]
    drugs = [line.drug for line in lines]
    if len(set(drugs)) != len(drugs):
        raise _invalid("/prescriptions", "name each drug once")
    await _require_no_step_up(tx, patient_id, lines, before)
    await _require_known_times(tx, patient_id, lines, before)
    known = {item.order_id for item in before.values()}
    new = [line for line in lines if line.order_id not in known]
    await _write_orders(tx, patient_id, new, caller)
    await regimen.import_prescriptions(tx, patient_id, lines, now=caller.now)
    await regimen.note_changes(tx, patient_id, _raises(lines, before))


async def _require_no_step_up(
    tx: Transaction,
    patient_id: str,
    lines: Iterable[Prescription],
    before: dict[Drug, Prescription],
) -> None:
    """The record check says what is taken. What was ordered here goes up by a decision only.

    Raises: ProblemRaised. A lower dose, or a drug that another prescriber stopped, may be noted.
    """
    ordered_here = {change.drug for change in await regimen.changes(tx, patient_id)}
    for place, line in enumerate(lines):
        known = before.get(line.drug)
        dose_ug = 0 if known is None else known.daily_dose_ug
        if line.drug in ordered_here and line.daily_dose_ug > dose_ug:
            raise _invalid(
                f"/prescriptions/{place}/daily_dose",
                "was changed here before: decide a higher dose in a review",
            )


async def _require_known_times(
    tx: Transaction,
    patient_id: str,
    lines: Iterable[Prescription],
    before: dict[Drug, Prescription],
) -> None:
    """A dose that differs from the record began after what the record holds.

    A raised one began at the earliest on the day of the last record (UTC): dated back, it would
    pass as a dose that was waited for long enough. Raises: ProblemRaised.
    """
    noted_at = await regimen.noted_at(tx, patient_id)
    for place, line in enumerate(lines):
        known = before.get(line.drug)
        if known is None or line.daily_dose_ug == known.daily_dose_ug:
            continue
        too_old = line.since < known.since
        if noted_at is not None and line.daily_dose_ug > known.daily_dose_ug:
            too_old = too_old or line.since.astimezone(UTC).date() < noted_at.date()
        if too_old:
            raise _invalid(
                f"/prescriptions/{place}/since", "is before the record of the dose before it"
            )


def _raises(
    lines: Iterable[Prescription], before: dict[Drug, Prescription]
) -> tuple[DoseChangeRecord, ...]:
    """Return the doses that went up since the last record: the wait for the next step begins."""
    return tuple(
        DoseChangeRecord(
            drug=line.drug,
            from_ug=known.daily_dose_ug,
            to_ug=line.daily_dose_ug,
            effective_at=line.since,
            by_patient=False,
            envelope_id=None,
        )
        for line in lines
        if (known := before.get(line.drug)) is not None and line.daily_dose_ug > known.daily_dose_ug
    )


async def _write_orders(
    tx: Transaction, patient_id: str, lines: Iterable[Prescription], caller: Asking
) -> None:
    """Give each reconciled drug an order of ours, so that a later step has one to replace."""
    row = await patients.get(tx, patient_id)
    subject = Subject(patient_id, row.simulated)
    orders = [
        imported_order(
            order_id=line.order_id,
            subject=subject,
            drug=line.drug,
            daily_dose_ug=line.daily_dose_ug,
            times_a_day=line.times_a_day,
            since=line.since,
            clinician_id=caller.clinician_id,
        )
        for line in lines
    ]
    items = [("MedicationRequest", str(order["id"]), to_bytes(order)) for order in orders]
    await resources.put_new(tx, patient_id, items, now=caller.now)


def _prescription(
    place: int, given: PrescriptionIn, before: dict[Drug, Prescription]
) -> Prescription:
    pointer = f"/prescriptions/{place}"
    drug = code_of(Drug, given.drug, f"{pointer}/drug")
    try:
        dose_ug = parse_dose(given.daily_dose)
        strength = None if given.tablet_strength is None else parse_dose(given.tablet_strength)
    except UnreadableDose as err:
        raise ProblemRaised(
            ProblemCode.UNREADABLE_DOSE,
            errors=(FieldError(pointer, "write the dose with its unit, such as 5 mg"),),
        ) from err
    if dose_ug not in FORMULARY[drug].ladder_ug:
        raise _invalid(f"{pointer}/daily_dose", "is not a marketed daily dose of this drug")
    known = before.get(drug)
    same = known is not None and known.daily_dose_ug == dose_ug
    return Prescription(
        drug=drug,
        daily_dose_ug=dose_ug,
        times_a_day=given.times_a_day,
        since=given.since,
        order_id=known.order_id if known is not None and same else new_id(),
        tablet_strength_ug=strength,
        tablets_in_hand=given.tablets_in_hand,
        # A pause ends by a step that the guard judges, whatever dose is noted meanwhile.
        paused_since=None if known is None else known.paused_since,
    )


def _invalid(pointer: str, detail: str) -> ProblemRaised:
    return ProblemRaised(ProblemCode.INVALID_INPUT, errors=(FieldError(pointer, detail),))
