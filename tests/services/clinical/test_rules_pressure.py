"""Decision tables of timing and standing pressure, their length pinned."""

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.clinical.formulary import FORMULARY, Drug
from services.clinical.guard import judge
from services.clinical.moves import Move, MoveKind
from services.clinical.patient import Symptom, SymptomReport
from services.clinical.readings import Posture
from tests.services.clinical.examples import (
    NOW,
    change,
    changed,
    override,
    prescription,
    proposal,
    reading,
    snapshot,
    week,
)

TABLES = Path(__file__).parent / "tables"
TIMING = list(csv.DictReader((TABLES / "timing.csv").open()))
STANDING = list(csv.DictReader((TABLES / "standing.csv").open()))


def test_the_tables_have_their_rows() -> None:
    assert (len(TIMING), len(STANDING)) == (13, 11)


@pytest.mark.parametrize("row", TIMING, ids=lambda row: ",".join(row.values()))
def test_timing(row: dict[str, str]) -> None:
    drug, days = Drug(row["drug"]), int(row["days_since_change"])
    low, high = FORMULARY[drug].rungs_ug[:2]
    held = prescription(drug, low, since=NOW - timedelta(days=days))
    made = snapshot(regimen=(held,), changes=(changed(days, drug, 0, low),))
    signed = row["decided_with_reason"] == "yes"
    named = ("too_soon", "need_readings", "renal_check_due", "too_soon_floor", "too_soon_slow_drug")
    passed = named if signed else ()
    move = Move(MoveKind.STEP_UP, (change(drug, low, high),))
    asked = proposal(move, decided=signed, overrides=override(*passed))
    found = judge(asked, made, None, NOW)
    assert found.kind == row["expected"]
    assert (found.binding.rule_id if found.binding else "") == row["binding"]


@pytest.mark.parametrize("row", STANDING, ids=lambda row: ",".join(row.values()))
def test_standing(row: dict[str, str]) -> None:
    readings = list(week())
    if row["fall"]:
        systolic, diastolic = map(int, row["fall"].split("/"))
        at = NOW - timedelta(minutes=60)
        readings.append(reading(at, 146, 90))
        readings.append(
            reading(
                at + timedelta(minutes=3),
                146 - systolic,
                90 - diastolic,
                posture=Posture.STANDING_3_MIN,
            )
        )
    born = date(2026 - int(row["age"]), 5, 20) if row["age"] else None
    symptoms = (SymptomReport(Symptom(row["symptom"]), NOW, open=True),) if row["symptom"] else ()
    made = snapshot(birth_date=born, readings=tuple(readings), symptoms=symptoms)
    found = judge(proposal(), made, None, NOW)
    assert found.kind == row["expected"]
    assert (found.binding.rule_id if found.binding else "") == row["binding"]
