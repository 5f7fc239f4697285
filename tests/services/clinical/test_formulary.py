"""The formulary: each row against the table it was taken from, and the ladders."""

import csv
from pathlib import Path

import pytest

from services.clinical.formulary import (
    DRUGS_BY_CLASS,
    FORMULARY,
    Drug,
    DrugClass,
    OffLadder,
    drug_class,
    rung_above,
    rung_below,
    rung_index,
)
from services.clinical.units import Micrograms, parse_dose

TABLE = Path(__file__).parent / "tables" / "formulary.csv"
ROWS = list(csv.DictReader(TABLE.open()))


def dose(text: str) -> Micrograms:
    return parse_dose(f"{text} mg")


def test_the_table_has_every_drug_once() -> None:
    assert len(ROWS) == 24
    assert [row["drug"] for row in ROWS] == [drug.value for drug in Drug]
    assert set(FORMULARY) == set(Drug)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["drug"])
def test_each_row_is_that_of_the_table(row: dict[str, str]) -> None:
    entry = FORMULARY[Drug(row["drug"])]
    assert entry.drug_class is DrugClass(row["class"]) is drug_class(entry.drug)
    assert entry.rungs_ug == tuple(dose(text) for text in row["rungs_mg"].split())
    assert entry.clinician_only_rungs_ug == tuple(
        dose(text) for text in row["clinician_only_mg"].split()
    )
    assert (entry.start_ug, entry.start_low_ug) == (dose(row["start_mg"]), dose(row["low_mg"]))
    assert entry.standard_ug == dose(row["standard_mg"])
    assert entry.times_a_day == int(row["times_a_day"])
    assert (entry.rxnorm_ingredient, entry.rxnorm_precise or "") == (row["rxnorm"], row["pin"])
    assert entry.atc == row["atc"]
    assert entry.min_interval_days == int(row["min_interval_days"])
    assert entry.source


@pytest.mark.parametrize("entry", FORMULARY.values(), ids=lambda entry: entry.drug.value)
def test_ladders_ascend_and_hold_the_start_doses(entry: object) -> None:
    from services.clinical.formulary import DrugEntry

    assert isinstance(entry, DrugEntry)
    assert list(entry.ladder_ug) == sorted(set(entry.ladder_ug))
    assert {entry.start_ug, entry.start_low_ug} <= set(entry.rungs_ug)
    assert entry.start_low_ug <= entry.start_ug


def test_classes_hold_their_drugs() -> None:
    assert sum(len(drugs) for drugs in DRUGS_BY_CLASS.values()) == 24
    assert DRUGS_BY_CLASS[DrugClass.MRA] == (Drug.SPIRONOLACTONE, Drug.EPLERENONE)


def test_steps_go_from_rung_to_rung() -> None:
    assert rung_above(Drug.AMLODIPINE, Micrograms(5000)) == 10_000
    assert rung_below(Drug.AMLODIPINE, Micrograms(5000)) == 2500
    assert rung_above(Drug.AMLODIPINE, Micrograms(10_000)) is None
    assert rung_below(Drug.AMLODIPINE, Micrograms(2500)) is None
    assert rung_index(Drug.AMLODIPINE, 2500) == 0


def test_bracketed_rungs_are_the_clinician_s() -> None:
    assert rung_above(Drug.RAMIPRIL, Micrograms(10_000)) == 20_000
    assert rung_above(Drug.RAMIPRIL, Micrograms(10_000), clinician=False) is None
    assert rung_above(Drug.RAMIPRIL, Micrograms(5000), clinician=False) == 10_000


@pytest.mark.parametrize("step", [rung_above, rung_below])
def test_what_is_no_rung_is_off_the_ladder(step: object) -> None:
    assert callable(step)
    with pytest.raises(OffLadder, match="7300"):
        step(Drug.LISINOPRIL, Micrograms(7300))
