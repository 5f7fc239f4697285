"""Decision table of contraindications and interactions, its length pinned."""

import csv
from pathlib import Path

import pytest

from services.clinical.formulary import FORMULARY, Drug
from services.clinical.guard import judge
from services.clinical.patient import Condition, OtherMedicine, OtherMedicineKind
from services.clinical.rules_drugs import DRUG_RULES
from tests.services.clinical.examples import NOW, prescription, proposal, snapshot, start

ROWS = list(csv.DictReader((Path(__file__).parent / "tables" / "interactions.csv").open()))


def test_the_table_has_its_rows() -> None:
    assert len(ROWS) == 30
    assert {row["binding"] for row in ROWS if row["binding"]} <= {r.rule_id for r in DRUG_RULES}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ",".join(row.values()))
def test_the_row_comes_out(row: dict[str, str]) -> None:
    drug = Drug(row["start"])
    taken = Drug(row["taken"]) if row["taken"] else None
    kind = OtherMedicineKind(row["medicine"]) if row["medicine"] else None
    made = snapshot(
        regimen=() if taken is None else (prescription(taken, FORMULARY[taken].start_ug),),
        conditions=frozenset({Condition(row["condition"])} if row["condition"] else ()),
        other_medicines=() if kind is None else (OtherMedicine(kind, "x", False),),
    )
    found = judge(proposal(start(drug, FORMULARY[drug].start_ug)), made, None, NOW)
    assert found.kind == row["expected"]
    assert (found.binding.rule_id if found.binding else "") == row["binding"]
