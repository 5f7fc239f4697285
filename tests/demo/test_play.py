"""The live part against a scripted gateway: two readings apart, an offline phone, an answer."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from demo import play
from demo.backfill import Patient
from demo.history import local_zone
from demo.personas import PERSONAS, Story
from demo.phone import Phone
from demo.wire import Json

_ZONE = local_zone(datetime(2026, 3, 2, 9, tzinfo=UTC))


class Gateway:
    """Remembers client ids as the real one does, and offers what it is told to offer."""

    def __init__(self, *offered: Json) -> None:
        self.seen: set[str] = set()
        self.sent: Counter[str] = Counter()
        self.items: list[Json] = []
        self.answers: list[Json] = []
        self.purposes: list[str] = []
        self._offered = list(offered)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        kind = request.url.path.rsplit("/", 1)[1]
        if kind == "plan":
            step = self._offered.pop(0) if self._offered else None
            return httpx.Response(200, json={"advice": [step] if step else []})
        raw = request.content
        packed = request.headers.get("Content-Encoding") == "gzip"
        body: Json = json.loads(gzip.decompress(raw) if packed else raw)
        if kind == "consent":
            self.purposes = body["purposes"]
            return httpx.Response(200, json={})
        if kind == "answer":
            self.answers.append(body)
            return httpx.Response(200, json={"status": "enacted"})
        return httpx.Response(200, json={"items": self._take(kind, body["items"])})

    def _take(self, kind: str, items: list[Json]) -> list[Json]:
        self.sent[kind] += 1
        answers = []
        for item in items:
            known = item["client_id"] in self.seen
            self.seen.add(item["client_id"])
            self.items.append(item)
            answers.append({"status": "duplicate" if known else "stored"})
        return answers


def _patient(story: Story, gateway: Gateway) -> Patient:
    persona = next(p for p in PERSONAS if p.story is story)
    http = httpx.AsyncClient(transport=httpx.MockTransport(gateway))
    return Patient(persona, "p-1", Phone(http, "http://door"), 0)


@pytest.fixture(autouse=True)
def _no_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The minute between two readings is the real run's; here two seconds tell them apart."""
    monkeypatch.setattr(play, "APART", timedelta(seconds=1.1))


async def test_a_phone_sends_two_readings_a_dose_and_its_windows() -> None:
    gateway = Gateway()
    patient = _patient(Story.STEP_ALONE, gateway)
    await play.measure(patient, 0, zone=_ZONE)
    assert patient.phone.uploaded.of("readings") == 2
    assert gateway.sent["doses"] == 1 and patient.phone.uploaded.of("windows") == 4
    taken = [datetime.fromisoformat(i["taken_at"]) for i in gateway.items if "systolic" in i]
    assert taken[1] - taken[0] >= timedelta(seconds=1)
    assert gateway.purposes == ["monitoring", "titration"]


async def test_an_offline_phone_sends_a_week_late_and_twice() -> None:
    gateway = Gateway()
    patient = _patient(Story.OFFLINE, gateway)
    await play.measure(patient, 0, zone=_ZONE)
    counted = patient.phone.uploaded
    assert counted.of("readings") == 30
    assert counted.of("readings", "duplicate") == 30
    assert gateway.sent["windows"] == 0


async def test_without_consent_a_phone_sends_nothing() -> None:
    gateway = Gateway()
    await play.measure(_patient(Story.NO_CONSENT, gateway), 0, zone=_ZONE)
    assert not gateway.sent


async def test_the_crisis_is_shown_twice() -> None:
    gateway = Gateway()
    await play.measure(_patient(Story.CRISIS, gateway), 0, zone=_ZONE)
    shown = [item["systolic"] for item in gateway.items if "systolic" in item]
    assert len(shown) == 2 and min(shown) >= 180


@pytest.mark.parametrize(
    ("story", "answer"), [(Story.STEP_ALONE, "accept"), (Story.DECLINES, "decline")]
)
async def test_advice_is_answered_as_the_person_would(story: Story, answer: str) -> None:
    gateway = Gateway({"advice_id": "a-1", "changes": [{"text": "5 mg a day"}]})
    patient = _patient(story, gateway)
    await play.answer_advice(patient)
    assert [a["answer"] for a in gateway.answers] == [answer]
    assert patient.notes == [f"offered alone: 5 mg a day; patient says {answer}: enacted"]


async def test_a_step_that_never_comes_is_noted_and_not_made_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(play, "ANSWER_WITHIN_S", 0.0)
    gateway = Gateway()
    patient = _patient(Story.STEP_ALONE, gateway)
    await play.answer_advice(patient)
    assert gateway.answers == []
    assert "no step was offered" in patient.notes[0]
