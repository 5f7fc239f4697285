"""Bad cohort files are refused by name; a good one is read as it was written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import cohort
from models.cohort import BadCohort
from models.features import FEATURES, RECORD_FEATURES
from tests.models import cohorts

Change = Callable[[dict[str, Any], list[dict[str, Any]]], None]


def test_a_good_file_is_read_as_written(tmp_path: Path) -> None:
    found = cohort.read(cohorts.write(tmp_path / "c.jsonl", 20), at_least=20)
    assert (found.patients, len(found.observed)) == (20, 60)
    assert found.features.shape == (60, len(FEATURES))
    assert np.bincount(found.patient).tolist() == [3] * 20


def set_head(**values: Any) -> Change:
    return lambda head, patients: head.update(values)


def set_patient(**values: Any) -> Change:
    return lambda head, patients: patients[2].update(values)


def set_window(**values: Any) -> Change:
    return lambda head, patients: patients[2]["windows"][1].update(values)


BAD: dict[str, tuple[Change, str]] = {
    "schema": (set_head(schema="cohort-1"), "wrong_schema"),
    "features": (set_head(features="record-1+signals-2"), "wrong_schema"),
    "purpose": (set_head(purpose="marketing"), "no_consent"),
    "name": (set_patient(name="Ada"), "leaked_identifier"),
    "subject": (set_patient(subject="patient-17"), "leaked_identifier"),
    "birth": (set_window(birth_date="1966-01-01"), "leaked_identifier"),
    "text": (set_window(y="ada@example.org"), "leaked_identifier"),
    "consent": (set_patient(consent="monitoring"), "no_consent"),
    "nan": (set_window(y=float("nan")), "not_a_number"),
    "infinite": (set_window(sd=float("inf")), "not_a_number"),
    "null": (set_window(y=None), "not_a_number"),
    "spread": (set_window(sd=0.0), "not_a_number"),
    "overflow": (set_window(y=1e39), "out_of_range"),
    "long_integer": (set_window(y=10**400), "out_of_range"),
    "huge_feature": (set_window(x=[1e300] * len(RECORD_FEATURES)), "out_of_range"),
    "huge_mean": (set_window(mean=1e30), "out_of_range"),
    "huge_spread": (set_window(sd=1e9), "out_of_range"),
    "width": (set_window(x=[0.0]), "wrong_schema"),
    "many": (
        lambda head, patients: patients[2].update(windows=patients[2]["windows"][:1] * 10_000),
        "too_many_windows",
    ),
    "none": (set_patient(windows=[]), "wrong_schema"),
    "twice": (lambda head, patients: patients.append(patients[0]), "wrong_schema"),
    "few": (lambda head, patients: patients.clear(), "too_few_patients"),
}


@pytest.mark.parametrize("fault", BAD)
def test_every_fault_is_refused_by_its_name(tmp_path: Path, fault: str) -> None:
    change, name = BAD[fault]
    head, patients = cohort.header("simulated"), cohorts.patients(20, 1)
    change(head, patients)
    path = tmp_path / "c.jsonl"
    cohort.write(path, head, patients)
    with pytest.raises(BadCohort) as refused:
        cohort.read(path, at_least=20)
    assert refused.value.name == name


def test_a_refusal_never_repeats_what_leaked(tmp_path: Path) -> None:
    head, patients = cohort.header("simulated"), cohorts.patients(20, 1)
    patients[2]["windows"][1]["y"] = "Ada Lovelace"
    path = tmp_path / "c.jsonl"
    cohort.write(path, head, patients)
    with pytest.raises(BadCohort) as refused:
        cohort.read(path, at_least=20)
    assert "Lovelace" not in str(refused.value)


NO_COHORT = {
    "empty": "",
    "text": "no json\n",
    "list": "[1]\n",
    "too_long_a_number": "9" * 5000,
    "too_deep": "[" * 100_000,
    "other_schema": json.dumps({"schema": "x"}),
}


@pytest.mark.parametrize("content", NO_COHORT.values(), ids=NO_COHORT)
def test_what_is_no_cohort_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(content)
    with pytest.raises(BadCohort):
        cohort.read(path, at_least=1)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadCohort, match="No such file") as refused:
        cohort.read(tmp_path / "none.jsonl", at_least=1)
    assert refused.value.name == "not_readable"
