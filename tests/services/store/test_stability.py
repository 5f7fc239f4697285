"""Steady is what is measured and in target; what is not known is never steady."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.clinical.patient import Sex, Snapshot, Target
from services.clinical.readings import BloodPressure
from services.clinical.units import Mmhg
from services.loop_results import Stability
from services.store.stability import stability
from tests.services.store.people import NOW, week_of_readings


def snapshot(systolic: int, *, swing: int = 0) -> Snapshot:
    pressures = [
        BloodPressure(
            reading_id=item.client_id,
            systolic_mmhg=Mmhg(item.systolic_mmhg + (swing if item.taken_at.day % 2 else -swing)),
            diastolic_mmhg=Mmhg(75),
            pulse_bpm=70,
            taken_at=item.taken_at,
            utc_offset_minutes=0,
            received_at=item.taken_at,
            device_validated=True,
            cuff_fits=True,
        )
        for item in week_of_readings(systolic, NOW, days=8)
    ]
    return Snapshot(
        patient_id="p",
        as_of=NOW,
        birth_date=None,
        sex=Sex.UNKNOWN,
        deceased=False,
        consent=frozenset(),
        regimen=(),
        other_medicines=(),
        medicines_complete=False,
        conditions=frozenset(),
        conditions_complete=False,
        intolerances=(),
        intolerances_complete=False,
        pregnancy=None,
        labs=(),
        pending_labs=(),
        readings=tuple(sorted(pressures, key=lambda item: item.taken_at)),
        symptoms=(),
        adherence=None,
        weights=(),
        changes=(),
        target=Target(130, 80),
        open_alarm=False,
        halted=False,
    )


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (snapshot(120), Stability.STABLE),
        (snapshot(145), Stability.ABOVE_TARGET),
        (snapshot(120, swing=25), Stability.VOLATILE),
        (replace(snapshot(120), open_alarm=True), Stability.VOLATILE),
        (replace(snapshot(120), target=None), Stability.UNKNOWN),
        (replace(snapshot(120), readings=()), Stability.UNKNOWN),
        (replace(snapshot(120), as_of=NOW + timedelta(days=40)), Stability.UNKNOWN),
    ],
)
def test_stability(seen: Snapshot, expected: Stability) -> None:
    assert stability(seen) is expected
