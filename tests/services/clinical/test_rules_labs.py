"""Decision tables of the laboratory rules: readable by a clinician, their length pinned."""

import csv
from pathlib import Path as FilePath

import pytest

from services.clinical.formulary import FORMULARY, Drug
from services.clinical.guard import judge
from services.clinical.moves import Move, MoveKind, Path
from services.clinical.patient import Lab, Symptom, SymptomReport
from services.clinical.verdict import NeedsData
from tests.services.clinical.examples import (
    DAY,
    LABS,
    NOW,
    STOP,
    change,
    envelope,
    lab,
    override,
    prescription,
    proposal,
    snapshot,
    start,
)

TABLES = FilePath(__file__).parent / "tables"
ROWS = list(csv.DictReader((TABLES / "labs.csv").open()))
RESUMPTION = list(csv.DictReader((TABLES / "resumption.csv").open()))


def test_the_tables_have_their_rows() -> None:
    assert (len(ROWS), len(RESUMPTION)) == (28, 17)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ",".join(row.values()))
def test_the_row_comes_out(row: dict[str, str]) -> None:
    labs = [item for item in LABS if item.lab in (Lab.SODIUM, Lab.CREATININE)]
    if row["potassium"]:
        labs.append(lab(Lab.POTASSIUM, round(1000 * float(row["potassium"]))))
    if row["egfr"]:
        labs.append(lab(Lab.EGFR, 1000 * int(row["egfr"])))
    drug = Drug(row["start"])
    move = start(drug, FORMULARY[drug].start_ug)
    found = judge(proposal(move), snapshot(labs=tuple(labs)), None, NOW)
    assert found.kind == row["expected"]
    assert (found.binding.rule_id if found.binding else "") == row["binding"]


@pytest.mark.parametrize("row", RESUMPTION, ids=lambda row: ",".join(row.values()))
def test_what_was_paused_comes_back_on_labs_taken_since(row: dict[str, str]) -> None:
    drug = Drug(row["paused"])
    ordered = FORMULARY[drug].start_ug
    labs = [item for item in LABS if item.lab is Lab.CREATININE]
    for which, usual in ((Lab.POTASSIUM, 4200), (Lab.SODIUM, 140_000), (Lab.EGFR, 85_000)):
        if row[f"{which.value}_days_ago"]:
            labs.append(lab(which, usual, int(row[f"{which.value}_days_ago"])))
    ill_at = NOW - int(row["last_vomiting_days_ago"]) * DAY
    made = snapshot(
        regimen=(
            prescription(drug, ordered, paused_since=NOW - int(row["paused_days_ago"]) * DAY),
        ),
        labs=tuple(labs),
        symptoms=(SymptomReport(Symptom.VOMITING_OR_DIARRHOEA, ill_at, open=False),),
    )
    found = judge(proposal(Move(MoveKind.RESUME, (change(drug, 0, ordered),))), made, None, NOW)
    assert found.kind == row["expected"]
    assert (found.binding.rule_id if found.binding else "") == row["binding"]


def test_a_clinician_may_resume_without_new_labs_with_a_reason_and_nobody_else() -> None:
    made = snapshot(regimen=(prescription(paused_since=NOW - 3 * DAY, drug=Drug.LISINOPRIL),))
    move = Move(MoveKind.RESUME, (change(Drug.LISINOPRIL, 0, 5000),))
    lacking = ("resume_potassium", "resume_egfr")
    signed = proposal(move, decided=True, overrides=override(*lacking))
    assert judge(signed, made, None, NOW).kind == "advise"
    unsigned = judge(proposal(move, overrides=override(*lacking)), made, None, NOW)
    assert isinstance(unsigned, NeedsData)
    assert unsigned.missing == ("potassium", "egfr")
    assert judge(proposal(move, Path.PATIENT), made, envelope(), NOW).kind == "needs_data"


def test_what_is_paused_may_be_stopped_for_good_without_labs() -> None:
    made = snapshot(
        regimen=(prescription(), prescription(Drug.LISINOPRIL, 5000, paused_since=NOW - 3 * DAY)),
        labs=(),
    )
    assert judge(proposal(STOP, decided=True), made, None, NOW).kind == "advise"
