"""The order: red flags, overdue, proposals, no data, the rest; then deadline, then risk."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinician_app.api.worklist_order import SILENT_AFTER, Standing, Tier, in_order, tier

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Row:
    patient_id: str
    standing: Standing


def standing(
    *,
    red: bool = False,
    due_h: int | None = None,
    proposal: bool = False,
    silent: bool = False,
    risk: int = 0,
) -> Standing:
    last = NOW - SILENT_AFTER - HOUR if silent else NOW - HOUR
    return Standing(red, None if due_h is None else NOW + due_h * HOUR, proposal, last, risk)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (standing(red=True, due_h=9, silent=True), Tier.RED_FLAG),
        (standing(due_h=0, proposal=True), Tier.OVERDUE),
        (standing(due_h=1, proposal=True), Tier.PROPOSAL),
        (standing(silent=True), Tier.NO_DATA),
        (Standing(False, None, False, None, 0), Tier.NO_DATA),
        (standing(), Tier.STEADY),
    ],
)
def test_the_first_tier_that_applies_counts(given_: Standing, expected: Tier) -> None:
    assert tier(given_, NOW) is expected


def test_inside_a_tier_the_earlier_deadline_comes_first_then_the_higher_risk() -> None:
    rows = [
        Row("a", standing(proposal=True, due_h=5, risk=99)),
        Row("b", standing(proposal=True, due_h=2, risk=1)),
        Row("c", standing(proposal=True, due_h=2, risk=7)),
        Row("d", standing(proposal=True, risk=99)),
    ]
    assert [row.patient_id for row in in_order(rows, NOW)] == ["c", "b", "a", "d"]


STANDINGS = st.builds(
    standing,
    red=st.booleans(),
    due_h=st.none() | st.integers(-9, 9),
    proposal=st.booleans(),
    silent=st.booleans(),
    risk=st.integers(0, 90),
)


@given(st.lists(STANDINGS, max_size=8), st.randoms())
def test_the_order_does_not_depend_on_the_order_of_arrival(
    standings: list[Standing], chance: object
) -> None:
    rows = [Row(str(index), item) for index, item in enumerate(standings)]
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    ordered = in_order(rows, NOW)
    assert in_order(shuffled, NOW) == ordered
    assert [tier(r.standing, NOW) for r in ordered] == sorted(tier(r.standing, NOW) for r in rows)
