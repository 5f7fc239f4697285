"""Today's plan and the advice in it: drug, strength, tablets, times; accept or decline."""

from datetime import datetime
from fractions import Fraction

from fastapi import APIRouter
from starlette.responses import Response

from patient_gateway.authenticate import Authenticated
from patient_gateway.call import Call, Done, as_json, unavailable
from patient_gateway.door import Answered
from patient_gateway.items import read_one
from patient_gateway.openapi import body_of
from patient_gateway.schemas import AdviceAnswerRequest
from patient_gateway.texts import (
    asked_text,
    change_text,
    drug_name,
    emergency_number,
    read_back_text,
)
from services.clinical.patient import ConsentPurpose, Prescription
from services.clinical.units import Micrograms, format_dose
from services.loop_results import Answer, AnswerStatus, ReminderReason
from services.problems import ProblemCode, ProblemRaised
from services.store import advice, consents, halts, messages, patients, regimen, visits
from services.store.entries import AdviceEntry
from services.store.messages import SYSTEM_SENDER
from services.store.transaction import Transaction
from workflows.client import LoopUnavailable, NotOpen, Rejected

router = APIRouter(tags=["plan"])

_TIMES = {
    1: ("morning",),
    2: ("morning", "evening"),
    3: ("morning", "noon", "evening"),
    4: ("morning", "noon", "evening", "night"),
}
# Tablets can be halved; nobody cuts thirds at home.
_PARTS = {Fraction(1, 2)} | {Fraction(count) for count in range(1, 9)} | {Fraction(3, 2)}


@router.get("/v1/plan", operation_id="getPlan")
async def get_plan(call: Authenticated) -> Response:
    """Return what to take today, what is offered, what is asked, and the next visit."""

    async def look(tx: Transaction) -> Done:
        patient_id = call.own_patient_id
        row = await patients.get(tx, patient_id)
        halted = await halts.is_halted(tx, patient_id)
        visit = await visits.next_visit(tx, patient_id)
        consent = await consents.current(tx, patient_id)
        return Done(
            {
                "as_of": call.now.isoformat(),
                "simulated": row.simulated,
                "halted": halted,
                "observe_only": ConsentPurpose.TITRATION not in consent,
                "medicines": [
                    medicine_document(item, call.language)
                    for item in await regimen.current(tx, patient_id)
                ],
                "advice": await _open_advice(tx, call),
                "asked": await _asked(tx, call),
                "next_visit": None if visit is None else visit.planned_for.isoformat(),
                "emergency_number": emergency_number(row.timezone),
            },
            noted=False,
        )

    return await call.read(look)


@router.get("/v1/advice", operation_id="listAdvice")
async def list_advice(call: Authenticated) -> Response:
    """Return the steps offered, the open one among them, newest first."""

    async def look(tx: Transaction) -> Done:
        entries = await advice.list_for(tx, call.own_patient_id)
        items = [advice_document(entry, call.language) for entry in entries]
        return Done({"items": items}, noted=False)

    return await call.read(look)


@router.post(
    "/v1/advice/{advice_id}/answer",
    operation_id="answerAdvice",
    openapi_extra=body_of(AdviceAnswerRequest),
)
async def answer_advice(call: Authenticated, advice_id: str) -> Response:
    """Accept or decline one step; the answer says whether it was carried out.

    Accepting is not the last word: the guard judges again on fresh data.
    """

    async def carry_out(tx: Transaction, body: object) -> Done:
        asked = read_one(body, AdviceAnswerRequest)
        answer = Answer(asked.answer)
        patient_id = call.own_patient_id
        await _keep_answer(call, advice_id, answer, asked.reason)
        update_id = f"{call.claims.device_id}:{call.idempotency_key()}"
        result = await _give(call, patient_id, advice_id, answer, update_id)
        content = {
            "advice_id": advice_id,
            "answer": answer.value,
            "status": str(result.status),
            "order_ids": list(result.order_ids),
            "reasons": list(result.reasons),
        }
        return Done(content)

    return await call.write(as_json, carry_out)


