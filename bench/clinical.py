"""How long one judgement takes: `python -m bench.clinical`, exit 1 over the limit.

A judgement is `guard.judge` from snapshot to verdict: a week of 26 readings, four labs, a plan.
"""

import sys
import time
import timeit
from collections.abc import Callable

from services.clinical.facts import facts
from services.clinical.guard import judge, judge_facts
from services.clinical.moves import Path
from tests.services.clinical.examples import NOW, UP, envelope, proposal, snapshot

LIMIT_US = 100.0
ROUNDS, REPEATS = 2_000, 7


def microseconds(run: Callable[[], object]) -> float:
    """Return the best of several means of CPU time, which a busy machine does not stretch much."""
    times = timeit.repeat(run, timer=time.process_time, number=ROUNDS, repeat=REPEATS)
    return 1e6 * min(times) / ROUNDS


def measure() -> dict[str, float]:
    """Return microseconds by part."""
    patient, plan, asked = snapshot(), envelope(), proposal(UP, Path.PATIENT)
    read = facts(patient, asked, plan, NOW)
    return {
        "judge": microseconds(lambda: judge(asked, patient, plan, NOW)),
        "judge_facts": microseconds(lambda: judge_facts(read, asked)),
    }


def main() -> int:
    """Print the figures and return the exit code."""
    measured = measure()
    for name, value in measured.items():
        print(f"{name}: {value:.1f} µs, {value / LIMIT_US:.2f} of the limit of {LIMIT_US:.0f} µs")
    return int(measured["judge"] > LIMIT_US)


if __name__ == "__main__":
    sys.exit(main())
