import json
from pathlib import Path

import pytest

from models.__main__ import main

FIGURES = (
    "ttr_percent",
    "sbp_below_100_days_per_year",
    "latent_below_105_percent",
    "symptomatic_ae_percent",
)


def test_the_trial_writes_its_figures_for_every_policy(tmp_path: Path) -> None:
    file = tmp_path / "trial.json"
    options = ["--patients", "60", "--days", "60", "--seeds", "2", "--world", "shifted"]
    assert main(["trial", *options, "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    assert set(found["policies"]) >= {"stepped_care", "dual_first", "titrator", "filter", "oracle"}
    assert found["moves"]["held_equal"] is True
    for figures in found["policies"].values():
        for name in FIGURES:
            assert figures[name]["low"] <= figures[name]["mean"] <= figures[name]["high"]
            assert name in figures["subgroups"]["65_and_over"]
            assert figures[name].keys() == figures["subgroups"]["65_and_over"][name].keys()
    gap = found["minus"]["filter-titrator"]["subgroups"]["65_and_over"]["ttr_percent"]
    assert gap["low"] <= gap["mean"] <= gap["high"]
    assert "--weights" in found["left_out"]["model"]


@pytest.mark.parametrize("name", ["reference", "reference_persistent"])
def test_the_small_worlds_run_by_their_names(name: str) -> None:
    options = ["--patients", "50", "--days", "60", "--seeds", "1", "--world", name]
    assert main(["trial", *options]) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        ["--world", "atlantis"],
        ["--cadence", "3"],
        ["--policies", "magic"],
        ["--policies", "filter", "model"],
        ["--seeds", "0"],
        ["--patients", "1", "--seeds", "1"],
        ["--world", "reference_persistent", "--days", "56"],
        ["--json", "/no/such/folder/trial.json"],
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trial", "--patients", "10", *wrong]) == 2
    assert capsys.readouterr().err.count("\n") == 1
