"""The envelope: shown with what may be signed, signed anew, revoked, and its history of changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from fastapi import APIRouter

from clinician_app.api.bodies import SignatureOut
from clinician_app.api.caller import Asking, Caller
from clinician_app.api.care_bodies import Done
from clinician_app.api.earned import earned_out, in_force, refuse_alone, stage_held
from clinician_app.api.envelope_bodies import (
    BoundsIn,
    EnvelopeHistory,
    EnvelopeOut,
    EnvelopeSigned,
    EnvelopeTerms,
    EnvelopeVersionOut,
    RevokeEnvelopeBody,
    RungChoices,
    SignEnvelopeBody,
    TargetIn,
)
from clinician_app.api.once import IdempotencyKey, once
from clinician_app.api.reading import Id, bound, note_read, patient_shown
from clinician_app.api.reconcile import code_of
from clinician_app.api.signing import (
    ENVELOPE_MEANING,
    TRAINED_MEANING,
    prove_again,
    prove_second,
    signature,
    signature_out,
)
from clinician_app.envelope_words import changes
from clinician_app.words import plain
from services.clinical import plans
from services.clinical.envelope import DrugBounds, Envelope, Stage, StopCondition
from services.clinical.formulary import FORMULARY, Drug
from services.clinical.patient import Snapshot, Target
from services.clinical.units import Micrograms
from services.ids import new_id
from services.problems import FieldError, ProblemCode, ProblemRaised
from services.store import Changed, Transaction, envelopes, track_record
from services.store.rows import ClinicianRow, Signature, SignedEnvelope

router = APIRouter(prefix="/v1/patients/{patient_id}/envelope", tags=["envelopes"])

# Source: CLINICAL §5, plan expires at 6 months, 2 steps per signed plan, 1 step per 28 d [D].
LONGEST = timedelta(days=183)
SUGGESTED_STEPS, SUGGESTED_INTERVAL_DAYS = 2, 28
# Source: CLINICAL §4, K+ must be below 5.0 [V CCJM]; eGFR < 50 excluded from autonomy (CURATE) [V].
SUGGESTED_POTASSIUM, SUGGESTED_EGFR = 5_000, 50_000
# Source: CLINICAL §4, 3-6 monthly labs for RASi/MRA [S]; the certainty floor is this design's [D].
SUGGESTED_LAB_DAYS, SUGGESTED_CERTAINTY = 90, 70
_FIELD_OF: Mapping[plans.Fault, str] = MappingProxyType(
    {
        plans.Fault.STEP_TOO_LARGE: "/terms/max_step_rungs",
        plans.Fault.INTERVAL_TOO_SHORT: "/terms/min_interval_days",
        plans.Fault.TOO_MANY_STEPS: "/terms/steps_allowed",
        plans.Fault.POTASSIUM_LIMIT_TOO_HIGH: "/terms/potassium_below_thousandths",
        plans.Fault.EGFR_LIMIT_TOO_LOW: "/terms/egfr_at_least_thousandths",
        plans.Fault.LABS_TOO_OLD: "/terms/lab_max_age_days",
        plans.Fault.LIFE_TOO_LONG: "/terms/expires_at",
        plans.Fault.ENDS_BEFORE_IT_BEGINS: "/terms/expires_at",
        plans.Fault.CONFIDENCE_NOT_A_SHARE: "/terms/confidence_floor_percent",
    }
)
"""Where to correct a fault; every other one lies in the bounds."""

# Source: CLINICAL §1, goal at least <130/80 [S].
DEFAULT_TARGET = Target(130, 80)


@router.get("", operation_id="envelope")
async def show(patient_id: Id, caller: Asking) -> EnvelopeOut:
    """Return the newest version, and the rungs and limits that the editor offers."""
    async with patient_shown(caller, patient_id, "CarePlan", patient_id) as shown:
        history = await envelopes.history(shown.tx, patient_id)
        record = await track_record.read(
            shown.tx, shown.snapshot, history, training_finished=True, now=caller.now
        )
    newest = history[0] if history else None
    return EnvelopeOut(
        as_of=caller.now,
        header=shown.header,
        terms=None if newest is None else terms_of(newest.in_effect),
        version=0 if newest is None else newest.envelope.version,
        signature=None if newest is None else signature_out(newest.signature),
        valid=newest is not None and in_force(newest.envelope, caller.now),
        revoked=newest is not None and newest.envelope.revoked_at is not None,
        lowered_by=[] if newest is None else _setbacks(newest),
        earned=earned_out(record, stage_held(history, caller.now)),
        choices=_choices(shown.snapshot),
        suggested=_suggested(shown.snapshot, caller.now),
    )


@router.put("", operation_id="signEnvelope")
async def sign(
    patient_id: Id,
    body: SignEnvelopeBody,
    caller: Asking,
    idempotency_key: IdempotencyKey = None,
) -> EnvelopeSigned:
    """Sign a new version; refused when another was signed since the editor was opened."""
    envelope = _envelope(patient_id, body.terms, caller.now)
    _refuse_unsignable(envelope)
    signer = await prove_again(caller, body.password)
    second = None
    if body.second is not None:
        second = await prove_second(caller, body.second.username, body.second.password)
    async with bound(caller, patient_id) as tx:

        async def carry_out() -> EnvelopeSigned:
            return await _sign(tx, caller, (signer, second), envelope, body)

        asked = (f"envelope/{patient_id}", body)
        return await once(tx, caller, idempotency_key, asked, EnvelopeSigned, carry_out)


@router.post("/revoke", operation_id="revokeEnvelope")
async def revoke(patient_id: Id, body: RevokeEnvelopeBody, caller: Asking) -> Done:
    """End the envelope at once: every step waits for a clinician from now on."""
    await prove_again(caller, body.password)
    async with bound(caller, patient_id) as tx:
        await envelopes.revoke(tx, patient_id, reason=body.reason, now=caller.now)
    return Done()


@router.get("/history", operation_id="envelopeHistory")
async def history(patient_id: Id, caller: Asking) -> EnvelopeHistory:
    """Return every signed version, newest first, with what it changed."""
    async with bound(caller, patient_id) as tx:
        found = await envelopes.history(tx, patient_id)
        await note_read(tx, caller, "CarePlan", patient_id, patient_id=patient_id)
    return EnvelopeHistory(versions=_versions(found))


def terms_of(envelope: Envelope) -> EnvelopeTerms:
    """Return what an envelope says, as the editor has it."""
    return EnvelopeTerms(
        stage=envelope.stage.value,
        bounds=[
            BoundsIn(drug=bound_.drug.value, rungs_ug=list(bound_.rungs_ug))
            for bound_ in envelope.bounds
        ],
        target=_target_in(envelope.target),
        max_step_rungs=envelope.max_step_rungs,
        min_interval_days=envelope.min_interval_days,
        steps_allowed=envelope.steps_allowed,
        potassium_below_thousandths=envelope.potassium_below_thousandths,
        egfr_at_least_thousandths=envelope.egfr_at_least_thousandths,
        lab_max_age_days=envelope.lab_max_age_days,
        confidence_floor_percent=envelope.confidence_floor_percent,
        stop_conditions=sorted(code.value for code in envelope.stop_conditions),
        allow_age_80_and_over=envelope.allow_age_80_and_over,
        expires_at=envelope.expires_at,
    )


async def _sign(
    tx: Transaction,
    caller: Caller,
    signers: tuple[ClinicianRow, ClinicianRow | None],
    envelope: Envelope,
    body: SignEnvelopeBody,
) -> EnvelopeSigned:
    history = await envelopes.history(tx, envelope.patient_id)
    if (history[0].envelope.version if history else 0) != body.signed_version:
        raise Changed("another version was signed since")
    signer, second = signers
    if second is None:
        await refuse_alone(tx, envelope, history, body, now=caller.now)
    meaning = ENVELOPE_MEANING + (TRAINED_MEANING if body.training_finished else "")
    signed = signature(caller, signer, envelopes.record(envelope), meaning, second=second)
    version = await envelopes.sign(tx, envelope, signed, now=caller.now)
    return EnvelopeSigned(
        version=version, signature=signature_out(signed), second=_second_out(signed)
    )


def _envelope(patient_id: str, terms: EnvelopeTerms, now: datetime) -> Envelope:
    """The envelope as asked. Raises: ProblemRaised: unknown code, off the ladder, too long."""
    if not now < terms.expires_at <= now + LONGEST:
        raise _invalid("/terms/expires_at", "within the next six months")
    return Envelope(
        envelope_id=new_id(),
        version=0,
        patient_id=patient_id,
        stage=code_of(Stage, terms.stage, "/terms/stage"),
        bounds=tuple(_bounds(place, given) for place, given in enumerate(terms.bounds)),
        target=Target(terms.target.systolic_below, terms.target.diastolic_below),
        max_step_rungs=terms.max_step_rungs,
        min_interval_days=terms.min_interval_days,
        steps_allowed=terms.steps_allowed,
        potassium_below_thousandths=terms.potassium_below_thousandths,
        egfr_at_least_thousandths=terms.egfr_at_least_thousandths,
        lab_max_age_days=terms.lab_max_age_days,
        confidence_floor_percent=terms.confidence_floor_percent,
        stop_conditions=frozenset(
            code_of(StopCondition, code, "/terms/stop_conditions") for code in terms.stop_conditions
        ),
        allow_age_80_and_over=terms.allow_age_80_and_over,
        valid_from=now,
        expires_at=terms.expires_at,
        signed_by=None,
        signed_at=None,
    )


def _refuse_unsignable(envelope: Envelope) -> None:
    """Refuse now what the guard would not act on. Raises: ProblemRaised, with what to correct."""
    acts_alone = envelope.stage in (Stage.ONE_STEP, Stage.BOUNDED_STEPS)
    # No drug is what a plan without any step alone says.
    harmless = frozenset() if acts_alone else frozenset({plans.Fault.NO_BOUNDS})
    faults = [fault for fault in plans.faults(envelope) if fault not in harmless]
    if faults:
        found = tuple(
            FieldError(_FIELD_OF.get(fault, "/terms/bounds"), plain(fault)) for fault in faults
        )
        raise ProblemRaised(ProblemCode.INVALID_INPUT, errors=found)


def _bounds(place: int, given: BoundsIn) -> DrugBounds:
    """Rungs that a patient may be given at all: the clinician-only ones are not among them."""
    pointer = f"/terms/bounds/{place}"
    drug = code_of(Drug, given.drug, f"{pointer}/drug")
    rungs = tuple(Micrograms(rung) for rung in sorted(set(given.rungs_ug)))
    if not set(rungs) <= set(FORMULARY[drug].rungs_ug):
        raise _invalid(f"{pointer}/rungs_ug", "rungs of this drug's ladder")
    return DrugBounds(drug, rungs)


def _second_out(signed: Signature) -> SignatureOut | None:
    return None if signed.second is None else signature_out(signed.second)


def _setbacks(signed: SignedEnvelope) -> list[str]:
    return [setback.value for lowered in signed.lowered for setback in lowered.setbacks]


def _choices(snapshot: Snapshot) -> list[RungChoices]:
    taken = {item.drug: int(item.daily_dose_ug) for item in snapshot.regimen}
    return [
        RungChoices(
            drug=drug.value,
            drug_class=entry.drug_class.value,
            rungs_ug=[int(rung) for rung in entry.rungs_ug],
            current_ug=taken.get(drug),
        )
        for drug, entry in FORMULARY.items()
    ]


def _suggested(snapshot: Snapshot, now: datetime) -> EnvelopeTerms:
    """The careful start of an editor: nothing is allowed alone until somebody says so."""
    return EnvelopeTerms(
        stage=Stage.PROPOSE_ONLY.value,
        bounds=[],
        target=_target_in(snapshot.target or DEFAULT_TARGET),
        max_step_rungs=1,
        min_interval_days=SUGGESTED_INTERVAL_DAYS,
        steps_allowed=SUGGESTED_STEPS,
        potassium_below_thousandths=SUGGESTED_POTASSIUM,
        egfr_at_least_thousandths=SUGGESTED_EGFR,
        lab_max_age_days=SUGGESTED_LAB_DAYS,
        confidence_floor_percent=SUGGESTED_CERTAINTY,
        stop_conditions=sorted(code.value for code in StopCondition),
        allow_age_80_and_over=False,
        expires_at=now + timedelta(days=180),
    )


def _target_in(target: Target) -> TargetIn:
    return TargetIn(
        systolic_below=target.systolic_below_mmhg, diastolic_below=target.diastolic_below_mmhg
    )


def _versions(found: Sequence[SignedEnvelope]) -> list[EnvelopeVersionOut]:
    """Newest first, each beside the one before it."""
    bodies = [terms_of(item.envelope).model_dump(mode="json") for item in found]
    earlier = [*bodies[1:], None][: len(bodies)]
    return [
        EnvelopeVersionOut(
            version=item.envelope.version,
            signature=signature_out(item.signature),
            second=_second_out(item.signature),
            revoked_at=item.envelope.revoked_at,
            changes=changes(before, body),
        )
        for item, body, before in zip(found, bodies, earlier, strict=True)
    ]


def _invalid(pointer: str, detail: str) -> ProblemRaised:
    return ProblemRaised(ProblemCode.INVALID_INPUT, errors=(FieldError(pointer, detail),))
