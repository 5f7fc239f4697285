"""What patient and clinician share: goals, messages, tasks, symptoms, visits."""

from fastapi import APIRouter

from clinician_app.api import roster
from clinician_app.api.caller import Asking
from clinician_app.api.care_bodies import (
    Done,
    GoalAnswerBody,
    GoalAnswerOut,
    GoalList,
    GoalOut,
    MessageList,
    MessageOut,
    TaskList,
    TaskOut,
    TextBody,
    VisitBody,
    VisitOut,
)
from clinician_app.api.once import IdempotencyKey, once
from clinician_app.api.reading import Id, bound, note_read
from clinician_app.words import plain
from services.audit.actions import Action
from services.ids import new_id
from services.loop_results import Side
from services.problems import FieldError, ProblemCode, ProblemRaised
from services.store import goals, messages, patients, symptoms, tasks, visits
from services.store.entries import GoalEntry, MessageEntry, TaskEntry

router = APIRouter(prefix="/v1", tags=["together"])


@router.get("/patients/{patient_id}/goals", operation_id="goals")
async def list_goals(patient_id: Id, caller: Asking) -> GoalList:
    """Return the goals, newest first."""
    async with bound(caller, patient_id) as tx:
        found = await goals.list_for(tx, patient_id)
        await note_read(tx, caller, "Goal", patient_id, patient_id=patient_id)
    return GoalList(goals=[_goal(goal) for goal in found])


@router.post("/patients/{patient_id}/goals", operation_id="proposeGoal")
async def propose_goal(
    patient_id: Id, body: TextBody, caller: Asking, idempotency_key: IdempotencyKey = None
) -> GoalOut:
    """Propose a goal; the clinician thereby agrees to it, the patient has yet to."""
    async with bound(caller, patient_id) as tx:

        async def carry_out() -> GoalOut:
            return _goal(await goals.propose(tx, patient_id, body.text, now=caller.now))

        return await once(
            tx, caller, idempotency_key, (f"goal/{patient_id}", body), GoalOut, carry_out
        )


@router.post("/goals/{goal_id}/answer", operation_id="answerGoal")
async def answer_goal(goal_id: Id, body: GoalAnswerBody, caller: Asking) -> GoalAnswerOut:
    """Agree to a goal that the patient proposed, or decline it."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        status = await goals.answer(
            tx,
            goal_id,
            side=Side.CLINICIAN,
            actor_id=caller.clinician_id,
            agree=body.agree,
            now=caller.now,
        )
    return GoalAnswerOut(status=status.value)


@router.get("/patients/{patient_id}/messages", operation_id="messages")
async def list_messages(patient_id: Id, caller: Asking) -> MessageList:
    """Return the messages, newest first."""
    async with bound(caller, patient_id) as tx:
        found = await messages.list_for(tx, patient_id)
        await note_read(tx, caller, "Communication", patient_id, patient_id=patient_id)
    return MessageList(messages=[_message(message) for message in found])


@router.post("/patients/{patient_id}/messages", operation_id="sendMessage")
async def send_message(
    patient_id: Id, body: TextBody, caller: Asking, idempotency_key: IdempotencyKey = None
) -> MessageOut:
    """Write to the patient."""
    async with bound(caller, patient_id) as tx:

        async def carry_out() -> MessageOut:
            return _message(await messages.send(tx, patient_id, body.text, now=caller.now))

        return await once(
            tx, caller, idempotency_key, (f"message/{patient_id}", body), MessageOut, carry_out
        )


@router.get("/tasks", operation_id="allTasks")
async def list_all_tasks(caller: Asking) -> TaskList:
    """Return every open task of this clinician's patients, soonest due first."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        visible = [row.patient_id for row in await patients.list_for_clinician(tx)]
        found = await roster.open_tasks(tx, await roster.readable(tx, visible))
        await note_read(
            tx, caller, "Task", new_id(), patient_id=None, action=Action.RECORD_SEARCHED
        )
    return TaskList(tasks=[_task(task) for task in found])


@router.get("/patients/{patient_id}/tasks", operation_id="tasks")
async def list_tasks(patient_id: Id, caller: Asking) -> TaskList:
    """Return one patient's open tasks, soonest due first."""
    async with bound(caller, patient_id) as tx:
        found = await tasks.list_open(tx, patient_id)
        await note_read(tx, caller, "Task", patient_id, patient_id=patient_id)
    return TaskList(tasks=[_task(task) for task in found])


@router.post("/tasks/{task_id}/done", operation_id="taskDone")
async def finish_task(task_id: Id, caller: Asking) -> Done:
    """Note that a task was done; done before: the first time stands."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        await tasks.done(tx, task_id, now=caller.now)
    return Done()


@router.post("/patients/{patient_id}/symptoms/{symptom_id}/close", operation_id="closeSymptom")
async def close_symptom(patient_id: Id, symptom_id: Id, caller: Asking) -> Done:
    """Close a symptom that was looked into."""
    async with bound(caller, patient_id) as tx:
        await symptoms.close(tx, patient_id, symptom_id, now=caller.now)
    return Done()


@router.post("/patients/{patient_id}/visit", operation_id="planVisit")
async def plan_visit(patient_id: Id, body: VisitBody, caller: Asking) -> VisitOut:
    """Plan or move the next visit; one that a person chose is not moved later by stability."""
    if body.at <= caller.now:
        raise ProblemRaised(
            ProblemCode.INVALID_INPUT, errors=(FieldError("/at", "a time that is still to come"),)
        )
    async with bound(caller, patient_id) as tx:
        visit = await visits.plan(
            tx, patient_id, at=body.at, chosen_by=caller.clinician_id, now=caller.now
        )
    return VisitOut(at=visit.planned_for)


def _goal(goal: GoalEntry) -> GoalOut:
    return GoalOut(
        goal_id=goal.goal_id,
        text=goal.text,
        status=goal.status,
        proposed_by=goal.proposed_by_kind,
        proposed_at=goal.proposed_at,
        waits_for_clinician=goal.status == "proposed" and goal.clinician_agreed_at is None,
    )


def _message(message: MessageEntry) -> MessageOut:
    return MessageOut(
        message_id=message.message_id,
        from_kind=message.from_kind,
        sent_at=message.sent_at,
        text=message.text,
    )


def _task(task: TaskEntry) -> TaskOut:
    return TaskOut(
        task_id=task.task_id,
        patient_id=task.patient_id,
        words=task_words(task),
        due_at=task.due_at,
        note=task.note,
    )


def task_words(task: TaskEntry) -> str:
    """Return what is to be done and about what; a cause that is an id says nothing to people."""
    about = task.cause.replace("_", " ")
    words = plain(task.task_kind)
    return f"{words}: {about}" if about.replace(" ", "").isalpha() else words
