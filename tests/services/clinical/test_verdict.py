"""Verdicts are told apart by their tag, whatever their fields."""

from services.clinical.verdict import (
    Advise,
    Ask,
    Finding,
    FindingKind,
    Hold,
    NeedsData,
    Refuse,
    Strength,
)

FINDING = Finding("x", FindingKind.HOLD, Strength.HARD)


def test_the_five_kinds_have_five_tags() -> None:
    made = (
        NeedsData((FINDING,), FINDING, ("readings",)),
        Hold((FINDING,), FINDING),
        Refuse((FINDING,), FINDING),
        Ask((FINDING,), FINDING),
        Advise((FINDING,)),
    )
    assert [v.kind for v in made] == ["needs_data", "hold", "refuse", "ask", "advise"]
    assert len(set(made)) == 5
