"""The guard's facts as z3 variables, and its rules over them: the second evaluator of the rules."""

from typing import get_type_hints

import z3

from services.clinical.facts import (
    CONDITIONS,
    DRUGS,
    MEDICINES,
    STOPS,
    SYMPTOMS,
    EnvelopeFacts,
    MoveFacts,
    PersonFacts,
)
from services.clinical.guard import RULES
from services.clinical.history import History
from services.clinical.laboratory import Laboratory
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
from services.clinical.verdict import Strength

_RECORDS = (PersonFacts, History, Laboratory, EnvelopeFacts, MoveFacts)
WIDTHS = {
    "before": len(DRUGS),
    "after": len(DRUGS),
    "paused": len(DRUGS),
    "intolerant": len(DRUGS),
    "condition": len(CONDITIONS),
    "medicine": len(MEDICINES),
    "symptom": len(SYMPTOMS),
    "stop": len(STOPS),
}
NOT_LOGICAL = frozenset({"average"})
"""Facts that no rule reads: the average itself rides along for its missing names."""


def fact_types() -> dict[str, object]:
    """Return every fact with its annotated type."""
    return {
        name: kind
        for record in _RECORDS
        for name, kind in get_type_hints(record).items()
        if name not in NOT_LOGICAL
    }


TYPES = fact_types()
OPTIONS = tuple(name for name, kind in TYPES.items() if kind == int | None)
NUMBERS = tuple(name for name, kind in TYPES.items() if kind is int)
FLAGS = tuple(name for name, kind in TYPES.items() if kind is bool)


def flag(name: str, index: int | None = None) -> z3.BoolRef:
    return z3.Bool(name if index is None else f"{name}.{index}")


def number(name: str, index: int | None = None) -> z3.ArithRef:
    return z3.Int(name if index is None else f"{name}.{index}")


def known(name: str) -> z3.BoolRef:
    return z3.Bool(f"{name}?")


class Symbolic:
    """The algebra of z3 terms. What `unknown` names is taken as not known, or as false."""

    def __init__(
        self, unknown: frozenset[str] = frozenset(), renamed: dict[str, str] | None = None
    ) -> None:
        self._unknown = unknown
        self._renamed = renamed or {}

    def flag(self, leaf: Flag) -> z3.BoolRef:
        if leaf.name in self._unknown:
            return z3.BoolVal(False)
        return flag(self._renamed.get(leaf.name, leaf.name), leaf.index)

    def known(self, option: Option) -> z3.BoolRef:
        if option.name in self._unknown:
            return z3.BoolVal(False)
        return known(option.name)

    def compare(self, left: Operand, comparator: Comparator, right: Operand) -> z3.BoolRef:
        options = [self.known(side) for side in (left, right) if isinstance(side, Option)]
        return z3.And(*options, _compared(self._term(left), comparator, self._term(right)))

    def compare_count(
        self, parts: tuple[z3.BoolRef, ...], comparator: Comparator, right: Operand
    ) -> z3.BoolRef:
        options = [self.known(right)] if isinstance(right, Option) else []
        total = z3.Sum([z3.If(part, 1, 0) for part in parts])
        return z3.And(*options, _compared(total, comparator, self._term(right)))

    def negate(self, part: z3.BoolRef) -> z3.BoolRef:
        return z3.Not(part)

    def all_of(self, parts: tuple[z3.BoolRef, ...]) -> z3.BoolRef:
        return z3.And(*parts) if parts else z3.BoolVal(True)

    def any_of(self, parts: tuple[z3.BoolRef, ...]) -> z3.BoolRef:
        return z3.Or(*parts) if parts else z3.BoolVal(False)

    def _term(self, operand: Operand) -> z3.ArithRef:
        match operand:
            case Number(name, index):
                return number(self._renamed.get(name, name), index)
            case Option(name):
                return number(self._renamed.get(name, name))
            case Constant(value):
                return z3.IntVal(value)
            case Count():
                raise AssertionError("a count is compared through compare_count")


def _compared(left: z3.ArithRef, comparator: Comparator, right: z3.ArithRef) -> z3.BoolRef:
    return {
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
        "==": left == right,
        "!=": left != right,
    }[comparator]


class GuardModel:
    """All rules over one set of facts. `blocks[id]` says that the rule stops the move.

    `in_force[id]` switches a rule on; `passed[id]` is the clinician's override of it.
    """

    def __init__(
        self,
        unknown: frozenset[str] = frozenset(),
        renamed: dict[str, str] | None = None,
        rules: tuple[Rule, ...] = RULES,
    ) -> None:
        algebra = Symbolic(unknown, renamed)
        memo: Memo[z3.BoolRef] = {}
        decided = flag("decided")
        self.fires: dict[str, z3.BoolRef] = {}
        self.blocks: dict[str, z3.BoolRef] = {}
        for rule in rules:
            fires = evaluate(rule.condition, algebra, memo)
            self.fires[rule.rule_id] = fires
            passed = z3.And(decided, flag(f"passed:{rule.rule_id}"))
            in_force = flag(f"in_force:{rule.rule_id}")
            free = passed if rule.strength is Strength.CLINICIAN else z3.BoolVal(False)
            self.blocks[rule.rule_id] = z3.And(in_force, fires, z3.Not(free))
        self.permitted = z3.And(
            z3.Not(flag("keep")), *(z3.Not(block) for block in self.blocks.values())
        )
