"""The evaluation on a small scale: complete, and honest about who wins."""

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models import card, evaluate, report
from models.__main__ import main
from models.artifact import make_key
from tests.models import cohorts, models_made


def result(gain: float, low: float, *, latent: float = 0.05) -> dict[str, Any]:
    def figure(mean: float) -> dict[str, float]:
        return {"mean": mean, "low": mean - 1, "high": mean + 1}

    figures = {
        "ttr_percent": figure(40.0),
        "sbp_below_100_days_per_year": figure(2.0),
        "latent_below_105_percent": figure(latent),
        "symptomatic_ae_percent": figure(15.0),
    }
    names = ("stepped_care", "dual_first", "titrator", "filter", "model", "knowable", "oracle")
    minus = {"ttr_percent": {"mean": gain, "low": low, "high": gain + 1}}
    pairs = [f"{r}-{b}" for r in ("filter", "model") for b in names[:3]] + ["model-filter"]
    return {
        "policies": {name: figures for name in names},
        "minus": {pair: minus for pair in pairs},
        "moves": {"held_equal": True},
    }


def test_a_gain_that_could_be_chance_does_not_win() -> None:
    assert evaluate.verdict({"w": result(2.0, 0.5)})["model"]["w"]["wins"] is True
    assert evaluate.verdict({"w": result(2.0, -0.1)})["model"]["w"]["wins"] is False


def test_a_gain_bought_with_low_pressure_does_not_win() -> None:
    assert evaluate.verdict({"w": result(9.0, 8.0, latent=0.2)})["filter"]["w"]["wins"] is False


def test_the_command_writes_every_part_and_the_card_repeats_it(tmp_path: Path) -> None:
    key = make_key(tmp_path / "k.pem")
    model = models_made.made(tmp_path / "m", key)
    data = cohorts.write(tmp_path / "c.jsonl", 3000, windows=1)
    files = ["--weights", str(tmp_path / "m"), "--public-key", str(tmp_path / "k.pub")]
    out = ["--json", str(tmp_path / "e.json"), "--html", str(tmp_path / "e.html")]
    scale = ["--patients", "60", "--seeds", "1", "--worlds", "literature"]
    scale += ["--epsilons", "3", "--steps", "20"]
    assert main(["evaluate", *files, "--cohort", str(data), *scale, *out]) == 0
    found = json.loads((tmp_path / "e.json").read_text())
    assert set(found["worlds"]["literature"]["policies"]) >= {"titrator", "filter", "model"}
    assert set(found["epsilon_sweep"]) == {"filter", "3", "inf"}
    assert "65_and_over" in found["coverage"]["model"]["covered_percent_by_group"]
    page = (tmp_path / "e.html").read_text()
    assert page.count("data:image/png;base64,") == 3 and "<script" not in page
    assert set(found["off_policy"]["targets"]["filter"]) >= {"truth", "wis", "dr", "fqe"}
    assert "the_loops" in found["workload"]["arms"] and "filter" in found["sanity"]
    text = card.card(model, found)
    assert f"{found['sanity']['filter']['sane_percent']['mean']} %" in text
    gain = found["verdict"]["network_over_filter_points"]["literature"]["mean"]
    assert f"{gain:+.2f}" in text
    assert main(["card", *files, "--evaluation", str(tmp_path / "e.json")]) == 0
    assert main(["export-edge", *files, "--key", str(tmp_path / "k.pem"),
                 "--folder", str(tmp_path / "edge")]) == 0  # fmt: skip


def test_weights_of_another_key_are_refused_by_name(tmp_path: Path, capsys: Any) -> None:
    models_made.made(tmp_path / "m", Ed25519PrivateKey.generate())
    make_key(tmp_path / "k.pem")
    files = ["--weights", str(tmp_path / "m"), "--public-key", str(tmp_path / "k.pub")]
    assert main(["card", *files]) == 2
    assert "wrong_signature" in capsys.readouterr().err


def test_without_an_evaluation_the_card_claims_nothing(tmp_path: Path) -> None:
    text = card.card(models_made.made(tmp_path, Ed25519PrivateKey.generate()), None)
    assert "nothing is claimed" in text


def test_names_on_the_page_are_escaped() -> None:
    assert "<b>" not in report._table("<b>", result(1.0, 0.5))
