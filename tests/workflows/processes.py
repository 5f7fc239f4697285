"""The real processes of the loops on a real database and a real Temporal, to be killed."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.clinical.envelope import Stage
from services.clinical.units import Mmhg
from services.ids import new_id
from services.settings import Settings
from services.store import Role, Store, assessments, envelopes, readings
from services.store.rows import NewReading
from tests.services.store import people
from tests.services.store.people import Person, acting_as
from tests.temporal import EmbeddedTemporal, free_port
from tests.workflows.clinic import until
from workflows.client import LoopClient, connect

ROOT = Path(__file__).parents[2]


@dataclass
class Processes:
    """`python -m workflows worker` and `relay`, and the Temporal server between them."""

    settings: Settings
    temporal: EmbeddedTemporal
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start one process; its output goes to a file."""
        command = [sys.executable, "-m", "workflows", name]
        if name == "worker":
            command += ["--predictor", "titrator"]
        log = (self.settings.home / f"{name}.log").open("ab")
        self.running[name] = subprocess.Popen(
            command, cwd=ROOT, env=self._environment(), stdout=log, stderr=log
        )

    def kill(self, name: str) -> None:
        """Kill -9."""
        self.running[name].kill()
        self.running[name].wait()

    def stop(self) -> list[int]:
        """Stop every process in order; return their exit statuses."""
        for process in self.running.values():
            process.terminate()
        return [process.wait(timeout=40) for process in self.running.values()]

    def log(self, name: str) -> str:
        """What a process wrote so far."""
        return (self.settings.home / f"{name}.log").read_text(encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        settings = self.settings
        return {
            **os.environ,
            "CLINAIOPS_HOME": str(settings.home),
            "CLINAIOPS_POSTGRES_PORT": str(settings.postgres_port),
            "CLINAIOPS_DATABASE_NAME": settings.database_name,
            "CLINAIOPS_TEMPORAL_PORT": str(settings.temporal_port),
            "CLINAIOPS_METRICS_PORT_BASE": str(settings.metrics_port_base),
        }


@dataclass
class System:
    """Processes, the record, and the client that the doors use."""

    processes: Processes
    store: Store
    gateway: Store
    loops: LoopClient


@asynccontextmanager
async def open_system(settings: Settings) -> AsyncIterator[System]:
    """Run everything on one test's own databases and Temporal file."""
    temporal = EmbeddedTemporal(database=settings.home / "temporal.db", namespaces=0)
    metrics_port = free_port(room=(0, 1, 10, 11))
    own = replace(settings, temporal_port=temporal.port, metrics_port_base=metrics_port)
    processes = Processes(own, temporal)
    clinician = await Store.open(own, Role.CLINICIAN)
    gateway = await Store.open(own, Role.GATEWAY)
    temporal.start()
    try:
        for name in ("worker", "relay"):
            processes.start(name)
        yield System(processes, clinician, gateway, await connect(own))
    finally:
        await clinician.close()
        await gateway.close()
        processes.stop()
        temporal.stop()


async def enrol_ready(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, with_envelope: bool = True
) -> Person:
    """Enrol a patient whose average asks for a step, today; the signed envelope allows it.

    Without an envelope a clinician is asked.
    """
    now = datetime.now(UTC)
    monkeypatch.setattr(people, "NOW", now)
    person = await people.enrol_treated(store, stage=None)
    if not with_envelope:
        return person
    draft = people.envelope(person.patient_id, now, Stage.BOUNDED_STEPS)
    signed = people.signature(person.clinician_id, envelopes.record(draft), now)
    async with acting_as(store, person) as tx:
        await envelopes.sign(tx, draft, signed, now=now)
    return person


async def upload(store: Store, person: Person, systolic: int) -> None:
    now = datetime.now(UTC)
    item = NewReading(
        client_id=new_id(),
        systolic_mmhg=Mmhg(systolic),
        diastolic_mmhg=Mmhg(82),
        pulse_bpm=70,
        taken_at=now - timedelta(minutes=1),
        utc_offset_minutes=0,
        device_validated=True,
        cuff_fits=True,
    )
    async with acting_as(store, person) as tx:
        [result] = await readings.record(tx, person.patient_id, [item], now=now)
    assert result.status == "stored"


async def newest_assessment_sees(store: Store, person: Person, count: int) -> None:
    async def probe() -> bool:
        async with acting_as(store, person) as tx:
            latest = await assessments.latest(tx, person.patient_id)
            if latest is None:
                return False
            document = await assessments.document(tx, latest.assessment_id)
        return len(document.snapshot.readings) == count

    await until(probe)
