"""The guard's rules over arrays: the third evaluator, for millions of judgements at once.

Facts come as arrays of one length, one element a judgement. An option is a pair of values and a
mask of what is known; facts of tuples (`before`, `after`, `condition` …) are keyed by name and
index. The rules are those of `services.clinical.guard`: there is no second rule book.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.clinical.guard import RULES
from services.clinical.logic import (
    Comparator,
    Constant,
    Count,
    Flag,
    Memo,
    Number,
    Operand,
    Option,
    evaluate,
)
from services.clinical.rule import Rule
from services.clinical.verdict import FindingKind

Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]
Key: TypeAlias = tuple[str, int | None]

_COMPARE = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


@dataclass(frozen=True, slots=True)
class ArrayFacts:
    """Facts of `count` judgements: shape (count,) each. A key that is absent is a defect."""

    count: int
    flags: Mapping[Key, Bools]
    numbers: Mapping[Key, Ints]
    options: Mapping[str, tuple[Ints, Bools]]
    """Value (anything where unknown) and whether it is known."""


class ArrayAlgebra:
    """The algebra of boolean arrays."""

    def __init__(self, facts: ArrayFacts) -> None:
        self._facts = facts

    def flag(self, leaf: Flag) -> Bools:
        return self._facts.flags[leaf.name, leaf.index]

    def known(self, option: Option) -> Bools:
        return self._facts.options[option.name][1]

    def compare(self, left: Operand, comparator: Comparator, right: Operand) -> Bools:
        held = _COMPARE[comparator](self._values(left), self._values(right))
        return self._where_known(np.broadcast_to(held, self._facts.count), left, right)

    def compare_count(
        self, parts: tuple[Bools, ...], comparator: Comparator, right: Operand
    ) -> Bools:
        total = np.zeros(self._facts.count, dtype=np.int64)
        for part in parts:
            total += part
        held = _COMPARE[comparator](total, self._values(right))
        return self._where_known(held, right)

    def negate(self, part: Bools) -> Bools:
        return ~part

    def all_of(self, parts: tuple[Bools, ...]) -> Bools:
        return self._reduced(np.logical_and, parts, empty=True)

    def any_of(self, parts: tuple[Bools, ...]) -> Bools:
        return self._reduced(np.logical_or, parts, empty=False)

    def _reduced(self, combine: np.ufunc, parts: tuple[Bools, ...], *, empty: bool) -> Bools:
        result: Bools = np.full(self._facts.count, empty)
        for part in parts:
            combine(result, part, out=result)
        return result

    def _where_known(self, held: Bools, *sides: Operand) -> Bools:
        for side in sides:
            if isinstance(side, Option):
                held = held & self.known(side)
        return held

    def _values(self, operand: Operand) -> Ints | int:
        match operand:
            case Number(name, index):
                return self._facts.numbers[name, index]
            case Option(name):
                return self._facts.options[name][0]
            case Constant(value):
                return value
            case Count():
                raise TypeError("a count is compared through compare_count")


def speaking(facts: ArrayFacts, rules: tuple[Rule, ...] = RULES) -> Bools:
    """Return which rules speak against which moves, shape (rules, count)."""
    algebra = ArrayAlgebra(facts)
    memo: Memo[Bools] = {}
    return np.stack([evaluate(rule.condition, algebra, memo) for rule in rules])


# Kinds from least to most strict; 0 is "nothing speaks against it".
_LEVEL = {
    FindingKind.ASK: 1,
    FindingKind.NEEDS_DATA: 2,
    FindingKind.HOLD: 3,
    FindingKind.REFUSE: 4,
}


def strictness(facts: ArrayFacts) -> NDArray[np.int8]:
    """Return per judgement 0 (nothing against it), 1 ask, 2 needs data, 3 hold, 4 refuse.

    Overrides are not looked at: 0 is Advise on the patient's path and for a signed move, and an
    open question to the clinician otherwise.
    """
    levels = np.array([_LEVEL[rule.kind] for rule in RULES], dtype=np.int8)
    spoken: NDArray[np.int8] = (speaking(facts) * levels[:, None]).max(axis=0)
    return spoken
