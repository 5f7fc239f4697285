"""What the visitor sees is whole: progress without a terminal, a table that wraps, the login."""

import io
from pathlib import Path

import pytest

from demo.desk import Login, NoLogin, another_move, read_logins
from demo.settle import latest
from demo.show import Line, Progress, addresses, figures, table
from demo.wire import Json
from services.settings import load


def test_progress_without_a_terminal_is_one_line_a_step() -> None:
    out = io.StringIO()
    progress = Progress(out)
    progress.step("first", 2)
    progress.part()
    progress.part()
    progress.step("second")
    progress.end()
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert "2/2" in lines[0] and lines[0].endswith("first")
    assert "0/1" in lines[1] and lines[1].endswith("second")


def test_a_long_story_wraps_under_its_name() -> None:
    shown = table([Line("Ada Testperson", "crisis", "word " * 60)])
    rows = shown.splitlines()
    assert rows[2].startswith("Ada Testperson")
    assert len(rows) > 4 and all(len(row) <= 104 for row in rows)


def test_a_log_that_did_not_verify_is_said_loudly() -> None:
    found = {
        name: 0 for name in ("patients", "readings", "windows", "proposals", "advised", "enacted")
    }
    more = {"reviews": {"accepted": 1}, "alarms": 0, "holds": {}, "seconds": 1}
    said = figures(found | more | {"audit": {"leaves": 9, "verified": False}})
    assert "NOT VERIFIED" in said and "1 accepted" in said


def test_the_address_comes_with_the_login() -> None:
    said = addresses(load(), Login("lead", "dr.ada", "secret-word"))
    assert "dr.ada / secret-word" in said and "simulated" in said


def test_the_logins_are_read_from_the_stacks_secrets(tmp_path: Path) -> None:
    with pytest.raises(NoLogin, match="make demo"):
        read_logins(tmp_path)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "demo_login.txt").write_text("lead dr.ada word\nclinician dr.b w\n")
    assert read_logins(tmp_path)[0] == Login("lead", "dr.ada", "word")


def test_the_last_word_of_a_loop_is_the_newest_assessment_in_plain_words() -> None:
    events = [
        {"at": "2026-03-02T09:02:00Z", "words": "Record read"},
        {"at": "2026-03-02T09:01:00Z", "words": "Assessment made (rule too_soon)"},
        {"at": "2026-03-02T09:00:00Z", "words": "Assessment made (rule none)"},
    ]
    word = latest({"events": events})
    assert word is not None
    assert word.words == "Less than 28 days since the last change."
    assert word.made_at.isoformat() == "2026-03-02T09:01:00+00:00"
    assert latest({"events": events[:1]}) is None


def test_a_modification_is_the_best_option_without_an_objection() -> None:
    review: Json = {
        "proposal": {"move_id": "a"},
        "options": [
            {"move_id": "a", "checks": []},
            {"move_id": "b", "checks": [{"rule_id": "x"}]},
            {"move_id": "c", "checks": []},
        ],
    }
    assert another_move(review) == "c"
    assert another_move({"proposal": None, "options": review["options"][1:2]}) == "b"
