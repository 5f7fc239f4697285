"""The wearable over HTTP: context in words; a pressure only where it has shown itself, as such."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from clinician_app.api.wearable import shown
from services.clinical.readings import Posture
from services.signals.cuff_sessions import CuffSession
from services.signals.pressure import (
    Circumstances,
    Estimated,
    Moment,
    Tracker,
    estimate,
    observe,
)
from services.store.pressure_context import ArrivalDay, PressureContext
from tests.clinician_app import clinic
from tests.clinician_app.conftest import Api
from tests.services.clinical.examples import snapshot

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
HERE = Circumstances("amlodipine 5 mg", "watch", Posture.SITTING)


def seen(hours: float, arrival_ms: float) -> Moment:
    at = START + timedelta(hours=hours)
    return Moment(at, HERE, arrival_ms, 70.0, 0.95, irregular_rhythm=False, asleep=False)


def followed(slope: float, *, device: str = "watch") -> PressureContext:
    """A made-up patient whose pressure goes with arrival by a slope, an hour after the cuff."""
    rng, tracker = np.random.default_rng(3), Tracker()
    for step in range(40):
        arrival = 220 + rng.normal(0, 12) if step < 39 else 220.0
        cuff = (135 + slope * (arrival - 220) + rng.normal(0, 2), 85.0)
        tracker = observe(tracker, seen(12 * step, arrival), cuff)
    moment = seen(12 * 39 + 1, 205.0)
    moment = replace(moment, circumstances=replace(HERE, device_id=device))
    last = CuffSession(START + timedelta(hours=12 * 39), 135.0, 85.0)
    return PressureContext(estimate(tracker, moment), tracker, last, moment.at)


def said(found: PressureContext | None) -> str:
    now = START + timedelta(hours=12 * 39 + 2)
    body = shown(replace(snapshot(), as_of=now), found, (ArrivalDay(date(2026, 3, 20), 204.6),))
    assert [(d.day.isoformat(), d.arrival_ms) for d in body.arrival] == [("2026-03-20", 205)]
    return " | ".join([body.pressure_words, *(f"{p.label}: {p.value}" for p in body.pressure)])


async def test_who_wears_nothing_has_dashes_and_no_estimate(api: Api) -> None:
    anna = await clinic.clinician(api.store, "anna")
    patient_id = await clinic.patient(api.store, anna, clinic.Sick("Ada, A"))
    answer = await api.http.get(
        f"/v1/patients/{patient_id}/wearable", headers=await api.sign_in("anna")
    )
    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert len(body["course"]) == 8 and {line["value"] for line in body["course"]} == {None}
    assert (body["version"], body["irregular_rhythm_at"]) == (None, None)
    assert (body["pressure"], body["arrival"]) == ([], [])
    assert body["pressure_words"].startswith("Nothing newer than the cuff")


def test_an_estimate_is_named_one_and_comes_with_its_uncertainty_age_and_record() -> None:
    found = followed(-1.0)
    assert isinstance(found.outcome, Estimated)
    words = said(found)
    value = f"{found.outcome.estimate.systolic_mmhg:.0f} ± "
    assert f"Estimate, not a reading: {value}" in words
    assert "Of: 60 min ago | Cuff before it: 2 h ago" in words
    assert "Cuff readings foretold: 39" in words and "limits of agreement" in words


def test_without_skill_no_pressure_is_shown() -> None:
    words = said(followed(0.0))
    assert words.startswith("No information beyond the cuff")
    assert "Estimate" not in words and " / " not in words
    assert "Skill against the last cuff reading: " in words
    assert "limits of agreement: +0 (-6 to +6) mmHg" in words


def test_an_abstention_gives_its_reasons_and_no_pressure() -> None:
    words = said(followed(-1.0, device="another"))
    assert words.startswith("No estimate: device changed")
    assert "Estimate, " not in words


def test_the_day_and_night_have_their_units_and_what_is_missing_is_missing() -> None:
    held = replace(
        snapshot(),
        wearable_features=(
            ("heart_rate_day_bpm", 77.6),
            ("heart_rate_dip_fraction", 0.184),
            ("motion_deviation_day_g", 0.0473),
        ),
        wearable_version="signals-2+course-1",
    )
    lines = {line.label: line.value for line in shown(held, None, ()).course}
    assert lines["Heart rate by day (9–21), 7 d"] == "78 bpm"
    assert lines["Nightly dip of the heart rate"] == "18 %"
    assert lines["Movement by day"] == "0.047 g"
    assert lines["Heart rate by night (1–6), 7 d"] is None
