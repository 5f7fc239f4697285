"""The guard's proofs: every claim holds in every world, none is vacuous, no rule is idle."""

from collections.abc import Callable, Iterator

import pytest

from services.clinical.guard import RULES
from tests.proof.claims import (
    GROUPS,
    LOSSES,
    PATIENT_OPTIONS,
    possible,
    prover,
    removals,
    uncovered,
)
from tests.proof.obligations import OBLIGATIONS
from tests.proof.prover import Proof
from tests.proof.symbols import flag


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_every_claim_is_proved(group: Callable[[], Iterator[Proof]]) -> None:
    assert [proof for proof in group() if proof.outcome != "proved"] == []


def test_each_rule_has_a_claim_and_its_removal_breaks_it() -> None:
    assert uncovered() == set()
    assert len(OBLIGATIONS) == len(RULES)
    assert [proof.name for proof in removals() if proof.outcome != "refuted"] == []


@pytest.mark.parametrize("name", possible())
def test_the_guard_leaves_possible(name: str) -> None:
    assert str(possible()[name]) == "sat"


def test_the_prover_can_refute() -> None:
    """A claim that is false is found false: no increase ever is permitted."""
    assert prover().never("nothing is permitted", prover().permitted).outcome == "refuted"


def test_a_claim_without_its_override_premise_is_refuted() -> None:
    passed = flag("passed:gout_thiazide")
    claim = dict(OBLIGATIONS)["gout_thiazide"]
    assert prover().never("", prover().permitted, claim, passed).outcome == "refuted"


def test_every_fact_of_the_patient_that_may_be_unknown_is_lost_in_some_proof() -> None:
    assert set(PATIENT_OPTIONS) <= frozenset().union(*LOSSES.values())
