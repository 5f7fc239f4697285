"""The audit passes the honest mechanism and catches every planted bug."""

import numpy as np
import pytest

from models import audit
from models.audit import Subject
from models.ledger import Charge, epsilon_of
from models.privacy import Mechanism

MECHANISM = Mechanism(sigma=2.8)
STEPS = 200
CLAIMED = epsilon_of([Charge("", "", 2.8, 0.1, STEPS)])


def test_the_honest_mechanism_passes_every_exact_check() -> None:
    found = audit.checks(Subject("honest"), MECHANISM, STEPS, CLAIMED)
    assert not set(audit.caught_by(found)) & {"sensitivity", "noise", "several", "ledger"}
    assert found["sensitivity"]["most_in_units_of_clip"] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("bug", audit.planted(), ids=lambda bug: str(bug.name))
def test_every_planted_bug_is_caught_by_a_check_of_its_own(bug: Subject) -> None:
    found = audit.checks(bug, MECHANISM, STEPS, CLAIMED)
    expected = {
        "noise_added_by_every_rank": "several",
        "noise_added_by_no_rank": "several",
        "noise_averaged_over_ranks": "several",
        "patients_counted_on_every_rank": "several",
        "norm_of_the_last_layer_only": "sensitivity",
        "norms_in_half_precision": "sensitivity",
        "noise_halved": "noise",
        "records_instead_of_patients": "sensitivity",
        "not_clipped": "sensitivity",
        "batches_of_one_size": "sampling",
        "empty_batches_dropped": "sampling",
        "half_of_the_steps_charged": "ledger",
    }
    assert expected[bug.name] in audit.caught_by(found)


def test_guessing_right_ninety_five_times_of_a_hundred_rules_out_small_epsilon() -> None:
    assert audit.epsilon_bound(50, 100) == pytest.approx(0.0, abs=1e-6)
    assert 1.5 < audit.epsilon_bound(95, 100) < 2.95


def test_the_attack_sees_a_leak_and_no_leak() -> None:
    chance = np.random.default_rng(1)
    none = [audit.membership(chance.normal(size=1500), chance.normal(size=1500)) for _ in range(60)]
    held = np.mean([found["low"] <= 0.5 <= found["high"] for found in none])
    leak = audit.membership(chance.normal(-0.3, 1, 1500), chance.normal(size=1500))
    assert held >= 0.85, "95 % intervals hold the truth in about 95 of 100 runs"
    assert leak["low"] > 0.52
    assert none[0]["standard_error"] == pytest.approx(0.0105, abs=0.001)
