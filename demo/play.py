"""The live part: phones measure twice, a minute apart, and the desk works beside them.

Nothing here waits for a number of seconds but the minute that two readings must lie apart; all
else waits for what it needs to see, up to a limit, and notes when it did not come.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from typing import Final

from demo.backfill import Patient
from demo.desk import Desk
from demo.history import Item, dose_items, reading_item, unsent_week
from demo.personas import Story
from demo.physiology import Measured, now_pair
from demo.signals import windows
from demo.wire import Json, Refused
from services import clock
from services.clinical.patient import ConsentPurpose, Symptom

# Two readings of one moment lie at least a minute apart. Source: AHA25 p17 [S].
APART: Final = timedelta(seconds=61)
ANSWER_WITHIN_S: Final = 60.0
LOOK_EVERY_S: Final = 1.0

# What the cuff shows in the stories that are about one reading: systolic, diastolic, pulse.
SHOWN: Final[dict[Story, tuple[tuple[int, int, int], tuple[int, int, int]]]] = {
    Story.CRISIS: ((192, 116, 92), (188, 113, 90)),
    Story.LOW: ((87, 54, 62), (86, 53, 63)),
}
# The plan was explained: from now on the patient may be advised.
AGREED: Final = (ConsentPurpose.MONITORING.value, ConsentPurpose.TITRATION.value)
DECIDED: Final = frozenset({Story.ACCEPTED, Story.MODIFIED, Story.REJECTED, Story.DEFERRED})
ADVISED: Final = frozenset({Story.STEP_ALONE, Story.DECLINES})
# The lead takes these alarms; the others wait for the visitor.
TAKEN_ALARMS: Final = frozenset({Story.CRISIS})


async def measure(patient: Patient, place: int, *, zone: timezone) -> None:
    """Play one phone: first reading, dose, watch, symptom, consent to advice; then the second."""
    if patient.persona.story is Story.NO_CONSENT:
        return
    first, second = _pair(patient)
    first_at = clock.now().astimezone(zone)
    held = [_reading(patient, first, first_at)]
    if patient.persona.story is not Story.OFFLINE:
        await _send_first(patient, place, held, first_at)
        await patient.phone.consent(AGREED)
        held = []
    await asyncio.sleep((first_at + APART - clock.now()).total_seconds())
    held.append(_reading(patient, second, clock.now().astimezone(zone)))
    if patient.persona.story is Story.OFFLINE:
        await _come_back_online(patient, held, zone)
    else:
        await _send_readings(patient, held)


async def answer_advice(patient: Patient) -> None:
    """Wait for a step to be offered and answer it as this person would."""
    found = await _until(patient.phone.open_advice)
    if found is None:
        patient.notes.append("no step was offered while the phones played")
        return
    declines = patient.persona.story is Story.DECLINES
    reason = "I would rather talk to the doctor first." if declines else None
    answer = "decline" if declines else "accept"
    result = await patient.phone.answer(str(found["advice_id"]), answer, reason)
    steps = ", ".join(str(change["text"]) for change in found["changes"])
    patient.notes.append(f"offered alone: {steps}; patient says {answer}: {result['status']}")


async def decide_reviews(desk: Desk, patients: list[Patient]) -> None:
    """Decide the reviews of the patients whose story says so, as they open."""
    waiting = {p.patient_id: p for p in patients if p.persona.story in DECIDED}
    give_up_at = _time() + ANSWER_WITHIN_S + APART.total_seconds()
    while waiting and _time() < give_up_at:
        for review in await desk.open_reviews():
            patient = waiting.pop(str(review["patient_id"]), None)
            if patient is not None:
                await _decide(desk, patient, str(review["review_id"]))
        await asyncio.sleep(LOOK_EVERY_S)
    for patient in waiting.values():
        patient.notes.append("no review was opened while the phones played")


async def take_alarms(desk: Desk, patients: list[Patient]) -> None:
    """Acknowledge the crisis once its repeat has confirmed it."""
    waiting = {p.patient_id: p for p in patients if p.persona.story in TAKEN_ALARMS}
    give_up_at = _time() + ANSWER_WITHIN_S + APART.total_seconds()
    while waiting and _time() < give_up_at:
        for alarm in (await desk.api.get("/v1/alarms"))["alarms"]:
            patient = waiting.get(str(alarm["header"]["patient_id"]))
            if patient is not None and alarm["urgency"] in ("same_day", "emergency"):
                del waiting[patient.patient_id]
                await desk.acknowledge(str(alarm["alarm_id"]), "Called the patient: no symptoms.")
                patient.notes.append(f"alarm taken by the lead: {alarm['words']}")
        await asyncio.sleep(LOOK_EVERY_S)
    for patient in waiting.values():
        patient.notes.append("no same-day alarm was seen while the phones played")


def _pair(patient: Patient) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    persona = patient.persona
    return SHOWN.get(persona.story) or now_pair(persona.level, seed=persona.record)


async def _send_first(patient: Patient, place: int, held: list[Item], at: datetime) -> None:
    persona, phone = patient.persona, patient.phone
    if persona.story is Story.SYMPTOM:
        await _send_symptom(patient, at)
    await phone.send("doses", list(dose_items(persona, at, taken=persona.taken_percent >= 80)))
    await _send_readings(patient, held)
    irregular = persona.story is Story.IRREGULAR
    await phone.send("windows", windows(place, irregular=irregular, ended_at=at))


async def _send_symptom(patient: Patient, at: datetime) -> None:
    report: Item = {
        "client_id": f"symptom-{at:%Y%m%d%H%M%S}",
        "symptom": Symptom.DIZZINESS.value,
        "reported_at": at.isoformat(),
        "open": True,
    }
    await patient.phone.send("symptoms", [report])
    patient.notes.append("reported dizziness")


async def _send_readings(patient: Patient, items: list[Item]) -> None:
    alarm = await patient.phone.send("readings", items)
    if alarm is not None:
        patient.notes.append(f"told at once: {alarm['title']}")


async def _come_back_online(patient: Patient, held: list[Item], zone: timezone) -> None:
    """Send a week and today at once, and all of it again: the phone never saw the answer."""
    await patient.phone.consent(AGREED)
    batch = [*held, *unsent_week(patient.persona, now=clock.now(), zone=zone)]
    await _send_readings(patient, batch)
    await _send_readings(patient, batch)
    stored, again = (patient.phone.uploaded.of("readings", s) for s in ("stored", "duplicate"))
    patient.notes.append(f"came back online: {stored} readings stored, {again} sent twice")


def _reading(patient: Patient, shown: tuple[int, int, int], at: datetime) -> Item:
    measured = Measured(shown[0], shown[1], shown[2], at.replace(microsecond=0))
    more = {"irregular_pulse": True} if patient.persona.story is Story.IRREGULAR else {}
    return reading_item(measured, client_id=f"cuff-{at:%Y%m%d%H%M%S}", **more)


async def _decide(desk: Desk, patient: Patient, review_id: str) -> None:
    later = (clock.now() + timedelta(days=7)).replace(microsecond=0).isoformat()
    try:
        outcome = await desk.decide(review_id, patient.persona.story, defer_until=later)
    except Refused as refusal:
        patient.notes.append(f"decision refused: {refusal}")
        return
    patient.notes.append(str(outcome["message"]))


async def _until(look: Callable[[], Awaitable[Json | None]]) -> Json | None:
    """Return what `look` sees first, or None when it saw nothing in time."""
    give_up_at = _time() + ANSWER_WITHIN_S
    while _time() < give_up_at:
        found = await look()
        if found is not None:
            return found
        await asyncio.sleep(LOOK_EVERY_S)
    return None


def _time() -> float:
    return asyncio.get_running_loop().time()
