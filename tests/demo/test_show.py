"""What the visitor sees is whole: progress without a terminal, a table that wraps, the login."""

import io

from demo.desk import Login
from demo.show import Line, Progress, addresses, figures, table
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
