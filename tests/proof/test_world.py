"""Every world that `facts.py` makes satisfies the axioms that the proofs stand on."""

import random
from typing import cast

import z3

from services.clinical.envelope import Envelope
from services.clinical.facts import DRUGS, facts
from services.clinical.formulary import FORMULARY
from tests.proof.test_evaluators import to_z3
from tests.proof.world import axioms, names_rung
from tests.proof.worlds import random_envelope, random_proposal, random_snapshot
from tests.services.clinical.examples import NOW


def test_facts_satisfy_the_axioms() -> None:
    source = random.Random(11)
    solver = z3.SolverFor("QF_LIA")
    solver.add(z3.Not(z3.And(*axioms())))
    for _ in range(150):
        snapshot = random_snapshot(source)
        envelope = cast(Envelope | None, random_envelope(source, snapshot))
        made = facts(snapshot, random_proposal(source, snapshot), envelope, NOW)
        bounds = {} if envelope is None else {b.drug: b.rungs_ug for b in envelope.bounds}
        pairs = to_z3(made) + [
            (names_rung(drug, int(rung)), z3.BoolVal(rung in bounds.get(drug, ())))
            for drug in DRUGS
            for rung in FORMULARY[drug].ladder_ug
        ]
        solver.push()
        solver.add(*(term == value for term, value in pairs))
        assert solver.check() == z3.unsat
        solver.pop()
