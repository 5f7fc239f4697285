"""Decisions files: clinicians' decisions with what they were about, de-identified. JSON lines.

The only data that the agreement model learns from, and of another schema than the cohort's: the
outcome model's training refuses such a file, as this refuses a cohort.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.cohort import LeakedIdentifier, NoConsent, NotANumber, WrongSchema
from services.clinical.averaging import SufficientAverage
from services.clinical.formulary import DrugClass, drug_class
from services.clinical.moves import MoveKind
from services.clinical.patient import Lab, Snapshot
from services.clinical.proposal import RankedMove
from services.clinical.regimen import age_years, latest_lab
from services.clinical.research import DecidedReview, PatientRecord

Array = NDArray[np.float64]

SCHEMA: Final = "decisions-1"
KINDS: Final = ("accept", "modify", "reject", "defer")
REASONS: Final = (
    *("labs_first", "symptoms_or_hypotension", "frailty_or_falls", "adherence_first"),
    *("data_not_trusted", "patient_preference", "specialist_plan", "other"),
)
# Name, centre, scale in adults [A].
_CONTEXT: Final = (
    ("age_years", 60.0, 13.0),
    ("systolic_mmhg", 140.0, 12.0),
    ("bound_mmhg", 7.0, 3.0),
    ("egfr_ml_min", 85.0, 20.0),
    ("potassium_mmol_l", 4.2, 0.4),
    ("taken_share", 0.9, 0.1),
    ("drugs", 1.5, 1.0),
    ("expected_change_mmhg", -6.0, 4.0),
    ("interval_mmhg", 10.0, 5.0),
    ("in_target_percent", 40.0, 20.0),
    ("low_pressure_percent", 1.0, 2.0),
)
_FLAGS: Final = (
    *(f"move_{kind.value}" for kind in MoveKind),
    *(f"class_{cls.value}" for cls in DrugClass),
    *("average_unknown", "egfr_unknown", "potassium_unknown", "adherence_unknown"),
)
FEATURES: Final = (*(name for name, _, _ in _CONTEXT), *_FLAGS)
_MOST: Final = 3.0


@dataclass(frozen=True, slots=True)
class DecisionLines:
    """Makes the lines of a decisions file."""

    def header(self) -> Mapping[str, object]:
        """Return the first line."""
        return {"schema": SCHEMA, "features": list(FEATURES), "purpose": "research"}

    def of(self, record: PatientRecord) -> Mapping[str, object] | None:
        """Return a patient's decisions; None without any."""
        found = [
            {
                "x": [round(v, 4) for v in described(one)],
                "kind": one.kind,
                "reason": one.reason_code,
            }
            for one in record.decided
        ]
        return {"decisions": found} if found else None


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decisions of all patients: features (n, features), taken as proposed (n,), subject (n,)."""

    features: Array
    accepted: NDArray[np.bool_]
    subject: tuple[str, ...]


def described(one: DecidedReview) -> list[float]:
    """Return the features of a proposal as it was decided on, scaled, within ±3."""
    snapshot, made = one.snapshot, one.assessment
    move = made.proposal.move
    ranked = next(r for r in made.ranking.moves if r.move == move)
    average = made.average if isinstance(made.average, SufficientAverage) else None
    values = {**_of_patient(snapshot), **_of_move(ranked)}
    values["systolic_mmhg"] = None if average is None else average.systolic_tenths / 10
    values["bound_mmhg"] = (
        None if average is None else (average.systolic_tenths - average.systolic_lower_tenths) / 10
    )
    unknown = {
        "average_unknown": average is None,
        "egfr_unknown": values["egfr_ml_min"] is None,
        "potassium_unknown": values["potassium_mmol_l"] is None,
        "adherence_unknown": values["taken_share"] is None,
    }
    on = {f"move_{move.kind.value}"} | {name for name, is_so in unknown.items() if is_so}
    on |= {f"class_{drug_class(change.drug).value}" for change in move.changes}
    scaled = [_scaled(values[name], centre, scale) for name, centre, scale in _CONTEXT]
    return [*scaled, *(1.0 if name in on else 0.0 for name in _FLAGS)]


def _of_patient(snapshot: Snapshot) -> dict[str, float | None]:
    born, adherence = snapshot.birth_date, snapshot.adherence
    return {
        "age_years": None if born is None else min(90, age_years(born, snapshot.as_of.date())),
        "egfr_ml_min": _lab(snapshot, Lab.EGFR),
        "potassium_mmol_l": _lab(snapshot, Lab.POTASSIUM),
        "taken_share": None
        if adherence is None or adherence.due == 0
        else adherence.taken / adherence.due,
        "drugs": len(snapshot.regimen),
    }


def _of_move(ranked: RankedMove) -> dict[str, float | None]:
    return {
        "expected_change_mmhg": ranked.expected_systolic_change_tenths / 10,
        "interval_mmhg": (ranked.expected_high_tenths - ranked.expected_low_tenths) / 10,
        "in_target_percent": ranked.in_target_percent,
        "low_pressure_percent": ranked.low_pressure_percent,
    }


def _lab(snapshot: Snapshot, lab: Lab) -> float | None:
    result = latest_lab(snapshot, lab)
    return None if result is None else result.value_thousandths / 1000


def _scaled(value: float | None, centre: float, scale: float) -> float:
    return 0.0 if value is None else max(-_MOST, min(_MOST, (value - centre) / scale))


def read(path: Path) -> Decisions:
    """Return the decisions of a file.

    Raises:
        BadCohort: one of its kinds, by name; nothing of the file is used.
    """
    head, *lines = path.read_text(errors="replace").splitlines() or ["{}"]
    if _parsed(head, 0) != dict(DecisionLines().header()):
        raise WrongSchema(f"no decisions file of schema {SCHEMA!r} with these features")
    rows: list[list[float]] = []
    accepted: list[bool] = []
    subject: list[str] = []
    for place, line in enumerate(lines, 1):
        patient = _patient(_parsed(line, place), place)
        for decision in patient["decisions"]:
            rows.append(_row(decision, place))
            accepted.append(decision["kind"] == "accept")
            subject.append(patient["subject"])
    features = np.array(rows).reshape(len(rows), len(FEATURES))
    return Decisions(features, np.array(accepted, dtype=bool), tuple(subject))


def _parsed(line: str, place: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError as err:
        raise WrongSchema(f"line {place} is no JSON") from err
    if not isinstance(found, dict):
        raise WrongSchema(f"line {place} is no object")
    return found


def _patient(found: dict[str, Any], place: int) -> dict[str, Any]:
    if set(found) != {"subject", "consent", "decisions"}:
        raise LeakedIdentifier(f"line {place}: fields are not those on the list")
    if found["consent"] != "research":
        raise NoConsent(f"line {place}: the patient did not agree to research")
    return found


def _row(decision: dict[str, Any], place: int) -> list[float]:
    if set(decision) != {"x", "kind", "reason"}:
        raise LeakedIdentifier(f"line {place}: fields are not those on the list")
    if decision["kind"] not in KINDS or decision["reason"] not in (None, *REASONS):
        raise LeakedIdentifier(f"line {place}: text that is no code of the list")
    x = decision["x"]
    if len(x) != len(FEATURES):
        raise WrongSchema(f"line {place}: {len(x)} features, not {len(FEATURES)}")
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in x):
        raise NotANumber(f"line {place}: a feature is no finite number")
    return [float(v) for v in x]
