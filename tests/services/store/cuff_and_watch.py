"""A made-up patient who wears a watch while measuring: pressure goes with arrival time, or not."""

from datetime import datetime, timedelta

import numpy as np

from services.clinical.units import Mmhg
from services.store import Role, readings
from services.store.rows import NewReading
from tests.services.store.people import NOW, Person, acting_as
from tests.services.store.worn import Seen, wear
from tests.stack import StoreFactory

MORNING = NOW.replace(hour=8)
SITTINGS = 40
USUAL_MS, USUAL_MMHG = 220.0, 135.0


def window(at: datetime, arrival_ms: float, rest: float = 1.0, clock_id: str = "watch") -> Seen:
    features = {
        "pulse_arrival_ms": arrival_ms,
        "heart_rate_bpm": 70.0,
        "quality_rate": 0.95,
        "irregular_rhythm": 0.0,
        "rest": rest,
    }
    return Seen(at, features, clock_id=clock_id)


async def follow(
    store_factory: StoreFactory, person: Person, *, slope: float, seed: int = 4
) -> None:
    """Put sittings each 12 h up to `MORNING` on record, two windows beside each."""
    rng = np.random.default_rng(seed)
    taken, worn, arrival = [], [], USUAL_MS
    for back in reversed(range(SITTINGS)):
        at = MORNING - timedelta(hours=12 * back)
        arrival = USUAL_MS + (0.3 * (arrival - USUAL_MS) + rng.normal(0, 12) if back else 0.0)
        systolic = round(USUAL_MMHG + slope * (arrival - USUAL_MS) + rng.normal(0, 2))
        taken.append(
            NewReading(
                f"cuff-{back}",
                Mmhg(systolic),
                Mmhg(85),
                70,
                at,
                0,
                device_validated=True,
                cuff_fits=True,
            )
        )
        worn += [window(at - timedelta(minutes=n), arrival) for n in (1, 2)]
    async with acting_as(await store_factory(Role.CLINICIAN), person) as tx:
        await readings.record(tx, person.patient_id, taken, now=NOW)
    await wear(store_factory, person, worn)
