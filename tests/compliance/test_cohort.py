"""Research files: consenting patients only, no identifier, each disclosure on record."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from compliance.cohort import Asked, NothingToExport, export
from models import cohort
from models.record_windows import RecordWindows
from services.clinical.patient import ConsentPurpose
from services.clinical.titration import Titrator
from services.ids import new_id
from services.settings import Settings
from services.store import Role, Store, consents, events, readings
from services.store.loop_records import LoopRecords
from tests.services.store.people import (
    NAME,
    NOW,
    Person,
    acting_as,
    enrol_treated,
    week_of_readings,
)
from tests.stack import StoreFactory

LATER = NOW + timedelta(days=40)
ASKED = Asked("officer", "yearly training")


async def measured(store: Store, worker: Store, *, agrees: bool = True) -> Person:
    """Assessed today, and a week of readings four weeks on."""
    person = await enrol_treated(store)
    await LoopRecords(worker).assess(person.patient_id, key=new_id(), predictor=Titrator(), now=NOW)
    after = week_of_readings(141, NOW + timedelta(days=28))
    async with acting_as(store, person) as tx:
        await readings.record(tx, person.patient_id, after, now=LATER)
        if agrees:
            await consents.grant(tx, person.patient_id, ConsentPurpose.RESEARCH, now=LATER)
    return person


async def disclosures(store: Store, person: Person) -> int:
    async with acting_as(store, person) as tx:
        timeline = await events.timeline(tx, person.patient_id)
    return [entry.action for entry in timeline].count("data.exported")


async def test_only_who_agrees_is_in_the_file_and_training_reads_it(
    settings: Settings, store_factory: StoreFactory, tmp_path: Path
) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    agrees = await measured(store, worker)
    refuses = await measured(store, worker, agrees=False)
    out = tmp_path / "cohort.jsonl"
    written = await export(settings, ASKED, out, RecordWindows(), clock=lambda: LATER)
    assert written.patients == 1
    read = cohort.read(out, at_least=1)
    assert read.patients == 1 and read.observed[0] == pytest.approx(142, abs=1.5)
    assert [await disclosures(store, person) for person in (agrees, refuses)] == [1, 0]
    text = out.read_text()
    for known in (agrees.patient_id, agrees.clinician_id, NAME, "QF-77123", "1966", "2026"):
        assert known not in text
    [_, line] = map(json.loads, text.splitlines())
    assert set(line) == {"subject", "consent", "windows"}


async def test_withdrawn_consent_leaves_the_next_export_and_subjects_are_new_each_time(
    settings: Settings, store_factory: StoreFactory, tmp_path: Path
) -> None:
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    stays, leaves = [await measured(store, worker) for _ in range(2)]
    subjects = []
    for number, patients in enumerate((2, 1)):
        out = tmp_path / f"{number}.jsonl"
        written = await export(settings, ASKED, out, RecordWindows(), clock=lambda: LATER)
        assert written.patients == patients
        subjects.append({json.loads(line)["subject"] for line in out.read_text().split("\n")[1:-1]})
        async with acting_as(store, leaves) as tx:
            await consents.withdraw(tx, leaves.patient_id, ConsentPurpose.RESEARCH, now=LATER)
    assert not subjects[0] & subjects[1]
    assert [await disclosures(store, person) for person in (stays, leaves)] == [2, 1]
    async with acting_as(store, stays) as tx:
        await consents.withdraw(tx, stays.patient_id, ConsentPurpose.RESEARCH, now=LATER)
    with pytest.raises(NothingToExport):
        await export(settings, ASKED, tmp_path / "2.jsonl", RecordWindows(), clock=lambda: LATER)
    assert not (tmp_path / "2.jsonl").exists()


async def test_a_file_that_is_there_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.write_text("x")
    with pytest.raises(FileExistsError):
        await export(settings, ASKED, out, RecordWindows(), clock=lambda: LATER)
    assert out.read_text() == "x"
