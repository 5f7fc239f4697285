"""Scenarios: one judgement, or one assessment, as JSON in and JSON out. Schema: README.md.

A field of the snapshot that is left out is not known. A file may hold many vignettes over one base.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.clinical.alarm_types import Alarm
from services.clinical.alarms import scan
from services.clinical.assessment import Assessment, assess
from services.clinical.averaging import Average
from services.clinical.decoding import Decoder, Unreadable, read_datetime
from services.clinical.envelope import Envelope
from services.clinical.facts import read_person
from services.clinical.guard import REASONS, judge
from services.clinical.patient import Snapshot
from services.clinical.proposal import Proposal
from services.clinical.titration import Titrator
from services.clinical.verdict import Finding, Verdict

# What a snapshot says where the scenario says nothing: not known.
_UNKNOWN: Mapping[str, Any] = {
    "patient_id": "patient",
    "birth_date": None,
    "sex": "unknown",
    "deceased": False,
    "consent": [],
    "regimen": [],
    "other_medicines": [],
    "medicines_complete": False,
    "conditions": [],
    "conditions_complete": False,
    "intolerances": [],
    "intolerances_complete": False,
    "pregnancy": None,
    "labs": [],
    "pending_labs": [],
    "readings": [],
    "symptoms": [],
    "adherence": None,
    "weights": [],
    "changes": [],
    "target": None,
    "open_alarm": False,
    "halted": False,
}
_PROPOSAL: Mapping[str, Any] = {
    "proposal_id": "proposal",
    "patient_id": "patient",
    "path": "clinician",
    "ranking": None,
}
_KEYS = frozenset({"name", "about", "because", "now", "snapshot", "proposal", "envelope", "expect"})
_WEEK_KEYS = frozenset(
    {"week_ending", "systolic_mmhg", "diastolic_mmhg", "pulse_bpm", "days", "spread_mmhg", "each"}
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. Without a proposal it is an assessment by the deterministic titrator."""

    name: str
    now: datetime
    snapshot: Snapshot
    proposal: Proposal | None
    envelope: Envelope | None
    expect: Mapping[str, Any]


