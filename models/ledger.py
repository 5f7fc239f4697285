"""The privacy ledger: what was spent on whom, append-only, charged before it is spent.

One line of JSON for each charge, chained by hashes. Every charge of a population composes, retrains
and steps redone after a crash included. A charge that would pass the limit is refused.
"""

import fcntl
import hashlib
import json
import math
import os
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from opacus.accountants import PRVAccountant, RDPAccountant

DELTA: Final = 1e-5
POPULATION_LIMIT: Final = 3.0
"""Most ε that one population may ever be charged, all retrains together."""
_WHOLE_ORDERS: Final = list(range(2, 64))
_GENESIS: Final = "0" * 64
_FIELDS: Final = {"seq", "prev", "at", "population", "purpose", "sigma", "rate", "steps", "hash"}


class LedgerDamaged(RuntimeError):
    """The ledger was changed or cut. Restore it from its backup; do not train meanwhile."""


class BudgetSpent(RuntimeError):
    """The charge would pass the population's limit. Nothing was spent."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Steps of the Poisson-subsampled Gaussian mechanism, sensitivity one, on one population."""

    population: str
    purpose: str
    sigma: float
    rate: float
    steps: int


def epsilon_of(charges: list[Charge], delta: float = DELTA) -> float:
    """Return ε of all charges together by the PRV accountant, an upper bound; inf without noise."""
    spent = [c for c in charges if c.steps > 0]
    if not spent:
        return 0.0
    if any(c.sigma <= 0.0 for c in spent):
        return math.inf
    merged: dict[tuple[float, float], int] = {}
    for charge in spent:
        merged[charge.sigma, charge.rate] = (
            merged.get((charge.sigma, charge.rate), 0) + charge.steps
        )
    accountant = PRVAccountant()
    accountant.history = [(s, q, n) for (s, q), n in merged.items()]
    with warnings.catch_warnings():
        # The accountant probes its own range first; its answer is an upper bound all the same.
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", UserWarning)
        return float(accountant.get_epsilon(delta, eps_error=0.01))


def rough_epsilon_of(charges: list[Charge], delta: float = DELTA) -> float:
    """Return a looser upper bound of the same ε, by the RDP accountant, in a hundredth of the time.

    Each order gives a bound, so whole orders suffice; fractional ones are a slow series each.
    Only to narrow a search; what is claimed and refused is always `epsilon_of`.
    """
    accountant = RDPAccountant()
    accountant.history = [(c.sigma, c.rate, c.steps) for c in charges if c.steps > 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return float(accountant.get_epsilon(delta, alphas=_WHOLE_ORDERS))


class Ledger:
    """The ledger in one file. Safe against a second process: the file is locked while charging."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def charges(self, population: str | None = None) -> list[Charge]:
        """Return the charges, of one population or all.

        Raises:
            LedgerDamaged: a line is cut, changed or missing.
        """
        if not self.path.exists():
            return []
        found = [charge for charge, _ in _checked(self.path.read_text())]
        return [c for c in found if population is None or c.population == population]

    def epsilon(self, population: str) -> float:
        """Return the population's ε so far."""
        return epsilon_of(self.charges(population))

    def charge(self, charge: Charge, *, limit: float, at: datetime) -> float:
        """Write the charge to disk, then return the population's ε with it.

        Raises:
            BudgetSpent: it would pass `limit`; nothing is written.
            LedgerDamaged: the ledger cannot be trusted.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            held = _checked(file.read())
            before = [c for c, _ in held if c.population == charge.population]
            total = epsilon_of([*before, charge])
            if total > limit:
                raise BudgetSpent(
                    f"{charge.steps} steps for {charge.purpose!r} would bring "
                    f"{charge.population!r} to epsilon {total:.3f}, over the limit {limit:g}"
                )
            previous = held[-1][1] if held else _GENESIS
            file.write(_line(charge, len(held), previous, at) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return total


def _line(charge: Charge, seq: int, previous: str, at: datetime) -> str:
    entry = {
        "seq": seq,
        "prev": previous,
        "at": at.isoformat(),
        "population": charge.population,
        "purpose": charge.purpose,
        "sigma": charge.sigma,
        "rate": charge.rate,
        "steps": charge.steps,
    }
    return json.dumps({**entry, "hash": _hash(entry)}, sort_keys=True)


def _hash(entry: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()


def _checked(text: str) -> list[tuple[Charge, str]]:
    if text and not text.endswith("\n"):
        raise LedgerDamaged("the last line of the privacy ledger is cut")
    found: list[tuple[Charge, str]] = []
    previous = _GENESIS
    for seq, line in enumerate(text.splitlines()):
        try:
            entry = json.loads(line)
        except json.JSONDecodeError as err:
            raise LedgerDamaged(f"line {seq} of the privacy ledger is no JSON") from err
        stated = entry.pop("hash", None)
        if set(entry) | {"hash"} != _FIELDS or entry["seq"] != seq or entry["prev"] != previous:
            raise LedgerDamaged(f"line {seq} of the privacy ledger does not follow the one before")
        if stated != _hash(entry):
            raise LedgerDamaged(f"line {seq} of the privacy ledger was changed")
        names = ("population", "purpose", "sigma", "rate", "steps")
        found.append((Charge(*(entry[name] for name in names)), stated))
        previous = stated
    return found
