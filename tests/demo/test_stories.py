"""Each story is what the guard itself says of that person's data: nothing is staged."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from demo.backfill import record_bytes
from demo.desk import TARGET, plan_bounds
from demo.history import lab_bundle, local_zone, past_doses, past_readings, unsent_week
from demo.personas import PERSONAS, Persona, Story
from demo.physiology import now_pair
from demo.play import SHOWN
from demo.wire import Json
from models.predict import FilterPredictor
from services.clinical.alarms import AlarmCause
from services.clinical.assessment import Assessment, assess
from services.clinical.envelope import DrugBounds, Envelope, StopCondition
from services.clinical.formulary import Drug
from services.clinical.patient import (
    Adherence,
    ConsentPurpose,
    LabResult,
    Prescription,
    Snapshot,
    Symptom,
    SymptomReport,
    Target,
)
from services.clinical.proposal import Predictor
from services.clinical.readings import BloodPressure, Posture
from services.clinical.titration import Titrator
from services.clinical.units import Micrograms, Mmhg, parse_dose
from services.clinical.verdict import NeedsData
from services.fhir.bundle_import import read_addition, read_bundle

_NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_ZONE = local_zone(_NOW)
_TARGET = Target(TARGET["systolic_below"], TARGET["diastolic_below"])
_SIGNED_AT = _NOW - timedelta(minutes=3)

_ADVISED = {Story.STEP_ALONE, Story.DECLINES}
_ASKED = {Story.ACCEPTED, Story.MODIFIED, Story.REJECTED, Story.DEFERRED, Story.WAITING}
_HELD_BY = {
    Story.CONTROLLED: ("hold", "in_target"),
    Story.NOISE: ("hold", "within_noise"),
    Story.NOT_TAKING: ("hold", "adherence_talk"),
    Story.STANDING_FALL: ("hold", "orthostatic"),
    Story.SYMPTOM: ("hold", "unsteady"),
    Story.IRREGULAR: ("hold", "irregular_rhythm"),
    Story.CRISIS: ("hold", "crisis"),
    Story.NO_CONSENT: ("hold", "no_consent"),
}


def _readings(persona: Persona) -> list[BloodPressure]:
    items = past_readings(persona, now=_NOW, zone=_ZONE)
    if persona.story is Story.OFFLINE:
        items += unsent_week(persona, now=_NOW, zone=_ZONE)
    past = [
        _reading(str(i["client_id"]), _shown(i), datetime.fromisoformat(str(i["taken_at"])), i)
        for i in items
    ]
    pair = SHOWN.get(persona.story) or now_pair(persona.level, seed=persona.record)
    more: Json = {"irregular_pulse": True} if persona.story is Story.IRREGULAR else {}
    live = [
        _reading(f"live-{n}", shown, _NOW - timedelta(seconds=65 - 62 * n), more, history=False)
        for n, shown in enumerate(pair)
    ]
    return sorted([*past, *live], key=lambda r: r.taken_at)


def _shown(item: dict[str, object]) -> tuple[int, int, int]:
    return int(str(item["systolic"])), int(str(item["diastolic"])), int(str(item["pulse"]))


def _reading(
    reading_id: str,
    shown: tuple[int, int, int],
    at: datetime,
    more: dict[str, object],
    *,
    history: bool = True,
) -> BloodPressure:
    return BloodPressure(
        reading_id=reading_id,
        systolic_mmhg=Mmhg(shown[0]),
        diastolic_mmhg=Mmhg(shown[1]),
        pulse_bpm=shown[2],
        taken_at=at.astimezone(UTC),
        utc_offset_minutes=int(_ZONE.utcoffset(None) / timedelta(minutes=1)),
        received_at=_NOW,
        posture=Posture(str(more.get("posture", "sitting"))),
        device_validated=True,
        cuff_fits=True,
        irregular_pulse=True if more.get("irregular_pulse") else None,
        history=history,
    )


def _labs(persona: Persona, recorded: tuple[LabResult, ...]) -> tuple[LabResult, ...]:
    bundle = lab_bundle(persona, "p-1", now=_NOW)
    if bundle is None:
        return recorded
    found = read_addition(json.dumps(bundle).encode(), patient_id="p-1", now=_NOW)
    return tuple(sorted((*recorded, *found.record.labs), key=lambda lab: lab.taken_at))


def _adherence(persona: Persona) -> Adherence:
    since = _NOW - timedelta(days=28)
    doses = [
        d
        for d in past_doses(persona, now=_NOW, zone=_ZONE)
        if datetime.fromisoformat(str(d["taken_at"])) > since
    ]
    return Adherence(sum(d["taken"] is True for d in doses), len(doses))


def _snapshot(persona: Persona) -> Snapshot:
    found = read_bundle(record_bytes(persona.record), now=_NOW)
    record, consents = found.record, frozenset(ConsentPurpose) - {ConsentPurpose.RESEARCH}
    dizzy = (SymptomReport(Symptom.DIZZINESS, _NOW, open=True),)
    return Snapshot(
        patient_id="p-1",
        as_of=_NOW,
        birth_date=found.identity.birth_date,
        sex=found.identity.sex,
        deceased=False,
        consent=frozenset() if persona.story is Story.NO_CONSENT else consents,
        regimen=tuple(
            Prescription(
                line.drug,
                parse_dose(line.daily_dose),
                1,
                _NOW - timedelta(days=120),
                "order-1",
                parse_dose(line.daily_dose),
                line.tablets_in_hand,
            )
            for line in persona.regimen
        ),
        other_medicines=record.other_medicines,
        medicines_complete=True,
        conditions=record.conditions,
        conditions_complete=True,
        intolerances=record.intolerances,
        intolerances_complete=True,
        pregnancy=persona.pregnancy,
        labs=_labs(persona, record.labs),
        pending_labs=(),
        readings=tuple(_readings(persona)),
        symptoms=dizzy if persona.story is Story.SYMPTOM else (),
        adherence=_adherence(persona),
        weights=(),
        changes=(),
        target=_TARGET,
        open_alarm=False,
        halted=False,
    )


def _envelope(persona: Persona) -> Envelope | None:
    if persona.plan is None:
        return None
    return Envelope(
        envelope_id="e-1",
        version=1,
        patient_id="p-1",
        stage=persona.plan,
        bounds=tuple(
            DrugBounds(Drug(str(row["drug"])), tuple(Micrograms(r) for r in row["rungs_ug"]))
            for row in plan_bounds(persona)
        ),
        target=_TARGET,
        max_step_rungs=1,
        min_interval_days=28,
        steps_allowed=2,
        potassium_below_thousandths=5000,
        egfr_at_least_thousandths=50000,
        lab_max_age_days=90,
        confidence_floor_percent=70,
        stop_conditions=frozenset(StopCondition),
        allow_age_80_and_over=False,
        valid_from=_SIGNED_AT,
        expires_at=_NOW + timedelta(days=180),
        signed_by="c-1",
        signed_at=_SIGNED_AT,
    )


def _assessed(persona: Persona, predictor: Predictor) -> Assessment:
    return assess(_snapshot(persona), _envelope(persona), predictor, _NOW, "proposal-1")


_PREDICTORS = (Titrator(), FilterPredictor())


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda p: f"{p.record}-{p.story}")
def test_every_story_is_what_the_guard_says(persona: Persona) -> None:
    made = _assessed(persona, Titrator())
    binding = made.verdict.binding
    said = (made.verdict.kind, None if binding is None else binding.rule_id)
    if persona.story in _ADVISED:
        assert said == ("advise", None)
    elif persona.story in _HELD_BY:
        assert said == _HELD_BY[persona.story]
    elif persona.story is Story.NO_LABS:
        assert isinstance(made.verdict, NeedsData) and "potassium" in made.verdict.missing
    else:
        assert made.verdict.kind == "ask" and made.proposal.move.changes


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda p: f"{p.record}-{p.story}")
def test_whoever_ranks_the_moves_the_story_is_not_turned_round(persona: Persona) -> None:
    """The model may prefer another step, or less; what is held back stays held back."""
    made = _assessed(persona, FilterPredictor())
    if persona.story in _ADVISED:
        assert made.verdict.kind == "advise"
    elif persona.story in _ASKED:
        assert made.verdict.kind == "ask"
    elif persona.story in {*_HELD_BY, Story.NO_LABS}:
        assert all(change.to_ug < change.from_ug for change in made.proposal.move.changes)


@pytest.mark.parametrize("predictor", _PREDICTORS, ids=lambda p: type(p).__name__)
def test_a_low_pressure_asks_for_less_and_raises_its_alarm(predictor: Predictor) -> None:
    low = next(p for p in PERSONAS if p.story is Story.LOW)
    made = _assessed(low, predictor)
    (change,) = made.proposal.move.changes
    assert change.to_ug < change.from_ug
    assert [a.cause for a in made.alarms] == [AlarmCause.PERSISTENT_LOW]


def test_nobody_else_raises_an_alarm_unless_the_story_is_one() -> None:
    alarming = {Story.CRISIS, Story.LOW, Story.SYMPTOM, Story.IRREGULAR}
    for persona in PERSONAS:
        assert bool(_assessed(persona, Titrator()).alarms) is (persona.story in alarming), (
            persona.record
        )
