"""Mutants of a source file: one small change of meaning each, made on the syntax tree."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed source, and where and how it was changed."""

    line: int
    change: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of the source. Docstrings, annotations and imports are left alone."""
    tree = ast.parse(source)
    spots = list(_spots(tree))
    for index, (node, _) in enumerate(spots):
        for change, mutate in _changes(node):
            copied = copy.deepcopy(tree)
            fresh, parent = list(_spots(copied))[index]
            mutate(fresh, parent)
            ast.fix_missing_locations(copied)
            yield Mutant(getattr(node, "lineno", 0), change, ast.unparse(copied))


def _spots(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield the nodes that carry meaning, with their parents, in a stable order."""
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            if not _is_silent(child, parent):
                yield child, parent


def _is_silent(child: ast.AST, parent: ast.AST) -> bool:
    if isinstance(parent, ast.AnnAssign) and child is parent.annotation:
        return True
    if isinstance(parent, ast.arg | ast.Subscript | ast.keyword) and isinstance(child, ast.BinOp):
        return isinstance(parent, ast.arg)
    if isinstance(parent, ast.FunctionDef) and child is parent.returns:
        return True
    if isinstance(parent, ast.Call) and getattr(parent.func, "id", "") == "dataclass":
        return True
    return isinstance(parent, ast.keyword) and parent.arg in ("slots", "frozen")


def _changes(node: ast.AST) -> Iterator[tuple[str, "Change"]]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in _COMPARE.get(type(operator), ()):
                yield f"{type(operator).__name__}→{other.__name__}", _Operator(place, other)
    elif isinstance(node, ast.BoolOp):
        other_bool = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__}→{other_bool.__name__}", _Field("op", other_bool())
    elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY and not _is_text(node):
        swapped = _BINARY[type(node.op)]
        yield f"{type(node.op).__name__}→{swapped.__name__}", _Field("op", swapped())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert | ast.USub):
        yield f"drop {type(node.op).__name__}", _Unwrap()
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node)
    elif isinstance(node, ast.IfExp):
        yield "swap branches", _SwapBranches()
    elif isinstance(node, ast.Return) and _is_telling(node.value):
        yield "return None", _Field("value", ast.Constant(None))


def _is_telling(value: ast.expr | None) -> bool:
    """Say whether None differs from the value: a literal False or () is as false as None."""
    return not (value is None or isinstance(value, ast.Constant) or ast.unparse(value) == "()")


def _of_constant(node: ast.Constant) -> Iterator[tuple[str, "Change"]]:
    if type(node.value) is int:
        yield f"{node.value}→{node.value + 1}", _Field("value", node.value + 1)
    elif type(node.value) is bool:
        yield f"{node.value}→{not node.value}", _Field("value", not node.value)


def _is_text(node: ast.BinOp) -> bool:
    return any(isinstance(side, ast.JoinedStr) for side in (node.left, node.right))


class Change:
    """How a fresh copy of the node is changed."""

    def __call__(self, node: ast.AST, parent: ast.AST) -> None:
        raise NotImplementedError


class _Field(Change):
    def __init__(self, name: str, value: object) -> None:
        self._name, self._value = name, value

    def __call__(self, node: ast.AST, parent: ast.AST) -> None:
        setattr(node, self._name, self._value)


class _Operator(Change):
    def __init__(self, place: int, kind: type[ast.cmpop]) -> None:
        self._place, self._kind = place, kind

    def __call__(self, node: ast.AST, parent: ast.AST) -> None:
        assert isinstance(node, ast.Compare)
        node.ops[self._place] = self._kind()


class _SwapBranches(Change):
    def __call__(self, node: ast.AST, parent: ast.AST) -> None:
        assert isinstance(node, ast.IfExp)
        node.body, node.orelse = node.orelse, node.body


class _Unwrap(Change):
    def __call__(self, node: ast.AST, parent: ast.AST) -> None:
        assert isinstance(node, ast.UnaryOp)
        for name, value in ast.iter_fields(parent):
            if value is node:
                setattr(parent, name, node.operand)
            elif isinstance(value, list):
                for place, item in enumerate(value):
                    if item is node:
                        value[place] = node.operand
