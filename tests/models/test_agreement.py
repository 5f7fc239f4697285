"""The agreement model finds what there is, on patients it has not seen, and says how well."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from models import agreement
from models.__main__ import main
from models.agreement import TooFewDecisions
from models.decisions import FEATURES, DecisionLines, Decisions

WEIGHT = 1.5
TRUE = np.zeros(len(FEATURES))
TRUE[FEATURES.index("expected_change_mmhg")] = -WEIGHT


def drawn(patients: int, *, seed: int = 1, informative: bool = True) -> Decisions:
    """Simulated decisions, four a patient; with a known law or with none."""
    chance = np.random.default_rng(seed)
    x = chance.normal(size=(4 * patients, len(FEATURES)))
    chances = expit(0.5 + x @ (TRUE if informative else 0 * TRUE))
    accepted = chance.random(len(x)) < chances
    return Decisions(x, accepted, tuple(f"{n // 4:032x}" for n in range(len(x))))


def test_the_known_law_is_found_and_calibrated_on_patients_held_out() -> None:
    learn, test = agreement.split(drawn(1_500))
    model = agreement.fit(learn)
    assert np.array(model.weights) == pytest.approx(TRUE, abs=0.12)
    found = agreement.report(model, test, share=float(learn.accepted.mean()))
    assert found.auc > 0.75 and found.brier < found.brier_of_the_share - 0.03
    assert found.calibration_slope == pytest.approx(1.0, abs=0.25)
    assert found.calibration_intercept == pytest.approx(0.0, abs=0.25)


def test_where_there_is_nothing_to_find_nothing_is_claimed() -> None:
    learn, test = agreement.split(drawn(1_500, informative=False))
    found = agreement.report(agreement.fit(learn), test, share=float(learn.accepted.mean()))
    assert abs(found.auc - 0.5) < 3 * found.auc_standard_error
    assert found.brier > found.brier_of_the_share - 0.005


def test_no_patient_is_on_both_sides() -> None:
    learn, test = agreement.split(drawn(300))
    assert not set(learn.subject) & set(test.subject)
    assert len(learn.accepted) + len(test.accepted) == 1_200
    assert 0.1 < len(set(test.subject)) / 300 < 0.3


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    said = np.array([0.1, 0.4, 0.4, 0.8])
    was = np.array([False, False, True, True])
    assert agreement._auc(said, was)[0] == pytest.approx((2 + 0.5 + 1) / 4)


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(TooFewDecisions):
        agreement.split(drawn(10))


def test_the_command_writes_model_and_report(tmp_path: Path) -> None:
    held = drawn(200)
    by_subject: dict[str, list[dict[str, object]]] = {}
    for x, accepted, subject in zip(held.features, held.accepted, held.subject, strict=True):
        kind = "accept" if accepted else "reject"
        one = {"x": x.tolist(), "kind": kind, "reason": None if accepted else "labs_first"}
        by_subject.setdefault(subject, []).append(one)
    lines: list[object] = [DecisionLines().header()]
    lines += [{"subject": s, "consent": "research", "decisions": d} for s, d in by_subject.items()]
    (tmp_path / "d").write_text("".join(json.dumps(line) + "\n" for line in lines))
    given = ["agreement", "--decisions", str(tmp_path / "d"), "--json", str(tmp_path / "r")]
    assert main(given) == 0
    content = json.loads((tmp_path / "r").read_text())
    assert set(content["model"]["weights"]) == set(FEATURES)
    assert content["held_out"]["auc"] > 0.7
    (tmp_path / "d").write_text(json.dumps(DecisionLines().header()) + "\n")
    assert main(given) == 2