async def _keep_answer(call: Call, advice_id: str, answer: Answer, reason: str | None) -> None:
    """Commit the answer with its reason before the loop acts on it: it is the patient's word."""
    async with call.door.store.transaction(call.acting()) as tx:
        entry = await advice.get(tx, advice_id)
        if entry.patient_id != call.own_patient_id:
            raise ProblemRaised(ProblemCode.NOT_FOUND)
        status = await advice.record_answer(
            tx, advice_id, answer=answer, reason=reason, now=call.now
        )
    if status is not AnswerStatus.RECORDED:
        raise ProblemRaised(ProblemCode.NO_LONGER_OPEN)


async def _give(
    call: Call, patient_id: str, advice_id: str, answer: Answer, update_id: str
) -> Answered:
    try:
        return await call.door.loops.answer_advice(patient_id, advice_id, answer, update_id)
    except LoopUnavailable as err:
        raise unavailable() from err
    except NotOpen as err:
        raise ProblemRaised(ProblemCode.NO_LONGER_OPEN) from err
    except Rejected as err:
        raise ProblemRaised(ProblemCode.REJECTED, err.reason) from err


def medicine_document(item: Prescription, language: str) -> dict[str, object]:
    """Return one drug of the regimen as the patient takes it.

    `tablets_per_intake` is null when the strength is not known or does not divide the dose.
    """
    intake_ug = Micrograms(item.daily_dose_ug // item.times_a_day)
    return {
        "drug": item.drug.value,
        "name": drug_name(item.drug, language),
        "daily_dose": format_dose(item.daily_dose_ug),
        "intake_dose": format_dose(intake_ug),
        "times_a_day": item.times_a_day,
        "times": list(_TIMES.get(item.times_a_day, ())),
        "tablet_strength": None
        if item.tablet_strength_ug is None
        else format_dose(item.tablet_strength_ug),
        "tablets_per_intake": tablets_text(intake_ug, item.tablet_strength_ug),
        "tablets_in_hand": item.tablets_in_hand,
        "since": item.since.isoformat(),
        "paused": item.paused_since is not None,
        "paused_since": _instant(item.paused_since),
    }


def tablets_text(intake_ug: Micrograms, tablet_ug: Micrograms | None) -> str | None:
    """Return how many tablets make one intake, such as "1" or "1/2"; None when none do."""
    if tablet_ug is None or tablet_ug <= 0 or intake_ug <= 0:
        return None
    count = Fraction(intake_ug, tablet_ug)
    return _count_text(count) if count in _PARTS else None


def advice_document(entry: AdviceEntry, language: str) -> dict[str, object]:
    """Return one offered step with the sentence that is to be read back."""
    changes = [
        {
            "drug": change.drug.value,
            "name": drug_name(change.drug, language),
            "from_dose": format_dose(change.from_ug),
            "to_dose": format_dose(change.to_ug) if change.to_ug else None,
            "text": change_text(
                change.drug,
                format_dose(change.from_ug),
                format_dose(change.to_ug) if change.to_ug else None,
                language,
            ),
        }
        for change in entry.body.move.changes
    ]
    texts = tuple(str(change["text"]) for change in changes)
    return {
        "advice_id": entry.advice_id,
        "kind": entry.body.move.kind.value,
        "changes": changes,
        "read_back": read_back_text(texts, language),
        "status": entry.status,
        "outcome": entry.outcome,
        "offered_at": entry.offered_at.isoformat(),
        "expires_at": entry.expires_at.isoformat(),
    }


async def _open_advice(tx: Transaction, call: Call) -> list[dict[str, object]]:
    entry = await advice.open_for(tx, call.own_patient_id)
    if entry is None or entry.expires_at <= call.now:
        return []
    return [advice_document(entry, call.language)]


async def _asked(tx: Transaction, call: Call) -> list[dict[str, object]]:
    """What the loops put before the patient and nobody has marked as read, newest first."""
    waiting = [
        message
        for message in await messages.list_for(tx, call.own_patient_id, limit=20)
        if message.from_kind == SYSTEM_SENDER and message.read_at is None
    ]
    reasons = dict.fromkeys(ReminderReason(message.text) for message in waiting)
    return [{"code": reason.value, "text": asked_text(reason, call.language)} for reason in reasons]


def _count_text(count: Fraction) -> str:
    whole, rest = divmod(count, 1)
    if not rest:
        return str(whole)
    return f"{whole} {rest}" if whole else str(rest)


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
