"""Patient and clinician: a goal that both agree to, a question and its answer."""

from collections.abc import Sequence

from demo.backfill import Patient
from demo.desk import Desk
from demo.personas import Story

# The patient proposes in the first story, the clinician in the second.
PATIENT_PROPOSES = frozenset({Story.STEP_ALONE})
CLINICIAN_PROPOSES = frozenset({Story.CONTROLLED, Story.NOT_TAKING})
_GOAL = "Home average below 130/80 by the next visit, tablets every morning."


async def agree_goals(desk: Desk, patients: Sequence[Patient]) -> None:
    """Agree a goal with those whose story says so; each side signs its own."""
    for patient in patients:
        if patient.persona.story in PATIENT_PROPOSES:
            await desk.agree_to_goal(await patient.phone.propose_goal(_GOAL))
            patient.notes.append("goal proposed by the patient, agreed by the lead")
        elif patient.persona.story in CLINICIAN_PROPOSES:
            await desk.propose_goal(patient.patient_id, _GOAL)
            agreed = await patient.phone.agree_to_goals()
            patient.notes.append(f"goal proposed by the lead, {agreed} agreed by the patient")


async def answer_question(desk: Desk, patients: Sequence[Patient]) -> None:
    """One patient asks, the lead answers; without consent to be watched one may still ask."""
    asking = [p for p in patients if p.persona.story is Story.DECLINES]
    for patient in asking:
        await patient.phone.write("May I take the tablets in the evening?")
        await desk.write(patient.patient_id, "Yes, at the same hour every evening.")
        patient.notes.append("asked a question, the lead answered")
