"""What the clinician sees at the end: the last word of each patient's loop, and what waits."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from demo.backfill import Patient
from demo.desk import Desk
from demo.personas import Story
from demo.show import Line
from demo.wire import Json
from services.clinical import guard

WITHIN_S: Final = 60.0
EVERY_S: Final = 2.0
_MADE: Final = "assessment made"
_STORED: Final = "reading recorded"
_RULE: Final = re.compile(r"\brule ([a-z0-9_]+)")


@dataclass(frozen=True, slots=True)
class LastWord:
    """What the latest assessment came to; `made_at` is its moment."""

    made_at: datetime
    words: str


async def last_words(
    desk: Desk, patients: Sequence[Patient], *, since: datetime
) -> dict[str, LastWord]:
    """Return each patient's latest assessment, once it is later than their last reading.

    A patient without consent is never assessed; one whose loop stays silent is left out.
    """
    open_ = {p.patient_id: p for p in patients if p.persona.story is not Story.NO_CONSENT}
    found: dict[str, LastWord] = {}
    clock = asyncio.get_running_loop()
    give_up_at = clock.time() + WITHIN_S
    while open_ and clock.time() < give_up_at:
        for patient_id in list(open_):
            timeline = await desk.api.get(f"/v1/patients/{patient_id}/timeline", reads="false")
            word = latest(timeline)
            if word is None or word.made_at < since:
                continue
            found[patient_id] = word
            if word.made_at >= last_reading_at(timeline, since):
                del open_[patient_id]
        if open_:
            await asyncio.sleep(EVERY_S)
    for patient in open_.values():
        patient.notes.append("its loop said nothing after the last reading")
    return found


@dataclass(frozen=True, slots=True)
class Seen:
    """What the dashboard shows at the end: rows, reviews that wait, alarms that wait."""

    rows: dict[str, Json]
    waiting: frozenset[str]
    alarms: dict[str, str]


async def look(desk: Desk, patients: Sequence[Patient]) -> Seen:
    """Return what is shown of this run's patients."""
    mine = {p.patient_id for p in patients}
    reviews = {str(review["patient_id"]) for review in await desk.open_reviews()}
    listed = (await desk.api.get("/v1/worklist"))["rows"]
    alarms = (await desk.api.get("/v1/alarms"))["alarms"]
    return Seen(
        rows={row["patient_id"]: row for row in listed},
        waiting=frozenset(reviews & mine),
        alarms={
            str(alarm["header"]["patient_id"]): str(alarm["words"])
            for alarm in alarms
            if alarm["status"] != "acknowledged"
        },
    )


def happened(patient: Patient, seen: Seen, last: LastWord | None) -> Line:
    """Return one patient's line of the final table."""
    said = list(patient.notes)
    if patient.patient_id in seen.alarms:
        said.append(f"an alarm waits for you: {seen.alarms[patient.patient_id]}")
    if last is not None:
        said.append(last.words)
    if patient.patient_id in seen.waiting:
        said.append("a review waits for you")
    row = seen.rows.get(patient.patient_id)
    name = patient.persona.record if row is None else str(row["name"])
    return Line(name, patient.persona.story.value.replace("_", " "), " · ".join(said))


def latest(timeline: Json) -> LastWord | None:
    """Return the newest assessment of a timeline, which is newest first."""
    for event in timeline["events"]:
        if str(event["words"]).lower().startswith(_MADE):
            return LastWord(datetime.fromisoformat(event["at"]), _words(str(event["words"])))
    return None


def last_reading_at(timeline: Json, since: datetime) -> datetime:
    """Return when the newest upload of readings was stored, by the server's clock, or `since`.

    The phone's clock says when it was answered, by which time the loop may have judged already.
    """
    stored = (
        datetime.fromisoformat(event["at"])
        for event in timeline["events"]
        if str(event["words"]).lower().startswith(_STORED)
    )
    return max(stored, default=since)


def _words(said: str) -> str:
    rule = _RULE.search(said)
    if rule is None or rule[1] == "none":
        return "a step was proposed"
    return guard.describe(rule[1])
