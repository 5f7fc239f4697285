"""The last word of a loop is its newest assessment, later than the last reading."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from demo import settle
from demo.backfill import Patient
from demo.desk import Desk, Login
from demo.personas import PERSONAS
from demo.phone import Phone
from demo.settle import LastWord, Seen, happened, last_words, latest

_NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_the_last_word_of_a_loop_is_the_newest_assessment_in_plain_words() -> None:
    events = [
        {"at": "2026-03-02T09:02:00Z", "words": "Record read"},
        {"at": "2026-03-02T09:01:00Z", "words": "Assessment made (rule too_soon)"},
        {"at": "2026-03-02T09:00:00Z", "words": "Assessment made (rule none)"},
    ]
    word = latest({"events": events})
    assert word is not None
    assert word.words == "Less than 28 days since the last change."
    assert word.made_at.isoformat() == "2026-03-02T09:01:00+00:00"
    assert latest({"events": events[:1]}) is None


async def test_an_assessment_before_the_last_reading_is_waited_beyond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settle, "EVERY_S", 0.0)
    asked = 0

    def handle(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        at = _NOW + timedelta(seconds=0 if asked < 3 else 20)
        stored = {"at": (_NOW + timedelta(seconds=10)).isoformat(), "words": "Reading recorded"}
        made = {"at": at.isoformat(), "words": "Assessment made (rule in_target)"}
        return httpx.Response(200, json={"events": [stored, made]})

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    patient = Patient(PERSONAS[0], "p-1", Phone(http, "http://g"), 0)
    desk = Desk(http, "http://c", "http://g", second=Login("clinician", "dr.b", "w"))
    found = await last_words(desk, [patient], since=_NOW)
    assert asked == 3
    assert found["p-1"].words == "The home average is in target."


def test_a_line_says_what_waits_for_the_visitor() -> None:
    patient = Patient(
        PERSONAS[0],
        "p-1",
        Phone(httpx.AsyncClient(), "http://g"),
        0,
    )
    patient.notes.append("measured twice")
    seen = Seen({"p-1": {"name": "Ada"}}, frozenset({"p-1"}), {"p-1": "Persistent low"})
    line = happened(patient, seen, LastWord(_NOW, "a step was proposed"))
    assert line.name == "Ada"
    assert line.happened == (
        "measured twice · an alarm waits for you: Persistent low · a step was proposed · "
        "a review waits for you"
    )
    assert happened(patient, Seen({}, frozenset(), {}), None).happened == "measured twice"
