"""Measure what a continuous wearer's context adds to an assessment and to a clinician's look.

    .venv/bin/python -m bench.wearable [--days D]

A throw-away PostgreSQL; two windows of 30 s (PPG, motion) all day and an ECG once an hour, their
features made up in the database, and 60 sittings with the cuff. Wall time, the least of a few.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from services.clinical.units import Mmhg
from services.keyring import make_missing_secrets
from services.settings import Settings
from services.signals.features import FEATURE_ORDER, FEATURE_VERSION
from services.store import Role, Store, Transaction, cluster, migrate, readings
from services.store.cuff_checks import consider
from services.store.pressure_context import arrival_days, read
from services.store.rows import NewReading
from services.store.snapshots import build
from tests.services.store.people import NOW, Person, acting_as, enrol_treated
from tests.stack import EmbeddedPostgres, server_home, settings_for

REPEATS = 5
AT = NOW + timedelta(hours=4)
# One value a feature, about what a resting adult has; every other one lies around 70.
VALUES = {
    "heart_rate_bpm": "65 + 10 * random()",
    "pulse_arrival_ms": "220 + 10 * random()",
    "irregular_rhythm": "0",
    "rest": "1",
    "quality_rate": "0.95",
}


def _filled(settings: Settings, subject_id: str, days: int) -> tuple[str, ...]:
    """Return the statements that give a subject so many days of windows and their features."""
    values = ", ".join(VALUES.get(name, "70 + random()") for name in FEATURE_ORDER)
    order = ",".join(FEATURE_ORDER)
    return (
        f"INSERT INTO feature_names VALUES ('{FEATURE_VERSION}', '{{{order}}}')",
        "INSERT INTO windows SELECT signal || '-' || n, "
        f"'{subject_id}', signal || n, signal, 25, '1', "
        f"TIMESTAMPTZ '{AT.isoformat()}' - n * interval '30 s', 'watch', 750, 'h', 'b', now() "
        f"FROM generate_series(1, {days * 2880}) n, "
        "unnest(ARRAY['ppg', 'accelerometer', 'ecg']) signal WHERE signal <> 'ecg' OR n % 120 = 0",
        "INSERT INTO window_features SELECT window_id, subject_id, started_at, "
        f"'{FEATURE_VERSION}', ARRAY[{values}]::float8[], CASE WHEN signal = 'accelerometer' "
        "THEN 'motion' ELSE 'rate+variability+morphology+rhythm' END, now() FROM windows",
        "ANALYZE",
    )


async def _least_ms(store: Store, person: Person, run: Callable[[Transaction], object]) -> float:
    took = []
    for _ in range(REPEATS):
        async with acting_as(store, person) as tx:
            began = time.perf_counter()
            made = run(tx)
            assert isinstance(made, Awaitable)
            await made
            took.append(time.perf_counter() - began)
    return min(took) * 1000


async def measure(settings: Settings, days: int) -> None:
    """Print the milliseconds of each part."""
    store, worker = (
        await Store.open(settings, Role.CLINICIAN),
        await Store.open(settings, Role.WORKER),
    )
    person = await enrol_treated(store)
    who = person.patient_id

    async def cuff(tx: Transaction) -> None:
        taken = [
            NewReading(
                f"s{n}",
                Mmhg(135 + n % 9),
                Mmhg(85),
                70,
                NOW - timedelta(hours=5 * n),
                0,
                device_validated=True,
                cuff_fits=True,
            )
            for n in range(60)
        ]
        await readings.record(tx, who, taken, now=NOW)

    parts: dict[str, Callable[[Transaction], object]] = {
        "snapshot": lambda tx: build(tx, who, now=AT),
        "whether to ask for a cuff reading": lambda tx: consider(tx, who, now=AT),
        "pressure estimate": lambda tx: read(tx, who, now=AT),
        "arrival time by day": lambda tx: arrival_days(tx, who, now=AT),
    }
    bare = {name: await _least_ms(worker, person, run) for name, run in parts.items()}
    async with acting_as(store, person) as tx:
        await cuff(tx)
        subject_id = tx.subject_id(who)
    server = EmbeddedPostgres(settings)
    server.sql_in(settings.database_name, *_filled(settings, subject_id, days))
    for name, run in parts.items():
        worn = await _least_ms(worker, person, run)
        print(f"{name}: {bare[name]:.0f} ms without a wearable, {worn:.0f} ms with {days} days")
    await store.close()
    await worker.close()


def main() -> None:
    """Print one line a part."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--days", type=int, default=14)
    given = asked.parse_args()
    with server_home() as home:
        settings = settings_for(home)
        make_missing_secrets(settings.home)
        cluster.initialise(settings)
        with cluster.running(settings):
            asyncio.run(migrate.migrate(settings))
            asyncio.run(measure(settings, given.days))


if __name__ == "__main__":
    main()
