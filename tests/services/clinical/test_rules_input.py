"""Rules of the input: hard, all of them, and none about missing data."""

from services.clinical.rules_input import INPUT_RULES, MAX_RUNGS
from services.clinical.verdict import FindingKind, Strength


def test_nobody_passes_what_cannot_be_right() -> None:
    assert {rule.strength for rule in INPUT_RULES} == {Strength.HARD}
    assert {rule.kind for rule in INPUT_RULES} == {FindingKind.REFUSE, FindingKind.HOLD}
    assert MAX_RUNGS == 2


def test_input_comes_first_in_the_table() -> None:
    from services.clinical.guard import RULES

    assert RULES[: len(INPUT_RULES)] == INPUT_RULES
    assert INPUT_RULES[0].rule_id == "deceased"
