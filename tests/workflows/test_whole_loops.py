"""Whole loops over the real processes: a signed decision, wearable windows, an alarm."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
import pytest_asyncio

from services.clinical.alarms import Alarm, AlarmCause, Urgency
from services.ids import new_id
from services.signals.packing import pack
from services.store import Acting, Store, alarms, regimen, reviews, windows
from services.store.entries import DecisionBody, NewDecision, NewWindow
from tests.services.store.people import Person, acting_as, signature
from tests.stack import EmbeddedPostgres
from tests.workflows.clinic import until
from tests.workflows.processes import (
    System,
    enrol_ready,
    newest_assessment_sees,
    open_system,
    upload,
)
from tests.workflows.test_window_features import RATE_HZ, pulse_wave
from workflows.client import NotOpen
from workflows.messages import DecisionStatus

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """One system for every test here: none of them kills anything."""
    settings = postgres.clone(tmp_path_factory.mktemp("loops") / "home")
    async with open_system(settings) as opened:
        yield opened
    postgres.drop(settings)


async def review_opened(store: Store, person: Person) -> str:
    async def probe() -> str | None:
        async with acting_as(store, person) as tx:
            review = await reviews.open_for(tx, person.patient_id)
        return None if review is None else review.review_id

    found: str = await until(probe)
    return found


async def sign(
    store: Store, person: Person, review_id: str, kind: Literal["accept", "reject"]
) -> str:
    """Keep a signed decision, as the clinician API does before it tells the loop."""
    now = datetime.now(UTC)
    async with acting_as(store, person) as tx:
        review = await reviews.get(tx, review_id)
        signed = signature(person.clinician_id, await reviews.record(tx, review_id), now)
        decision = NewDecision(
            decision_id=new_id(),
            review_id=review_id,
            review_version=review.version,
            kind=kind,
            clinician_id=person.clinician_id,
            dwell_s=40.0,
            body=DecisionBody(None, None, None, (), None, signed),
        )
        await reviews.record_decision(tx, decision, now=now)
    return decision.decision_id


async def dose_ug(store: Store, person: Person) -> int:
    async with acting_as(store, person) as tx:
        [drug] = await regimen.current(tx, person.patient_id)
    return drug.daily_dose_ug


async def test_a_signed_decision_is_enacted_even_if_nobody_waits_for_it(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clinician's browser was closed after signing: the outbox carries the decision."""
    store = system.store
    person = await enrol_ready(store, monkeypatch, with_envelope=False)
    review_id = await review_opened(store, person)
    before_ug = await dose_ug(store, person)
    decision_id = await sign(store, person, review_id, "accept")

    async def closed() -> bool:
        async with acting_as(store, person) as tx:
            return (await reviews.get(tx, review_id)).outcome == "enacted"

    await until(closed)
    async with acting_as(store, person) as tx:
        changes = await regimen.changes(tx, person.patient_id)
    # At stage 2 the decision may be of two drugs; each of them is ordered, and once.
    assert changes and not any(change.by_patient for change in changes)
    assert len({change.drug for change in changes}) == len(changes)
    late = await system.loops.decide(review_id, decision_id)
    assert late.status is DecisionStatus.ENACTED
    async with acting_as(store, person) as tx:
        assert await regimen.changes(tx, person.patient_id) == changes
    assert {change.from_ug for change in changes} <= {0, before_ug}


async def test_a_rejected_review_changes_nothing_and_is_closed(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = system.store
    person = await enrol_ready(store, monkeypatch, with_envelope=False)
    review_id = await review_opened(store, person)
    before_ug = await dose_ug(store, person)
    outcome = await system.loops.decide(review_id, await sign(store, person, review_id, "reject"))
    assert outcome.status is DecisionStatus.REJECTED
    assert await dose_ug(store, person) == before_ug
    with pytest.raises(NotOpen):
        await system.loops.decide(review_id, new_id())


async def test_windows_become_features_once(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = system.store
    person = await enrol_ready(store, monkeypatch)
    began = datetime.now(UTC) - timedelta(hours=1)
    items = [
        NewWindow(
            client_id=f"w{number}",
            signal="ppg",
            rate_hz=RATE_HZ,
            unit="au",
            started_at=began + timedelta(minutes=number),
            clock_id="watch",
            sample_count=len(pulse_wave(60)),
            samples=pack([float(sample) for sample in pulse_wave(60 + number)]),
        )
        for number in range(5)
    ]
    phone = Acting("patient", person.patient_id, person.patient_id)
    async with system.gateway.transaction(phone) as tx:
        await windows.accept(tx, person.patient_id, items, now=datetime.now(UTC))
    async with system.gateway.transaction(phone) as tx:
        again = await windows.accept(tx, person.patient_id, items, now=datetime.now(UTC))
    assert {result.status for result in again} == {"duplicate"}

    async def rates() -> list[float | None] | None:
        async with acting_as(store, person) as tx:
            found = await windows.features_since(tx, person.patient_id, began)
        values = [dict(entry.features)["pulse_rate_bpm"] for entry in found]
        return values if len(values) == len(items) else None

    assert await until(rates) == pytest.approx([60, 61, 62, 63, 64], abs=1)


async def test_an_emergency_pages_until_it_is_taken(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, settings = system.store, system.processes.settings
    person = await enrol_ready(store, monkeypatch)
    now = datetime.now(UTC)
    async with acting_as(store, person) as tx:
        alarm = await alarms.raise_or_merge(
            tx,
            person.patient_id,
            Alarm(AlarmCause.CRISIS_WITH_SYMPTOMS, Urgency.EMERGENCY, now),
            now=now,
        )
    pages = settings.home / "notices" / "pages.ndjson"

    async def paged() -> list[dict[str, str]]:
        lines = pages.read_text(encoding="utf-8").splitlines() if pages.exists() else []
        notices = [json.loads(line) for line in lines]
        return [notice for notice in notices if notice["reference"] == alarm.alarm_id]

    [page] = await until(paged)
    assert (page["recipient_id"], page["urgency"]) == (person.clinician_id, "urgent alarm")
    assert person.patient_id not in json.dumps(page)
    await system.loops.acknowledge_alarm(alarm.alarm_id, person.clinician_id)
    async with acting_as(store, person) as tx:
        assert (await alarms.get(tx, alarm.alarm_id)).status == "acknowledged"


async def test_a_reading_has_its_verdict_within_half_a_second(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is for the 95th percentile on an idle machine (bench/); here, for the median."""
    store = system.store
    person = await enrol_ready(store, monkeypatch)
    await newest_assessment_sees(store, person, 32)
    loop = asyncio.get_running_loop()
    waited_s = []
    for number in range(1, 12):
        began = loop.time()
        await upload(store, person, 140 + number)
        await newest_assessment_sees(store, person, 32 + number)
        waited_s.append(loop.time() - began)
    assert sorted(waited_s)[len(waited_s) // 2] < 0.5, waited_s