def vignettes(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the scenarios of a document: itself, or its vignettes laid over its base."""
    if "vignettes" not in document:
        return [document]
    base = document.get("base", {})
    return [_laid_over(base, item) for item in document["vignettes"]]


def _laid_over(base: Mapping[str, Any], vignette: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the base with the vignette's fields, section by section field by field."""
    laid = dict(base)
    for key, value in vignette.items():
        under = base.get(key)
        both = isinstance(value, Mapping) and isinstance(under, Mapping) and key != "expect"
        laid[key] = {**under, **value} if both and under is not None else value
    return laid


def read_scenario(document: Mapping[str, Any]) -> Scenario:
    """Return the scenario.

    Raises:
        Unreadable: a field is unknown, missing or not what the schema says.
    """
    strange = sorted(set(document) - _KEYS)
    if strange:
        raise Unreadable(f"unknown field {strange[0]}")
    if "now" not in document or not isinstance(document.get("snapshot"), Mapping):
        raise Unreadable("now and a snapshot are wanted")
    for section in ("proposal", "envelope", "expect"):
        if not isinstance(document.get(section) or {}, Mapping):
            raise Unreadable(f"{section}: an object is wanted")
    now = read_datetime(document["now"], "now").astimezone(UTC)
    decoder = Decoder(now)
    stated = {"as_of": document["now"], **_UNKNOWN, **document["snapshot"]}
    stated["readings"] = _expanded(stated["readings"], decoder)
    snapshot = decoder.read(Snapshot, stated, "snapshot")
    proposal = document.get("proposal")
    if proposal is not None:
        times = {"made_at": document["now"], "snapshot_as_of": document["now"]}
        stated = {**_PROPOSAL, **times, "patient_id": snapshot.patient_id, **proposal}
        proposal = decoder.read(Proposal, stated, "proposal")
    envelope = document.get("envelope")
    if envelope is not None:
        envelope = decoder.read(
            Envelope, {"patient_id": snapshot.patient_id, **envelope}, "envelope"
        )
    name = document.get("name", "scenario")
    return Scenario(name, now, snapshot, proposal, envelope, document.get("expect", {}))


def _expanded(readings: Any, decoder: Decoder) -> list[Any]:
    """Return the readings with every protocol week written out: two readings, twice a day."""
    if not isinstance(readings, list):
        raise Unreadable("snapshot.readings: list is wanted")
    expanded: list[Any] = []
    for item in readings:
        if isinstance(item, Mapping) and "week_ending" in item:
            expanded += _week(item, decoder)
        else:
            expanded.append(item)
    return expanded


def _week(item: Mapping[str, Any], decoder: Decoder) -> list[dict[str, Any]]:
    strange = sorted(set(item) - _WEEK_KEYS)
    if strange:
        raise Unreadable(f"snapshot.readings: unknown field {strange[0]}")
    for name in ("systolic_mmhg", "diastolic_mmhg"):
        decoder.read(int, item.get(name), f"snapshot.readings: {name}")
    ends = decoder.read(datetime, item["week_ending"], "week_ending")
    days = decoder.read(int, item.get("days", 7), "days")
    spread = decoder.read(int, item.get("spread_mmhg", 2), "spread_mmhg")
    made = []
    for back in range(days - 1, -1, -1):
        midnight = ends.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
        shift = spread if back % 2 else -spread
        for hour, minute in ((7, 0), (7, 2), (19, 0), (19, 2)):
            taken_at = midnight + timedelta(hours=hour, minutes=minute)
            if taken_at <= ends:
                made.append(_reading(item, taken_at, shift))
    return made


def _reading(item: Mapping[str, Any], taken_at: datetime, shift: int) -> dict[str, Any]:
    at = taken_at.isoformat()
    return {
        "reading_id": f"reading-{at}",
        "systolic_mmhg": item["systolic_mmhg"] + shift,
        "diastolic_mmhg": item["diastolic_mmhg"] + shift,
        "pulse_bpm": item.get("pulse_bpm", 70),
        "taken_at": at,
        "utc_offset_minutes": 0,
        "received_at": at,
        "device_validated": True,
        "cuff_fits": True,
        "irregular_pulse": False,
        **item.get("each", {}),
    }


def run_scenario(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict of one scenario as JSON values; unreadable input is refused with why."""
    try:
        scenario = read_scenario(document)
    except Unreadable as err:
        return {
            "name": document.get("name", "scenario"),
            "verdict": "refuse",
            "binding": {"rule_id": "unreadable_input", "sentence": str(err)},
            "findings": [],
        }
    if scenario.proposal is None:
        return _assessed(scenario)
    verdict = judge(scenario.proposal, scenario.snapshot, scenario.envelope, scenario.now)
    person = read_person(scenario.snapshot, scenario.envelope, scenario.now)
    return {
        "name": scenario.name,
        **_verdict(verdict),
        "average": _average(person.history.average),
        "alarms": [_alarm(alarm) for alarm in scan(scenario.snapshot, scenario.now)],
    }


def _assessed(scenario: Scenario) -> dict[str, Any]:
    result: Assessment = assess(
        scenario.snapshot, scenario.envelope, Titrator(), scenario.now, "proposal"
    )
    return {
        "name": scenario.name,
        **_verdict(result.verdict),
        "move": result.proposal.move.move_id,
        "path": result.proposal.path.value,
        "average": _average(result.average),
        "alarms": [_alarm(alarm) for alarm in result.alarms],
        "ranking": [item.move.move_id for item in result.ranking.moves],
        "rejected": [
            {
                "move": item.move.move_id,
                "path": item.path.value,
                "verdict": item.verdict.kind,
                "binding": item.binding.rule_id if item.binding else None,
            }
            for item in result.rejected
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "verdict": verdict.kind,
        "binding": None if verdict.binding is None else _finding(verdict.binding),
        "findings": [_finding(finding) for finding in verdict.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    rule = REASONS[finding.rule_id]
    return {
        "rule_id": finding.rule_id,
        "kind": finding.kind.value,
        "strength": finding.strength.value,
        "missing": list(finding.missing),
        "overridden": finding.overridden,
        "sentence": rule.sentence,
        "source": rule.source,
    }


def _average(mean: Average) -> dict[str, Any]:
    if mean.kind == "insufficient":
        return {
            "kind": mean.kind,
            "missing": list(mean.missing),
            "complete_at": mean.complete_at.isoformat(),
        }
    return {
        "kind": mean.kind,
        "systolic_tenths": mean.systolic_tenths,
        "diastolic_tenths": mean.diastolic_tenths,
        "systolic_se_tenths": mean.systolic_se_tenths,
        "diastolic_se_tenths": mean.diastolic_se_tenths,
        "counted_days": mean.counted_days,
        "counted_readings": mean.counted_readings,
        "days_above": mean.days_above,
    }


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "cause": alarm.cause.value,
        "urgency": alarm.urgency.value,
        "since": alarm.since.isoformat(),
        "evidence_ids": list(alarm.evidence_ids),
    }
