"""The logic that the rules are written in: conditions over flat facts, as values.

A condition is a small tree. Evaluators plug in through `Algebra`: z3 for the proofs, arrays for
the simulated trial; `compile_conditions` turns the same trees into one Python function, which is
what every judgement runs. An unknown option satisfies no comparison: rules ask for it by name.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, assert_never

Comparator = Literal["<", "<=", ">", ">=", "==", "!="]


class Condition:
    """A truth about the facts; combine with `&`, `|` and `~`."""

    __slots__ = ()

    def __and__(self, other: "Condition") -> "Condition":
        return All((self, other))

    def __or__(self, other: "Condition") -> "Condition":
        return Some((self, other))

    def __invert__(self) -> "Condition":
        return Not(self)


class Quantity:
    """A whole number among the facts, known or not."""

    __slots__ = ()

    def __lt__(self, other: "Quantity | int") -> Condition:
        return Compare(_operand(self), "<", _operand(other))

    def __le__(self, other: "Quantity | int") -> Condition:
        return Compare(_operand(self), "<=", _operand(other))

    def __gt__(self, other: "Quantity | int") -> Condition:
        return Compare(_operand(self), ">", _operand(other))

    def __ge__(self, other: "Quantity | int") -> Condition:
        return Compare(_operand(self), ">=", _operand(other))

    def equals(self, other: "Quantity | int") -> Condition:
        """Return the condition that both are known and the same."""
        return Compare(_operand(self), "==", _operand(other))

    def differs(self, other: "Quantity | int") -> Condition:
        """Return the condition that both are known and not the same."""
        return Compare(_operand(self), "!=", _operand(other))


@dataclass(frozen=True, slots=True)
class Flag(Condition):
    """A boolean fact; `index` picks from a tuple of them."""

    name: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Number(Quantity):
    """A whole-number fact that is always known; `index` picks from a tuple of them."""

    name: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Option(Quantity):
    """A whole-number fact that may be unknown."""

    name: str

    @property
    def unknown(self) -> Condition:
        """The condition that it is not known."""
        return Not(Known(self))


@dataclass(frozen=True, slots=True)
class Constant(Quantity):
    """A limit."""

    value: int


@dataclass(frozen=True, slots=True)
class Count(Quantity):
    """How many of the conditions hold."""

    parts: tuple[Condition, ...]


Operand = Number | Option | Constant | Count


@dataclass(frozen=True, slots=True)
class Known(Condition):
    option: Option


@dataclass(frozen=True, slots=True)
class Compare(Condition):
    left: Operand
    comparator: Comparator
    right: Operand


@dataclass(frozen=True, slots=True)
class Not(Condition):
    part: Condition


@dataclass(frozen=True, slots=True)
class All(Condition):
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some(Condition):
    parts: tuple[Condition, ...]


def every(*parts: Condition) -> Condition:
    """Return the condition that all hold; without parts it is true."""
    return All(parts)


def some(*parts: Condition) -> Condition:
    """Return the condition that one holds at least; without parts it is false."""
    return Some(parts)


def implies(premise: Condition, conclusion: Condition) -> Condition:
    """Return the condition that the conclusion holds whenever the premise does."""
    return Some((Not(premise), conclusion))


def _operand(value: "Quantity | int") -> Operand:
    if isinstance(value, Number | Option | Constant | Count):
        return value
    if isinstance(value, int):
        return Constant(value)
    raise TypeError(f"{value!r} is no quantity of the logic")


B = TypeVar("B")


class Algebra(Protocol[B]):
    """What an evaluator supplies. `compare` is false where an option is unknown.

    A count stands on the left of a comparison only, against a quantity that is no count.
    """

    def flag(self, leaf: Flag) -> B: ...
    def known(self, option: Option) -> B: ...
    def compare(self, left: Operand, comparator: Comparator, right: Operand) -> B: ...
    def compare_count(self, parts: tuple[B, ...], comparator: Comparator, right: Operand) -> B: ...
    def negate(self, part: B) -> B: ...
    def all_of(self, parts: tuple[B, ...]) -> B: ...
    def any_of(self, parts: tuple[B, ...]) -> B: ...


Memo = dict[int, tuple[Condition, B]]
"""Values by identity of the condition, which is kept alive beside its value."""


def evaluate(condition: Condition, algebra: Algebra[B], memo: "Memo[B] | None" = None) -> B:
    """Return the condition in the algebra's own values.

    Rules share many parts: one `memo` for all of them has each part evaluated once.
    """
    memo = {} if memo is None else memo
    held = memo.get(id(condition))
    if held is None:
        held = memo[id(condition)] = (condition, _evaluate(condition, algebra, memo))
    return held[1]


def _evaluate(condition: Condition, algebra: Algebra[B], memo: "Memo[B]") -> B:
    match condition:
        case Flag():
            return algebra.flag(condition)
        case Known(option):
            return algebra.known(option)
        case Compare(Count(parts), comparator, right):
            counted = tuple([evaluate(part, algebra, memo) for part in parts])
            return algebra.compare_count(counted, comparator, right)
        case Compare(left, comparator, right):
            return algebra.compare(left, comparator, right)
        case Not(part):
            return algebra.negate(evaluate(part, algebra, memo))
        case All(parts):
            return algebra.all_of(tuple([evaluate(part, algebra, memo) for part in parts]))
        case Some(parts):
            return algebra.any_of(tuple([evaluate(part, algebra, memo) for part in parts]))
        case _:
            raise TypeError(f"{condition!r} is no condition of the logic")


def leaves(condition: Condition) -> Iterator[Flag | Number | Option]:
    """Yield every fact that the condition reads, in reading order, repeats included."""
    match condition:
        case Flag():
            yield condition
        case Known(option):
            yield option
        case Compare(left, _, right):
            yield from _operand_leaves(left)
            yield from _operand_leaves(right)
        case Not(part):
            yield from leaves(part)
        case All(parts) | Some(parts):
            for part in parts:
                yield from leaves(part)


def _operand_leaves(operand: Operand) -> Iterator[Flag | Number | Option]:
    match operand:
        case Number() | Option():
            yield operand
        case Count(parts):
            for part in parts:
                yield from leaves(part)


def compile_conditions(
    conditions: tuple[Condition, ...], records: Mapping[str, tuple[str, ...]]
) -> Callable[..., list[int]]:
    """Return a function of the fact records that lists the indices of the conditions that hold.

    `records` names the function's parameters in order, each with its facts. Interpreting the trees
    takes about a hundred microseconds a judgement; one flat function takes a tenth of it.
    """
    return _Compiler(records).compile(conditions)


class _Compiler:
    """Writes one Python function; conditions used more than once become local variables."""

    def __init__(self, records: Mapping[str, tuple[str, ...]]) -> None:
        self._records = records
        self._locals: dict[Condition, str] = {}
        self._lines: list[str] = []

    def compile(self, conditions: tuple[Condition, ...]) -> Callable[..., list[int]]:
        uses: Counter[Condition] = Counter()
        for condition in conditions:
            _count_uses(condition, uses)
        names = {leaf.name for condition in conditions for leaf in leaves(condition)}
        self._lines = [
            f"    {name} = {record}.{name}"
            for record, fields in self._records.items()
            for name in fields
            if name in names
        ]
        self._lines.append("    fired = []")
        for place, condition in enumerate(conditions):
            text = self._text(condition, uses)
            self._lines += [f"    if {text}:", f"        fired.append({place})"]
        header = f"def judge({', '.join(self._records)}):"
        source = "\n".join([header, *self._lines, "    return fired"])
        scope: dict[str, Callable[..., list[int]]] = {}
        exec(compile(source, "<clinical rules>", "exec"), scope)
        return scope["judge"]

    def _text(self, condition: Condition, uses: "Counter[Condition]") -> str:
        local = self._locals.get(condition)
        if local is not None:
            return local
        text = self._write(condition, uses)
        if uses[condition] > 1 and not isinstance(condition, Flag):
            local = f"shared_{len(self._locals)}"
            self._lines.append(f"    {local} = {text}")
            self._locals[condition] = local
            return local
        return text

    def _write(self, condition: Condition, uses: "Counter[Condition]") -> str:
        match condition:
            case Flag(name, index):
                return _leaf(name, index)
            case Known(option):
                return f"({option.name} is not None)"
            case Compare(left, comparator, right):
                return self._comparison(left, comparator, right, uses)
            case Not(part):
                return f"(not {self._text(part, uses)})"
            case All(parts):
                return "(" + " and ".join(["True"] * (not parts) + self._texts(parts, uses)) + ")"
            case Some(parts):
                return "(" + " or ".join(["False"] * (not parts) + self._texts(parts, uses)) + ")"
            case _:
                raise TypeError(f"{condition!r} is no condition of the logic")

    def _texts(self, parts: tuple[Condition, ...], uses: "Counter[Condition]") -> list[str]:
        return [self._text(part, uses) for part in parts]

    def _comparison(
        self, left: Operand, comparator: str, right: Operand, uses: "Counter[Condition]"
    ) -> str:
        guards = [f"{side.name} is not None" for side in (left, right) if isinstance(side, Option)]
        sides = [self._quantity(side, uses) for side in (left, right)]
        return "(" + " and ".join([*guards, f"{sides[0]} {comparator} {sides[1]}"]) + ")"

    def _quantity(self, operand: Operand, uses: "Counter[Condition]") -> str:
        match operand:
            case Number(name, index):
                return _leaf(name, index)
            case Option(name):
                return name
            case Constant(value):
                return str(value)
            case Count(parts):
                return "(" + " + ".join(["0", *self._texts(parts, uses)]) + ")"
            case _:  # pragma: no cover - the type checker proves it away
                assert_never(operand)


def _leaf(name: str, index: int | None) -> str:
    return name if index is None else f"{name}[{index}]"


def _count_uses(condition: Condition, uses: "Counter[Condition]") -> None:
    uses[condition] += 1
    if uses[condition] > 1:
        return
    match condition:
        case Not(part):
            _count_uses(part, uses)
        case All(parts) | Some(parts):
            for part in parts:
                _count_uses(part, uses)
        case Compare(left, _, right):
            for side in (left, right):
                if isinstance(side, Count):
                    for part in side.parts:
                        _count_uses(part, uses)
