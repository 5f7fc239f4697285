"""The JSON runner: what it prints and its exit code."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.clinical.__main__ import run

FOLDER = Path(__file__).parents[2] / "scenarios"
ROOT = Path(__file__).parents[3]
KEEP_NOTHING = {"now": "2026-05-20T12:00:00Z", "snapshot": {}}


def ran(document: Any) -> tuple[int, Any]:
    text = document if isinstance(document, str) else json.dumps(document)
    sink = io.StringIO()
    code = run(io.StringIO(text), sink)
    return code, json.loads(sink.getvalue())


def test_one_scenario_gives_one_verdict_with_every_finding() -> None:
    code, shown = ran(KEEP_NOTHING)
    assert code == 0
    # Nothing is known of this patient, consent included.
    assert (shown["verdict"], shown["binding"]["rule_id"]) == ("hold", "no_consent")
    rules = {finding["rule_id"] for finding in shown["findings"]}
    assert {"need_readings", "need_target", "need_standing"} <= rules
    assert shown["binding"]["sentence"] and shown["binding"]["source"]


def test_vignettes_give_a_list() -> None:
    code, shown = ran({"base": KEEP_NOTHING, "vignettes": [{"name": "a"}, {"name": "b"}]})
    assert code == 0
    assert [item["name"] for item in shown] == ["a", "b"]


def test_an_expectation_that_is_not_met_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = ran({**KEEP_NOTHING, "name": "mine", "expect": {"verdict": "advise"}})
    assert code == 1
    assert "mine: verdict is 'hold', not 'advise'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("{", "Expecting"),
        ("[]", "no object"),
        ({"now": "2026-05-20T12:00:00Z"}, "snapshot"),
        ({**KEEP_NOTHING, "colour": 1}, "colour"),
        ({**KEEP_NOTHING, "proposal": [1]}, "proposal"),
        ({"now": "noon", "snapshot": {}}, "noon"),
        ({**KEEP_NOTHING, "snapshot": {"readings": 3}}, "readings"),
        ({**KEEP_NOTHING, "snapshot": {"readings": [{"week_ending": "-0h", "x": 1}]}}, "field x"),
        ({**KEEP_NOTHING, "snapshot": {"readings": [{"week_ending": "-0h"}]}}, "systolic"),
    ],
)
def test_what_cannot_be_read_is_refused_with_why(document: Any, why: str) -> None:
    code, shown = ran(document)
    assert (code, shown["verdict"]) == (2, "refuse")
    assert shown["binding"]["rule_id"] == "unreadable_input"
    assert why in shown["binding"]["sentence"]


def test_a_refusal_that_was_expected_is_no_error() -> None:
    expected = {"verdict": "refuse", "binding": "unreadable_input"}
    assert ran({**KEEP_NOTHING, "colour": 1, "expect": expected})[0] == 0


def test_the_command_runs_a_scenario_file() -> None:
    with (FOLDER / "pregnancy.json").open() as source:
        done = subprocess.run(
            [sys.executable, "-m", "services.clinical"],
            stdin=source,
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 21
