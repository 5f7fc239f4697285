"""One rule text, three evaluators: compiled Python, z3 and arrays say the same of every fact."""

import random

import numpy as np
import z3

from models.simulation.logic_arrays import ArrayFacts, Bools, Ints, Key, speaking, strictness
from services.clinical.facts import Facts
from services.clinical.guard import _SPEAKS, RULES, judge_facts
from services.clinical.logic import Flag, Number, Option, leaves
from tests.proof.symbols import FLAGS, NUMBERS, OPTIONS, TYPES, GuardModel, flag, known, number
from tests.proof.worlds import random_facts
from tests.services.clinical.examples import proposal

_LEVEL = {"ask": 1, "needs_data": 2, "hold": 3, "refuse": 4}


def fact(facts: Facts, name: str) -> object:
    return next(getattr(record, name) for record in facts if name in record._fields)


def to_arrays(many: list[Facts]) -> ArrayFacts:
    flags: dict[Key, Bools] = {}
    numbers: dict[Key, Ints] = {}
    options: dict[str, tuple[Ints, Bools]] = {}
    for name, kind in TYPES.items():
        column = [fact(facts, name) for facts in many]
        if kind is bool:
            flags[name, None] = np.array(column, dtype=np.bool_)
        elif kind is int:
            numbers[name, None] = np.array(column, dtype=np.int64)
        elif kind == int | None:
            values = np.array([-999 if value is None else value for value in column])
            options[name] = (values, np.array([value is not None for value in column]))
        else:
            for index, cells in enumerate(zip(*column, strict=True)):
                array = np.array(cells)
                if array.dtype == np.bool_:
                    flags[name, index] = array
                else:
                    numbers[name, index] = array.astype(np.int64)
    return ArrayFacts(len(many), flags, numbers, options)


def to_z3(facts: Facts) -> list[tuple[z3.ExprRef, z3.ExprRef]]:
    pairs: list[tuple[z3.ExprRef, z3.ExprRef]] = []
    for name, kind in TYPES.items():
        value = fact(facts, name)
        if kind is bool:
            pairs.append((flag(name), z3.BoolVal(value)))
        elif kind is int:
            pairs.append((number(name), z3.IntVal(value)))
        elif kind == int | None:
            pairs.append((known(name), z3.BoolVal(value is not None)))
            pairs.append((number(name), z3.IntVal(0 if value is None else value)))
        else:
            assert isinstance(value, tuple)
            for index, cell in enumerate(value):
                if isinstance(cell, bool):
                    pairs.append((flag(name, index), z3.BoolVal(cell)))
                else:
                    pairs.append((number(name, index), z3.IntVal(cell)))
    return pairs


def python_fires(facts: Facts) -> set[str]:
    return {RULES[place].rule_id for place in _SPEAKS(*facts)}


def test_python_and_arrays_agree_on_ten_thousand_boundary_facts() -> None:
    source = random.Random(20260520)
    many = [random_facts(source) for _ in range(10_000)]
    spoken = speaking(to_arrays(many))
    ever = set()
    for column, facts in enumerate(many):
        arrays = {RULES[row].rule_id for row in np.flatnonzero(spoken[:, column])}
        assert arrays == python_fires(facts)
        ever |= arrays
    assert ever == {rule.rule_id for rule in RULES}, "a rule that never spoke was not compared"


def test_the_levels_of_arrays_are_the_kinds_of_the_verdict() -> None:
    source = random.Random(7)
    many = [random_facts(source) for _ in range(3_000)]
    levels = strictness(to_arrays(many))
    for facts, level in zip(many, levels, strict=True):
        if facts.move.keep:  # arrays hold moves only; KEEP has its own rules
            continue
        binding = judge_facts(facts, proposal()).binding
        # The proposal given has no overrides, as the arrays suppose.
        assert (0 if binding is None else _LEVEL[binding.kind.value]) == level


def test_python_and_z3_agree_on_boundary_facts() -> None:
    source = random.Random(3)
    model = GuardModel()
    solver = z3.SolverFor("QF_LIA")
    solver.add(*(z3.Bool(f"fires:{name}") == fires for name, fires in model.fires.items()))
    for _ in range(120):
        facts = random_facts(source)
        solver.push()
        solver.add(*(term == value for term, value in to_z3(facts)))
        assert solver.check() == z3.sat
        found = solver.model()
        solver.pop()
        fired = {n for n in model.fires if z3.is_true(found[z3.Bool(f"fires:{n}")])}
        assert fired == python_fires(facts)


def test_every_leaf_of_every_rule_is_a_fact_of_its_type() -> None:
    kinds = {Flag: FLAGS, Number: NUMBERS, Option: OPTIONS}
    for rule in RULES:
        for leaf in leaves(rule.condition):
            if getattr(leaf, "index", None) is None:
                assert leaf.name in kinds[type(leaf)], (rule.rule_id, leaf)
            else:
                assert leaf.name in TYPES


def test_every_fact_is_read_by_some_rule() -> None:
    read = {leaf.name for rule in RULES for leaf in leaves(rule.condition)}
    assert set(TYPES) <= read
