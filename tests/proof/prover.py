"""Runs proofs: each claim is refuted or found to hold in every world; "unknown" is a failure."""

import time
from dataclasses import dataclass

import z3

from services.clinical.guard import REASONS, RULES
from services.clinical.verdict import Strength
from tests.proof.symbols import GuardModel, flag
from tests.proof.world import axioms


@dataclass(frozen=True, slots=True)
class Proof:
    """One claim with its outcome: "proved", "refuted" or "unknown"."""

    name: str
    outcome: str
    milliseconds: float
    counterexample: str = ""


class Prover:
    """One incremental solver over the axioms and the guard; rules are switched by assumption."""

    def __init__(self) -> None:
        self.guard = GuardModel()
        self.solver = z3.SolverFor("QF_LIA")
        self.solver.add(*axioms())
        self._in_force = {rule.rule_id: flag(f"in_force:{rule.rule_id}") for rule in RULES}
        # Named, so that a claim is a few literals and the guard is asserted once.
        self.permitted = z3.Bool("permitted")
        self.solver.add(self.permitted == self.guard.permitted)

    def _assumptions(self, without: str | None) -> list[z3.BoolRef]:
        return [
            z3.Not(force) if rule_id == without else force
            for rule_id, force in self._in_force.items()
        ]

    def satisfiable(self, *claims: z3.BoolRef, without: str | None = None) -> z3.CheckSatResult:
        """Return whether a world with the claims exists, with one rule taken away if named."""
        self.solver.push()
        self.solver.add(*claims)
        outcome = self.solver.check(*self._assumptions(without))
        self.solver.pop()
        return outcome

    def never(self, name: str, *claims: z3.BoolRef, without: str | None = None) -> Proof:
        """Prove that no world satisfies the claims."""
        began = time.perf_counter()
        outcome = self.satisfiable(*claims, without=without)
        taken = 1000 * (time.perf_counter() - began)
        said = {"unsat": "proved", "sat": "refuted"}.get(str(outcome), "unknown")
        return Proof(name, said, taken)


def not_passed(rule_id: str) -> z3.BoolRef:
    """The clinician has not passed this rule; of other strengths there is nothing to pass."""
    if REASONS[rule_id].strength is Strength.CLINICIAN:
        return z3.Not(flag(f"passed:{rule_id}"))
    return z3.BoolVal(True)
