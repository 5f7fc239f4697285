"""Decision tables of the laboratory rules: readable by a clinician, their length pinned."""

import csv
from pathlib import Path

import pytest

from services.clinical.formulary import FORMULARY, Drug
from services.clinical.guard import judge
from services.clinical.patient import Lab
from tests.services.clinical.examples import LABS, NOW, lab, proposal, snapshot, start

ROWS = list(csv.DictReader((Path(__file__).parent / "tables" / "labs.csv").open()))


def test_the_table_has_its_rows() -> None:
    assert len(ROWS) == 28


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
