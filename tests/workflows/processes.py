"""The real processes of the loops on a real database and a real Temporal, to be killed."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.clinical.envelope import Stage
from services.settings import Settings
from services.store import Role, Store, envelopes
from tests.services.store import people
from tests.services.store.people import Person, acting_as
from tests.stack import StoreFactory
from tests.temporal import EmbeddedTemporal, free_port
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
    loops: LoopClient


@asynccontextmanager
async def open_system(settings: Settings, store_factory: StoreFactory) -> AsyncIterator[System]:
    """Run everything on one test's own databases and Temporal file."""
    temporal = EmbeddedTemporal(database=settings.home / "temporal.db", namespaces=0)
    own = replace(settings, temporal_port=temporal.port, metrics_port_base=_metrics_port_base())
    processes = Processes(own, temporal)
    temporal.start()
    try:
        for name in ("worker", "relay"):
            processes.start(name)
        yield System(processes, await store_factory(Role.CLINICIAN), await connect(own))
    finally:
        processes.stop()
        temporal.stop()


def _metrics_port_base() -> int:
    """A port that has room for the offsets above it."""
    while (base := free_port()) > 65_000:
        continue
    return base


async def enrol_ready(store: Store, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Enrol a patient whose average asks for a step that the signed envelope allows, today."""
    now = datetime.now(UTC)
    monkeypatch.setattr(people, "NOW", now)
    person = await people.enrol_treated(store, stage=None)
    draft = people.envelope(person.patient_id, now, Stage.BOUNDED_STEPS)
    signed = people.signature(person.clinician_id, envelopes.record(draft), now)
    async with acting_as(store, person) as tx:
        await envelopes.sign(tx, draft, signed, now=now)
    return person


async def every(seconds: float) -> None:
    """Let the other side work for a moment between two probes."""
    await asyncio.sleep(seconds)
