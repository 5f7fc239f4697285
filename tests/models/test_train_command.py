"""The command line of training refuses by name, in one line, before anything is spent."""

from pathlib import Path

import pytest

from models import __main__ as command
from models import cohort, train
from models.privacy import Mechanism
from tests.models import cohorts

PATIENTS = train.least_patients(Mechanism())


def asked(folder: Path, path: Path, *more: str) -> list[str]:
    places = {"--ledger": folder / "l.jsonl", "--folder": folder / "run", "--key": folder / "k.pem"}
    options = [str(part) for pair in places.items() for part in pair]
    return ["train", "--cohort", str(path), *options, *more]


def test_fewer_patients_than_batch_and_rate_imply_are_refused_before_a_charge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = cohorts.write(tmp_path / "c.jsonl", 20)
    assert command.main(asked(tmp_path, path)) == 2
    said = capsys.readouterr().err
    assert said.startswith("too_few_patients: 20 patients") and str(PATIENTS) in said
    assert not (tmp_path / "l.jsonl").exists()


def test_a_patient_with_ten_thousand_windows_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = cohorts.patients(3, 1)
    held[1]["windows"] = held[1]["windows"][:1] * 10_000
    cohort.write(tmp_path / "c.jsonl", cohort.header("simulated"), held)
    assert command.main(asked(tmp_path, tmp_path / "c.jsonl")) == 2
    assert "too_many_windows: line 2: 10000 windows, at most 500" in capsys.readouterr().err


def test_an_epsilon_over_the_limit_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = cohorts.write(tmp_path / "c.jsonl", 20)
    assert command.main(asked(tmp_path, path, "--epsilon", "9")) == 2
    assert "at most 3" in capsys.readouterr().err
