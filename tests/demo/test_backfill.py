"""Admission: the deceased are refused, consent comes first, history follows."""

import json
from datetime import UTC, datetime

import httpx
import pytest

from demo.backfill import DeceasedAccepted, Patient, record_bytes, refuse_the_deceased, send_history
from demo.desk import Desk, Login
from demo.history import local_zone
from demo.personas import PERSONAS, Story
from demo.phone import Phone

COLLEAGUE = Login("clinician", "dr.b", "another word")

_NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _desk(status: int, body: dict[str, object]) -> Desk:
    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=body)

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    return Desk(http, "http://c", "http://g", second=COLLEAGUE)


async def test_the_refusal_of_the_deceased_is_shown_in_its_own_words() -> None:
    desk = _desk(422, {"code": "bundle_refused", "detail": "the patient has died"})
    assert "has died" in await refuse_the_deceased(desk)


async def test_taking_in_the_deceased_stops_the_demo() -> None:
    with pytest.raises(DeceasedAccepted):
        await refuse_the_deceased(_desk(201, {"patient_id": "x"}))


async def test_without_consent_one_reading_is_tried_and_its_refusal_noted() -> None:
    persona = next(p for p in PERSONAS if p.story is Story.NO_CONSENT)
    tried = []

    def handle(request: httpx.Request) -> httpx.Response:
        tried.append(json.loads(request.content)["items"])
        return httpx.Response(403, json={"code": "no_consent", "detail": "no"})

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    patient = Patient(persona, "p-1", Phone(http, "http://g"), 0)
    await send_history(patient, now=_NOW, zone=local_zone(_NOW))
    assert [len(items) for items in tried] == [1]
    assert patient.notes == ["no consent: upload refused (no_consent)"]


def test_records_are_sent_as_their_source_published_them() -> None:
    assert record_bytes(PERSONAS[0].record).lstrip().startswith(b"{")
