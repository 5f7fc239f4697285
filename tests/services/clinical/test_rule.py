"""A rule's condition: who, which direction, and when, all three."""

import pytest

from services.clinical.logic import leaves
from services.clinical.rule import Direction, Rule, ask, hold, need, own, refuse
from services.clinical.verdict import FindingKind, Strength
from services.clinical.vocabulary import potassium

HIGH = potassium > 5500


def read(rule: Rule) -> set[str]:
    return {leaf.name for leaf in leaves(rule.condition)}


@pytest.mark.parametrize(
    ("rule", "kind", "strength"),
    [
        (refuse("x", HIGH, "s", "t"), FindingKind.REFUSE, Strength.CLINICIAN),
        (refuse("x", HIGH, "s", "t", hard=True), FindingKind.REFUSE, Strength.HARD),
        (ask("x", HIGH, "s", "t"), FindingKind.ASK, Strength.CLINICIAN),
        (hold("x", HIGH, "s", "t"), FindingKind.HOLD, Strength.CLINICIAN),
        (need("x", "potassium", HIGH, "s", "t"), FindingKind.NEEDS_DATA, Strength.CLINICIAN),
        (need("x", "p", HIGH, "s", "t", hard=True), FindingKind.NEEDS_DATA, Strength.HARD),
        (own("x", HIGH, "s", "t"), FindingKind.ASK, Strength.AUTONOMY),
    ],
)
def test_each_maker_sets_kind_and_strength_and_binds_a_rise(
    rule: Rule, kind: FindingKind, strength: Strength
) -> None:
    assert (rule.kind, rule.strength, rule.direction) == (kind, strength, Direction.RAISE)
    assert not rule.explains_keep
    assert {"potassium", "before", "after"} <= read(rule)
    assert ("alone" in read(rule)) is (strength is Strength.AUTONOMY)


def test_directions_read_what_they_bind() -> None:
    change = own("x", HIGH, "s", "t", direction=Direction.CHANGE)
    assert read(change) == {"alone", "keep", "potassium"}
    titrate = own("x", HIGH, "s", "t", direction=Direction.TITRATE)
    assert {"resumes"} <= read(titrate)
    assert {leaf.name for leaf in leaves(titrate.keep_condition)} == {"keep", "potassium"}
