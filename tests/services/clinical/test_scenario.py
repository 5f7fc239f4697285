"""The scenario files are tests: each vignette's expectation was written down from the rules."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.clinical.__main__ import unmet
from services.clinical.guard import RULES
from services.clinical.scenario import run_scenario, vignettes

FOLDER = Path(__file__).parents[2] / "scenarios"
FILES = sorted(FOLDER.glob("*.json"))
# Vignettes by file: a vanished row is a vanished test.
PINNED = {
    "alarms": 36,
    "assessments": 28,
    "beta_blockers": 24,
    "drugs": 59,
    "input": 35,
    "patient_alone": 80,
    "potassium": 30,
    "pregnancy": 21,
    "pressure": 37,
    "sodium_and_kidney": 35,
    "timing_and_adherence": 31,
}


def cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in FILES
        for case in vignettes(json.loads(path.read_text()))
    ]


@pytest.mark.parametrize("case", cases())
def test_the_vignette_comes_out_as_expected(case: dict[str, Any]) -> None:
    assert unmet(case, run_scenario(case)) == []
    assert case["expect"], "a vignette without an expectation tests nothing"


def test_there_are_as_many_vignettes_as_were_written() -> None:
    counts = {path.stem: len(json.loads(path.read_text())["vignettes"]) for path in FILES}
    assert counts == PINNED


def test_every_rule_is_the_binding_one_of_some_vignette() -> None:
    bound = {case.values[0]["expect"].get("binding") for case in cases()}
    named = {rule.rule_id for rule in RULES}
    assert named - bound == set()
