"""Decisions files: codes and numbers only, refused by name, and no way into training."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from models import cohort, decisions
from models.cohort import BadCohort
from models.decisions import FEATURES, DecisionLines
from services.clinical.assessment import assess
from services.clinical.research import DecidedReview, PatientRecord
from services.clinical.titration import Titrator
from tests.models.patients import NOW, snapshot
from tests.models.test_predict import REGIMEN

PATIENT = snapshot([150.0] * 40, REGIMEN)
DECIDED = DecidedReview(PATIENT, assess(PATIENT, None, Titrator(), NOW, "a"), "accept", None)
LINES = DecisionLines()


def written(path: Path, **changed: object) -> Path:
    line = LINES.of(PatientRecord((), (), (), (DECIDED, replace(DECIDED, kind="reject"))))
    assert line is not None
    patient = {"subject": "ab" * 16, "consent": "research", **line, **changed}
    path.write_text("".join(json.dumps(one) + "\n" for one in (LINES.header(), patient)))
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    held = decisions.read(written(tmp_path / "d"))
    assert held.accepted.tolist() == [True, False]
    assert held.features.shape == (2, len(FEATURES))


def test_an_unknown_value_is_flagged_and_average_never_a_guess() -> None:
    known = dict(zip(FEATURES, decisions.described(DECIDED), strict=True))
    assert known["egfr_unknown"] == 1.0 and known["egfr_ml_min"] == 0.0
    assert known["adherence_unknown"] == 0.0 and known["taken_share"] == pytest.approx(1.0)
    assert sum(v for name, v in known.items() if name.startswith("move_")) == 1.0


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"consent": "titration"}, "no_consent"),
        ({"name": "Q"}, "leaked_identifier"),
        ({"decisions": [{"x": [0.0] * len(FEATURES), "kind": "accept"}]}, "leaked_identifier"),
        (
            {"decisions": [{"x": [0.0] * len(FEATURES), "kind": "accept", "reason": "Mr Q"}]},
            "leaked_identifier",
        ),
        ({"decisions": [{"x": [0.0], "kind": "accept", "reason": None}]}, "wrong_schema"),
        (
            {"decisions": [{"x": ["Q"] * len(FEATURES), "kind": "defer", "reason": None}]},
            "not_a_number",
        ),
    ],
)
def test_a_bad_file_is_refused_by_name(
    tmp_path: Path, changed: dict[str, object], name: str
) -> None:
    with pytest.raises(BadCohort) as refused:
        decisions.read(written(tmp_path / "d", **changed))
    assert refused.value.name == name


def test_neither_kind_of_file_passes_for_the_other(tmp_path: Path) -> None:
    with pytest.raises(BadCohort) as refused:
        cohort.read(written(tmp_path / "d"), at_least=1)
    assert refused.value.name == "wrong_schema"
    cohort.write(tmp_path / "c", cohort.header("deidentified"), [])
    with pytest.raises(BadCohort) as refused:
        decisions.read(tmp_path / "c")
    assert refused.value.name == "wrong_schema"


def test_training_and_serving_load_no_code_that_reads_decisions() -> None:
    program = (
        "import sys, models.train_command, models.predict, models.serving, models.accelerated;"
        "print(sorted(n for n in sys.modules if n in ('models.agreement', 'models.decisions')))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
