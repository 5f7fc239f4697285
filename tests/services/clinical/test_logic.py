"""The logic: compiled and interpreted, a condition says the same; unknown satisfies nothing."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clinical.logic import (
    Condition,
    Constant,
    Count,
    Flag,
    Number,
    Option,
    Quantity,
    compile_conditions,
    evaluate,
    every,
    implies,
    leaves,
    some,
)


class Record(NamedTuple):
    on: bool = True
    off: bool = False
    three: int = 3
    five: int | None = 5
    lost: int | None = None
    pair: tuple[int, int] = (1, 2)


RECORD = Record()
ON, OFF = Flag("on"), Flag("off")
THREE, FIVE, LOST = Number("three"), Option("five"), Option("lost")


def holds(condition: Condition, record: Record = RECORD) -> bool:
    judge = compile_conditions((condition,), {"record": Record._fields})
    return judge(record) == [0]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (ON, True),
        (OFF, False),
        (~OFF, True),
        (ON & OFF, False),
        (ON | OFF, True),
        (every(), True),
        (some(), False),
        (implies(ON, OFF), False),
        (implies(OFF, OFF), True),
        (THREE < 4, True),
        (THREE < 3, False),
        (THREE <= 3, True),
        (THREE > 3, False),
        (THREE >= 3, True),
        (THREE.equals(3), True),
        (THREE.differs(3), False),
        (FIVE > THREE, True),
        (THREE < FIVE, True),
        (LOST < 9, False),
        (LOST >= 0, False),
        (LOST.equals(0), False),
        (LOST.differs(0), False),
        (THREE < LOST, False),
        (LOST.unknown, True),
        (FIVE.unknown, False),
        (Number("pair", 1).equals(2), True),
        (Count((ON, OFF, ON)) > 1, True),
        (Count((ON, OFF, OFF)) > 1, False),
        (Count(()) >= Constant(0), True),
        (Count((ON,)) >= LOST, False),
    ],
)
def test_what_holds(condition: Condition, expected: bool) -> None:
    assert holds(condition) is expected


def test_a_shared_part_is_evaluated_once_and_the_same() -> None:
    shared = (THREE > 2) & ON
    conditions = (shared, ~shared, shared | OFF, Count((shared, shared)) >= 2)
    judge = compile_conditions(conditions, {"record": Record._fields})
    assert judge(Record()) == [0, 2, 3]
    assert judge(Record(on=False)) == [1]


def test_leaves_are_all_the_facts_read() -> None:
    condition = (Count((ON, OFF)) > 1) & ~(FIVE < THREE) | LOST.unknown
    assert [leaf.name for leaf in leaves(condition)] == ["on", "off", "five", "three", "lost"]
    assert list(leaves(Condition())) == []


def test_what_is_no_part_of_the_logic_is_a_defect() -> None:
    with pytest.raises(TypeError):
        THREE < "three"  # type: ignore[operator]  # noqa: B015
    with pytest.raises(TypeError):
        compile_conditions((Condition(),), {"record": Record._fields})
    with pytest.raises(TypeError):
        evaluate(Condition(), Interpreted(Record()))
    with pytest.raises(TypeError):
        Quantity() < 3  # noqa: B015


class Interpreted:
    """The algebra of plain booleans: a third reading of the trees, for comparison."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def flag(self, leaf: Flag) -> bool:
        return bool(getattr(self._record, leaf.name))

    def known(self, option: Option) -> bool:
        return getattr(self._record, option.name) is not None

    def compare(self, left: Any, comparator: str, right: Any) -> bool:
        return self._compared(self._value(left), comparator, self._value(right))

    def compare_count(self, parts: tuple[bool, ...], comparator: str, right: Any) -> bool:
        return self._compared(sum(parts), comparator, self._value(right))

    def negate(self, part: bool) -> bool:
        return not part

    def all_of(self, parts: tuple[bool, ...]) -> bool:
        return all(parts)

    def any_of(self, parts: tuple[bool, ...]) -> bool:
        return any(parts)

    def _value(self, operand: Any) -> int | None:
        if isinstance(operand, Constant):
            return operand.value
        found: int | None = getattr(self._record, operand.name)
        return found

    def _compared(self, left: int | None, comparator: str, right: int | None) -> bool:
        if left is None or right is None:
            return False
        return {
            "<": left < right,
            "<=": left <= right,
            ">": left > right,
            ">=": left >= right,
            "==": left == right,
            "!=": left != right,
        }[comparator]


QUANTITIES = st.sampled_from([THREE, FIVE, LOST, Constant(4)])
ATOMS = st.one_of(
    st.sampled_from([ON, OFF, LOST.unknown, FIVE.unknown]),
    st.builds(lambda a, b: a < b, QUANTITIES, QUANTITIES),
    st.builds(lambda a, b: a >= b, QUANTITIES, QUANTITIES),
    st.builds(lambda a, b: a.equals(b), QUANTITIES, QUANTITIES),
)
TREES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(lambda a: ~a, inner),
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a, b, n: Count((a, b)) >= n, inner, inner, st.integers(0, 3)),
    ),
    max_leaves=12,
)


@given(TREES, st.integers(2, 5), st.none() | st.integers(2, 5))
def test_compiled_and_interpreted_agree(tree: Condition, three: int, lost: int | None) -> None:
    record = Record(three=three, lost=lost)
    assert holds(tree, record) is evaluate(tree, Interpreted(record))
