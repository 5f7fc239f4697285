"""Goals, messages, and the brake: stop and resume the recommendations."""

from fastapi import APIRouter
from starlette.responses import Response

from patient_gateway.authenticate import Authenticated
from patient_gateway.call import Done, as_json
from patient_gateway.items import read_one
from patient_gateway.openapi import body_of
from patient_gateway.schemas import (
    GoalAnswerRequest,
    GoalRequest,
    HaltRequest,
    MessageRequest,
)
from patient_gateway.texts import asked_text
from services.loop_results import GoalStatus, ReminderReason, Side
from services.problems import ProblemCode, ProblemRaised
from services.store import goals, halts, messages
from services.store.entries import GoalEntry, MessageEntry
from services.store.messages import SYSTEM_SENDER
from services.store.transaction import Transaction

router = APIRouter(tags=["together"])


@router.get("/v1/goals", operation_id="listGoals")
async def list_goals(call: Authenticated) -> Response:
    """Return the goals, newest first."""

    async def look(tx: Transaction) -> Done:
        entries = await goals.list_for(tx, call.own_patient_id)
        return Done({"items": [_goal(entry) for entry in entries]}, noted=False)

    return await call.read(look)


@router.post("/v1/goals", operation_id="proposeGoal", openapi_extra=body_of(GoalRequest))
async def propose_goal(call: Authenticated) -> Response:
    """Propose a goal; it is agreed when the clinician agrees as well."""

    async def store(tx: Transaction, body: object) -> Done:
        text = read_one(body, GoalRequest).text
        entry = await goals.propose(tx, call.own_patient_id, text, now=call.now)
        return Done(_goal(entry), status=201)

    return await call.write(as_json, store)


@router.post(
    "/v1/goals/{goal_id}/answer",
    operation_id="answerGoal",
    openapi_extra=body_of(GoalAnswerRequest),
)
async def answer_goal(call: Authenticated, goal_id: str) -> Response:
    """Agree to a goal that the clinician proposed, or decline it."""

    async def store(tx: Transaction, body: object) -> Done:
        agree = read_one(body, GoalAnswerRequest).answer == "agree"
        entry = await goals.get(tx, goal_id)
        if entry.patient_id != call.own_patient_id:
            raise ProblemRaised(ProblemCode.NOT_FOUND)
        if entry.status != GoalStatus.PROPOSED:
            raise ProblemRaised(ProblemCode.NO_LONGER_OPEN)
        status = await goals.answer(
            tx,
            goal_id,
            side=Side.PATIENT,
            actor_id=call.claims.actor_id,
            agree=agree,
            now=call.now,
        )
        # The store notes a goal that is settled; one that still waits for the other side is not.
        settled = status is not GoalStatus.PROPOSED
        return Done({"goal_id": goal_id, "status": status.value}, noted=settled)

    return await call.write(as_json, store)


@router.get("/v1/messages", operation_id="listMessages")
async def list_messages(call: Authenticated) -> Response:
    """Return the messages, oldest first; reading them marks those to the patient as read."""

    async def look(tx: Transaction) -> Done:
        entries = await messages.list_for(tx, call.own_patient_id)
        for entry in entries:
            if entry.from_kind != "patient" and entry.read_at is None:
                await messages.mark_read(tx, entry.message_id, now=call.now)
        items = [_message(entry, call.language) for entry in reversed(entries)]
        return Done({"items": items}, noted=False)

    return await call.read(look)


@router.post("/v1/messages", operation_id="sendMessage", openapi_extra=body_of(MessageRequest))
async def send_message(call: Authenticated) -> Response:
    """Write to the care team."""

    async def store(tx: Transaction, body: object) -> Done:
        text = read_one(body, MessageRequest).text
        entry = await messages.send(tx, call.own_patient_id, text, now=call.now)
        return Done(_message(entry, call.language), status=201)

    return await call.write(as_json, store)


@router.post("/v1/halt", operation_id="halt", openapi_extra=body_of(HaltRequest))
async def halt(call: Authenticated) -> Response:
    """Stop all recommendations. It holds from this moment, whether or not the loops run."""

    async def store(tx: Transaction, body: object) -> Done:
        newly = await halts.set_halt(
            tx,
            call.own_patient_id,
            by_kind="patient",
            actor_id=call.claims.actor_id,
            reason=read_one(body, HaltRequest).reason,
            now=call.now,
        )
        return Done({"halted": True}, noted=newly)

    return await call.write(as_json, store)


@router.post("/v1/resume", operation_id="resume", openapi_extra=body_of(HaltRequest))
async def resume(call: Authenticated) -> Response:
    """Lift the patient's own stop. What a clinician stopped stays stopped."""

    async def store(tx: Transaction, body: object) -> Done:
        read_one(body, HaltRequest)
        patient_id = call.own_patient_id
        own = [h for h in await halts.active(tx, patient_id) if h.by_kind == "patient"]
        await halts.lift(
            tx, patient_id, by_kind="patient", actor_id=call.claims.actor_id, now=call.now
        )
        return Done({"halted": await halts.is_halted(tx, patient_id)}, noted=bool(own))

    return await call.write(as_json, store)


def _goal(entry: GoalEntry) -> dict[str, object]:
    open_ = entry.status == GoalStatus.PROPOSED
    return {
        "goal_id": entry.goal_id,
        "text": entry.text,
        "proposed_by": entry.proposed_by_kind,
        "proposed_at": entry.proposed_at.isoformat(),
        "status": entry.status,
        "awaits_patient": open_ and entry.patient_agreed_at is None,
        "awaits_clinician": open_ and entry.clinician_agreed_at is None,
    }


def _message(entry: MessageEntry, language: str) -> dict[str, object]:
    text = entry.text
    if entry.from_kind == SYSTEM_SENDER:
        text = asked_text(ReminderReason(entry.text), language)
    return {
        "message_id": entry.message_id,
        "from": entry.from_kind,
        "text": text,
        "sent_at": entry.sent_at.isoformat(),
        "read_at": None if entry.read_at is None else entry.read_at.isoformat(),
    }
