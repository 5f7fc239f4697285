"""`python -m tests.proof`: prove everything, print a table, exit 1 unless all is proved in time."""

import sys
import time

from tests.proof.claims import GROUPS, possible, removals, uncovered

LIMIT_S = 10.0


def main() -> int:
    """Return the exit code."""
    began = time.perf_counter()
    failures = 0
    count = 0
    for group in GROUPS:
        for proof in group():
            count += 1
            print(f"{proof.outcome:8} {proof.milliseconds:7.1f} ms  {proof.name}")
            failures += proof.outcome != "proved"
    taken = time.perf_counter() - began
    idle = [proof.name for proof in removals() if proof.outcome != "refuted"]
    impossible = [name for name, outcome in possible().items() if str(outcome) != "sat"]
    print(f"{count - failures} of {count} proved in {taken:.1f} s (limit {LIMIT_S:.0f} s)")
    print(f"rules whose removal breaks no proof: {idle or 'none'}")
    print(f"what the guard must leave possible and does not: {impossible or 'none'}")
    print(f"rules without a claim: {sorted(uncovered()) or 'none'}")
    return int(bool(failures or idle or impossible or uncovered() or taken > LIMIT_S))


if __name__ == "__main__":
    sys.exit(main())
