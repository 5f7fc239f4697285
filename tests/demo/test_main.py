"""The command's edge: what to do when the demo cannot run, and who signs."""

from pathlib import Path

import pytest

from demo.__main__ import main


def test_without_a_stack_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLINAIOPS_HOME", str(tmp_path))
    assert main(["--patients", "2"]) == 1
    assert "make demo" in capsys.readouterr().err


def test_too_many_patients_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--patients", "1000"]) == 1
    assert "--patients takes 1 to" in capsys.readouterr().err
