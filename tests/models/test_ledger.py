"""The ledger: append-only, chained, and a refusal at the limit."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.ledger import BudgetSpent, Charge, Ledger, LedgerDamaged, epsilon_of

AT = datetime(2026, 6, 1, tzinfo=UTC)
HUNDRED = Charge("clinic", "train", 2.0, 0.1, 100)


def test_retrains_compose_and_populations_do_not(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    first = ledger.charge(HUNDRED, limit=9.0, at=AT)
    second = ledger.charge(HUNDRED, limit=9.0, at=AT)
    assert first < second < 2 * first, "composition is better than adding and worse than nothing"
    assert ledger.epsilon("elsewhere") == 0.0
    assert second == pytest.approx(epsilon_of([Charge("clinic", "both", 2.0, 0.1, 200)]), abs=1e-6)


def test_a_charge_over_the_limit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.charge(HUNDRED, limit=9.0, at=AT)
    before = ledger.path.read_bytes()
    with pytest.raises(BudgetSpent):
        ledger.charge(HUNDRED, limit=ledger.epsilon("clinic") + 0.05, at=AT)
    assert ledger.path.read_bytes() == before


def test_steps_without_noise_cost_everything() -> None:
    assert epsilon_of([Charge("clinic", "train", 0.0, 0.1, 1)]) == float("inf")


def test_prv_is_tighter_than_rdp() -> None:
    from opacus.accountants import RDPAccountant

    rdp = RDPAccountant()
    rdp.history = [(2.8, 0.1, 300)]
    assert epsilon_of([Charge("", "", 2.8, 0.1, 300)]) < rdp.get_epsilon(1e-5)


@pytest.mark.parametrize("fault", ["changed", "cut", "removed", "reordered"])
def test_a_ledger_that_was_touched_is_refused(tmp_path: Path, fault: str) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    for _ in range(3):
        ledger.charge(HUNDRED, limit=9.0, at=AT)
    lines = ledger.path.read_text().splitlines()
    entry = json.loads(lines[1])
    touched = {
        "changed": [lines[0], json.dumps({**entry, "steps": 1}, sort_keys=True), lines[2]],
        "cut": [*lines[:2], lines[2][:40]],
        "removed": [lines[0], lines[2]],
        "reordered": [lines[1], lines[0], lines[2]],
    }[fault]
    ledger.path.write_text("\n".join(touched) + ("" if fault == "cut" else "\n"))
    with pytest.raises(LedgerDamaged):
        ledger.charge(HUNDRED, limit=9.0, at=AT)
