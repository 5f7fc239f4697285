"""Measure what a patient's day of wearable windows costs, from the gateway's bytes to the record.

    .venv/bin/python -m bench.ingest [--hours H]

A throw-away PostgreSQL with its usual safety (fsync on). PPG at 25 Hz and the accelerometer's
magnitude at 25 Hz all day, an ECG of 30 s at 125 Hz once an hour, as windows of 30 s. PPG and ECG
are vendored recordings brought to those rates; the accelerometer is made up. Every stage is the
product's own: packed and sealed (gateway), opened and claimed, extracted, completed (worker). CPU
time of this process, and of PostgreSQL beside it; wall time says little on a shared machine.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # noqa: TID251 - before numpy is loaded

import numpy as np
import psutil

from demo import recordings
from services import clock
from services.ids import new_id
from services.keyring import make_missing_secrets
from services.settings import Settings
from services.signals.packing import pack
from services.signals.window import FloatArray, Kind
from services.store import Acting, Role, Store, cluster, migrate, windows
from services.store.entries import NewWindow
from tests.services.store.people import enrol
from tests.stack import EmbeddedPostgres, server_home, settings_for
from workflows.__main__ import StoreWindows
from workflows.policy import WINDOWS_A_BATCH
from workflows.window_batches import WaitingWindows, WindowBatches
from workflows.window_features import WaitingWindow, WindowResult

WINDOW_S = 30
PPG_HZ, MOTION_HZ, ECG_HZ = 25.0, 25.0, 125.0
AN_UPLOAD = 60
UNITS: dict[Kind, str] = {"ppg": "1", "ecg": "mV", "accelerometer": "g"}


@dataclass
class Spent:
    """CPU seconds by stage, this process and PostgreSQL apart."""

    stages: dict[str, float] = field(default_factory=dict)
    database: dict[str, float] = field(default_factory=dict)
    server: psutil.Process | None = None

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        """Count what runs inside."""
        began, database = time.process_time(), self._database_s()
        yield
        self.stages[stage] = self.stages.get(stage, 0.0) + time.process_time() - began
        spent = self._database_s() - database
        self.database[stage] = self.database.get(stage, 0.0) + spent

    def _database_s(self) -> float:
        if self.server is None:
            return 0.0
        total = 0.0
        for process in (self.server, *self.server.children(recursive=True)):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        return total


class Timed:
    """The record's waiting windows, each step's CPU time counted."""

    def __init__(self, inner: WaitingWindows, spent: Spent) -> None:
        self._inner = inner
        self._spent = spent

    async def claim(
        self, *, limit: int, lease_s: float, now: datetime
    ) -> tuple[WaitingWindow, ...]:
        """Claim and open."""
        with self._spent.on("claim and decrypt"):
            return await self._inner.claim(limit=limit, lease_s=lease_s, now=now)

    async def count(self) -> int:
        """Count."""
        return await self._inner.count()

    async def complete(
        self, windows: Sequence[WaitingWindow], results: Sequence[WindowResult], *, now: datetime
    ) -> int:
        """Complete."""
        with self._spent.on("store features"):
            return await self._inner.complete(windows, results, now=now)


def day(hours: float, began: datetime, *, seed: int = 1) -> list[NewWindow]:
    """Return the windows of the first hours of a day, as a watch would upload them."""
    rng = np.random.default_rng(seed)
    recording = recordings.load("bidmc-51")
    pulse = _counts(_at_rate(recording.windows("ppg", WINDOW_S), recording.rate_hz, PPG_HZ))
    heart = np.round(_at_rate(recording.windows("ecg", WINDOW_S), recording.rate_hz, ECG_HZ), 3)
    found: list[NewWindow] = []
    for number in range(int(hours * 3600 / WINDOW_S)):
        at = began + timedelta(seconds=WINDOW_S * number)
        motion = np.round(1 + rng.normal(0, rng.choice([0.004, 0.004, 0.08]), 750), 3)
        noisy = pulse[number % len(pulse)] + np.rint(rng.normal(0, 5, pulse.shape[1]))
        found.append(_window("ppg", noisy, PPG_HZ, at))
        found.append(_window("accelerometer", motion, MOTION_HZ, at))
        if number % (3600 // WINDOW_S) == 0:
            found.append(_window("ecg", heart[number % len(heart)], ECG_HZ, at))
    return found


def _at_rate(rows: FloatArray, had_hz: float, rate_hz: float) -> FloatArray:
    at = np.arange(0, WINDOW_S, 1 / rate_hz)
    had = np.arange(rows.shape[1]) / had_hz
    return np.stack([np.interp(at, had, row) for row in rows])


def _counts(rows: FloatArray) -> FloatArray:
    """Return a pulse of 2 % on the level of an 18-bit converter."""
    level, size = 150_000.0, 3_000.0
    counts: FloatArray = np.rint(level + size * (rows - rows.mean()) / np.ptp(rows))
    return counts


def _window(kind: Kind, samples: FloatArray, rate_hz: float, at: datetime) -> NewWindow:
    return NewWindow(
        client_id=new_id(),
        signal=kind,
        rate_hz=rate_hz,
        unit=UNITS[kind],
        started_at=at,
        clock_id="watch",
        sample_count=len(samples),
        samples=pack([float(s) for s in samples], baseline_kept=kind == "ppg"),
    )


async def measure(settings: Settings, hours: float) -> dict[str, object]:
    """Return the cost of the day, scaled to 24 h."""
    server = EmbeddedPostgres(settings)
    spent = Spent(server=_postmaster(settings))
    gateway, worker = (
        await Store.open(settings, Role.GATEWAY),
        await Store.open(settings, Role.WORKER),
    )
    clinician = await Store.open(settings, Role.CLINICIAN)
    person = await enrol(clinician)
    before = _database_bytes(server, settings)
    with spent.on("pack"):
        sent = day(hours, clock.now() - timedelta(days=2))
    phone = Acting("patient", person.patient_id, person.patient_id)
    for begin in range(0, len(sent), AN_UPLOAD):
        with spent.on("seal and accept"):
            async with gateway.transaction(phone) as tx:
                part = sent[begin : begin + AN_UPLOAD]
                await windows.accept(tx, person.patient_id, part, now=clock.now())
    began = time.perf_counter()
    await _ingest(worker, spent)
    wall_s = time.perf_counter() - began
    stored = _database_bytes(server, settings) - before
    blobs = sum(f.stat().st_size for f in (settings.home / "blobs").rglob("*") if f.is_file())
    for store in (gateway, worker, clinician):
        await store.close()
    return _report(spent, sent, hours, bytes_held=(blobs, stored), wall_s=wall_s)


async def _ingest(worker: Store, spent: Spent) -> None:
    waiting = Timed(StoreWindows(worker), spent)
    batches = WindowBatches(waiting, _InPlace)
    while True:
        with spent.on("worker"):
            outcome = await batches.process_batch(limit=WINDOWS_A_BATCH, now=clock.now())
        if not outcome.more_pending:
            return batches.close()


def _InPlace() -> Executor:
    """A thread of this process, so that its CPU time is counted with the rest."""
    return ThreadPoolExecutor(max_workers=1)


def _report(
    spent: Spent,
    sent: Sequence[NewWindow],
    hours: float,
    *,
    bytes_held: tuple[int, int],
    wall_s: float,
) -> dict[str, object]:
    scale = 24 / hours
    stages = dict(spent.stages)
    stages["extract"] = stages["worker"] - stages["claim and decrypt"] - stages["store features"]
    worker_s = stages["worker"] + spent.database["worker"]
    samples = sum(window.sample_count for window in sent)
    return {
        "windows_a_day": round(len(sent) * scale),
        "cpu_s_a_patient_day": {k: round(v * scale, 2) for k, v in stages.items()},
        "postgres_cpu_s_a_patient_day": {
            k: round(v * scale, 2)
            for k, v in spent.database.items()
            if k in ("seal and accept", "worker")
        },
        "windows_per_cpu_s": {
            "extract": round(len(sent) / stages["extract"]),
            "decrypt to store, worker": round(len(sent) / stages["worker"]),
            "with PostgreSQL": round(len(sent) / worker_s),
            "wall": round(len(sent) / wall_s),
        },
        "sealed_bytes_a_patient_day": round(bytes_held[0] * scale),
        "database_bytes_a_patient_day": round(bytes_held[1] * scale),
        "as_doubles_bytes": round(8 * samples * scale),
    }


def _postmaster(settings: Settings) -> psutil.Process:
    [pid_file] = Path(settings.home).rglob("postmaster.pid")
    return psutil.Process(int(pid_file.read_text().split()[0]))


def _database_bytes(server: EmbeddedPostgres, settings: Settings) -> int:
    return int(server.sql(f"SELECT pg_database_size('{settings.database_name}')"))


def main() -> None:
    """Print one JSON document a run."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--hours", type=float, default=4.0)
    given = asked.parse_args()
    with server_home() as home:
        settings = settings_for(home)
        make_missing_secrets(settings.home)
        cluster.initialise(settings)
        with cluster.running(settings):
            asyncio.run(migrate.migrate(settings))
            print(json.dumps(asyncio.run(measure(settings, given.hours)), indent=1))


if __name__ == "__main__":
    main()
