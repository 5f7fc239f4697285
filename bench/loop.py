"""Time the main loop on a running stack: uploads a second, and from an upload to its verdict.

    make up && .venv/bin/python -m deploy demo-accounts
    .venv/bin/python -m bench.loop [--patients N] [--uploads N] [--seconds S]

The verdict counts as there when its assessment is committed and another connection can read it.
The limit is the decision path's, 500 ms at the 95th percentile; the figure is a ratio to it.
"""

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timezone
from typing import Final

import httpx

from demo.backfill import Patient, admit, confirm, send_history
from demo.desk import open_desk
from demo.history import Item, local_zone
from demo.personas import PERSONAS, Story
from services import clock
from services.ids import new_id
from services.settings import Settings, load
from services.store import Acting, Role, Store, assessments

LIMIT_MS: Final = 500.0
PROBE_EVERY_S: Final = 0.004
GIVE_UP_S: Final = 30.0
READINGS_AN_UPLOAD: Final = 2


@dataclass(frozen=True, slots=True)
class Bench:
    """The enrolled phones and a connection that sees what was committed."""

    patients: tuple[Patient, ...]
    store: Store


def main(arguments: Sequence[str]) -> int:
    """Measure, print one JSON document, return 0 when the limit is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=8)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args(arguments)
    found = asyncio.run(_measure(load(), options))
    print(json.dumps(found, indent=1))
    return 0 if found["verdict_p95_ms"] <= LIMIT_MS else 1


async def _measure(settings: Settings, options: argparse.Namespace) -> dict[str, float]:
    store = await Store.open(settings, Role.AUDITOR)
    limits = httpx.Limits(max_connections=64)
    try:
        async with httpx.AsyncClient(limits=limits, trust_env=False, timeout=60.0) as http:
            bench = Bench(await _enrol(settings, http, options.patients), store)
            alone = await _verdict_times(bench, options.uploads)
            rate, together = await _throughput(bench, options.seconds)
    finally:
        await store.close()
    return {
        "patients": options.patients,
        "uploads": len(alone),
        "verdict_p50_ms": round(statistics.median(alone), 1),
        "verdict_p95_ms": round(_p95(alone), 1),
        "verdict_p95_to_limit": round(_p95(alone) / LIMIT_MS, 3),
        "uploads_per_second": round(rate, 1),
        "readings_per_second": round(rate * READINGS_AN_UPLOAD, 1),
        "upload_p95_ms_under_load": round(_p95(together), 1),
    }


async def _enrol(settings: Settings, http: httpx.AsyncClient, count: int) -> tuple[Patient, ...]:
    """Admit people with sixty days behind them, as the demo does."""
    desk = await open_desk(http, settings)
    moment = clock.now()
    zone: timezone = local_zone(moment)
    people = [p for p in PERSONAS if p.story is not Story.NO_CONSENT][:count]
    patients = []
    for persona in people:
        patient = await admit(http, desk, persona, gateway_url=settings.gateway_url, zone=zone)
        await send_history(patient, now=moment, zone=zone)
        await confirm(desk, patient, now=moment)
        patients.append(patient)
    return tuple(patients)


async def _verdict_times(bench: Bench, uploads: int) -> list[float]:
    """One upload at a time, each timed in ms from its request to its readable verdict."""
    times = []
    for number in range(uploads):
        patient = bench.patients[number % len(bench.patients)]
        before = await _newest(bench.store, patient.patient_id)
        began = asyncio.get_running_loop().time()
        await patient.phone.send("readings", _two_readings())
        await _newer_than(bench.store, patient.patient_id, before)
        times.append(1000 * (asyncio.get_running_loop().time() - began))
    return times


async def _newest(store: Store, patient_id: str) -> str | None:
    async with store.transaction(Acting("auditor", "bench", patient_id)) as tx:
        entry = await assessments.latest(tx, patient_id)
    return None if entry is None else entry.assessment_id


async def _newer_than(store: Store, patient_id: str, before: str | None) -> None:
    limit = asyncio.get_running_loop().time() + GIVE_UP_S
    while await _newest(store, patient_id) == before:
        if asyncio.get_running_loop().time() > limit:
            raise TimeoutError(f"no verdict within {GIVE_UP_S} s")
        await asyncio.sleep(PROBE_EVERY_S)


async def _throughput(bench: Bench, seconds: float) -> tuple[float, list[float]]:
    """Every phone uploads as fast as it is answered; return uploads a second and times in ms."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    times: list[float] = []

    async def keep_sending(patient: Patient) -> None:
        while loop.time() < end:
            began = loop.time()
            await patient.phone.send("readings", _two_readings())
            times.append(1000 * (loop.time() - began))

    await asyncio.gather(*(keep_sending(patient) for patient in bench.patients))
    return len(times) / seconds, times


def _two_readings() -> list[Item]:
    moment = clock.now().isoformat()
    return [
        {
            "client_id": new_id(),
            "systolic": 138 - number,
            "diastolic": 86,
            "unit": "mm[Hg]",
            "pulse": 68,
            "taken_at": moment,
        }
        for number in range(READINGS_AN_UPLOAD)
    ]


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
