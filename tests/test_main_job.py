"""The main job on a whole stack, with processes killed in the middle: three patients, no fakes.

A phone keeps uploading while a process is killed with SIGKILL, and sends again what was not
acknowledged. Then: every acknowledged reading is in the record, every loop has judged, the step
that was accepted is one order, and the export of the stopped stack verifies.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from compliance import keys
from compliance.bundle import policy_text
from compliance.verify import verify_bundle
from demo.backfill import Patient, admit, confirm, send_history
from demo.desk import open_desk
from demo.history import Item, local_zone
from demo.personas import PERSONAS, Story
from demo.play import AGREED
from services import clock
from services.ids import new_id
from services.store import Acting, Role, Store, assessments, readings, regimen
from tests.whole_stack import WholeStack, running_stack

LIMIT_S = 90.0
UPLOADS = 12


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeStack]:
    with running_stack(tmp_path_factory.mktemp("main-job") / "home") as running:
        made = running.run("deploy", "demo-accounts")
        assert made.returncode == 0, made.stderr
        yield running


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=60.0) as client:
        yield client


@pytest.fixture
async def record(stack: WholeStack) -> AsyncIterator[Store]:
    store = await Store.open(stack.settings, Role.AUDITOR)
    yield store
    await store.close()


async def at_home(stack: WholeStack, http: httpx.AsyncClient, story: Story) -> Patient:
    """Return a patient with sixty days behind them, a signed plan and both consents."""
    desk, gateway_url = await open_desk(http, stack.settings), stack.settings.gateway_url
    persona = next(p for p in PERSONAS if p.story is story)
    moment = clock.now()
    zone = local_zone(moment)
    patient = await admit(http, desk, persona, gateway_url=gateway_url, zone=zone)
    await send_history(patient, now=moment, zone=zone)
    await confirm(desk, patient, now=moment)
    await patient.phone.consent(AGREED)
    return patient


def reading(level: int) -> Item:
    return {
        "client_id": new_id(),
        "systolic": level,
        "diastolic": 88,
        "unit": "mm[Hg]",
        "pulse": 70,
        "taken_at": clock.now().isoformat(),
    }


async def kill(stack: WholeStack, program: str) -> None:
    os.kill(await asyncio.to_thread(stack.process_id, program), signal.SIGKILL)


async def stored_ids(record: Store, patient_id: str, since: datetime) -> set[str]:
    async with record.transaction(Acting("auditor", "test", patient_id)) as tx:
        found = await readings.stored_between(
            tx, patient_id, since, clock.now() + timedelta(hours=1)
        )
    return {item.client_id for item in found}


async def judged_since(record: Store, patient_id: str, moment: datetime) -> None:
    """Return once an assessment was made after the moment."""
    limit = asyncio.get_running_loop().time() + LIMIT_S
    while True:
        async with record.transaction(Acting("auditor", "test", patient_id)) as tx:
            newest = await assessments.latest(tx, patient_id)
        if newest is not None and newest.made_at >= moment:
            return
        assert asyncio.get_running_loop().time() < limit, "the loop never judged"
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("program", ["worker", "relay", "temporal", "database", "gateway"])
async def test_no_acknowledged_reading_is_lost_when_a_process_is_killed(
    stack: WholeStack, http: httpx.AsyncClient, record: Store, program: str
) -> None:
    patient = await at_home(stack, http, Story.CONTROLLED)
    began = clock.now() - timedelta(seconds=1)
    acknowledged: set[str] = set()
    for number in range(UPLOADS):
        item = reading(118 + number)
        if number == UPLOADS // 2:
            await kill(stack, program)
        await patient.phone.send("readings", [item])
        acknowledged.add(str(item["client_id"]))
    last = clock.now()
    assert await stored_ids(record, patient.patient_id, began) == acknowledged
    await patient.phone.send("readings", [reading(121)])
    await judged_since(record, patient.patient_id, last)


async def test_an_accepted_step_is_one_order_though_the_database_and_worker_are_killed(
    stack: WholeStack, http: httpx.AsyncClient, record: Store
) -> None:
    patient = await at_home(stack, http, Story.STEP_ALONE)
    await patient.phone.send("readings", [reading(148), reading(147)])
    limit = asyncio.get_running_loop().time() + LIMIT_S
    while (offered := await patient.phone.open_advice()) is None:
        assert asyncio.get_running_loop().time() < limit, "no step was offered"
        await asyncio.sleep(0.1)
    answering = asyncio.create_task(patient.phone.answer(str(offered["advice_id"]), "accept"))
    await asyncio.gather(kill(stack, "worker"), kill(stack, "database"))
    await answering
    await patient.phone.answer(str(offered["advice_id"]), "accept")
    while not (changes := await dose_changes(record, patient.patient_id)):
        assert asyncio.get_running_loop().time() < limit, "the step was never carried out"
        await asyncio.sleep(0.1)
    await patient.phone.send("readings", [reading(146)])
    await judged_since(record, patient.patient_id, clock.now() - timedelta(seconds=1))
    assert await dose_changes(record, patient.patient_id) == changes == 1


async def dose_changes(record: Store, patient_id: str) -> int:
    async with record.transaction(Acting("auditor", "test", patient_id)) as tx:
        return len(await regimen.changes(tx, patient_id))


def test_the_export_of_a_stopped_stack_starts_what_it_needs_and_verifies(
    stack: WholeStack, tmp_path: Path
) -> None:
    stopped = stack.run("deploy", "down")
    assert stopped.returncode == 0, stopped.stderr
    exported = stack.run("compliance", "export", "--out", str(tmp_path / "out"))
    assert exported.returncode == 0, exported.stderr
    settings = stack.settings
    trusted = policy_text(keys.log_key(settings), keys.witness_key(settings)).encode()
    report = verify_bundle(tmp_path / "out", policy=trusted)
    assert (report.problem, report.claim) == (None, "complete")
