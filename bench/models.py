"""Time the models: a simulated half-year, a guarded decision, a ranking, a private step.

    python -m bench.models [--patients N] [--repeat K] [--gpu]

CPU time of this process, median of K runs. Private steps are given as ratios to a plain training
step on the same windows, taken in pairs; see `bench/private_step.py`.
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from numpy.typing import NDArray

from bench.private_step import gpu_check, step_rows
from models import network
from models.features import FEATURES
from models.predict import FilterPredictor
from models.simulation.beliefs import Beliefs
from models.simulation.body import Body
from models.simulation.course import Course
from models.simulation.judged import allowed
from models.simulation.legal import ENTRY, TARGET, MoveBook, Offered
from models.simulation.people import draw
from models.simulation.policies import Decision, chosen, filtered
from models.simulation.worlds import WORLDS
from services.clinical.moves import Path as MovePath
from services.clinical.moves import legal_moves

WORLD = WORLDS["literature"]
HALF_YEAR_DAYS = 180


def seconds(act: Callable[[], object], repeat: int) -> float:
    """Return the median CPU time of one call."""
    taken = []
    for _ in range(repeat):
        started = time.process_time()
        act()
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def half_year(patients: int) -> None:
    """Let a cohort live on two drugs."""
    chance = np.random.default_rng(1)
    body = Body(draw(patients, WORLD, chance), WORLD, chance)
    body.prescribed[:, [0, 3]] = 1.0
    for _ in range(HALF_YEAR_DAYS):
        body.live()


def decision(course: Course, beliefs: Beliefs, book: MoveBook) -> int:
    """Make moves, judge them by the guard's rules, choose by the filter; return moves judged."""
    week = course.averages()
    offered = course.offer(book, week)
    legal = allowed(course, week, book, offered)
    kept = Offered(offered.patient[legal], offered.row[legal])
    chosen(filtered(Decision(course, week, beliefs, book, kept)), kept)
    return len(offered.row)


def fifty(net: network.Network, features: NDArray[np.float64]) -> None:
    """Make shifts fifty times: one is too short for the clock."""
    for _ in range(50):
        network.shifts(net, features)


def rows(patients: int, repeat: int) -> list[tuple[str, str]]:
    """Return what is timed and its figure."""
    course, book = Course(3_000, WORLD, 1), MoveBook()
    beliefs = Beliefs(course)
    beliefs.read_week(course)
    judged = decision(course, beliefs, book)
    guarded = seconds(lambda: decision(course, beliefs, book), repeat)
    one, many = (np.zeros((n, len(FEATURES))) for n in (1, 1024))
    net = network.initial(1)
    now = ENTRY + timedelta(days=course.body.day)
    snapshot = course.snapshot(0)
    moves = legal_moves(snapshot, path=MovePath.CLINICIAN, now=now)
    ranked = seconds(lambda: FilterPredictor().rank(snapshot, moves, TARGET, now), 5 * repeat)
    found = [
        (
            f"{patients:,} patients × {HALF_YEAR_DAYS} days",
            f"{seconds(lambda: half_year(patients), repeat):.2f} s",
        ),
        (
            f"3,000 patients' decision: {judged:,} moves made, judged, scored",
            f"{1000 * guarded:.0f} ms, {1e6 * guarded / judged:.1f} µs a move",
        ),
        (f"one patient's ranking of {len(moves)} moves", f"{1000 * ranked:.2f} ms"),
    ]
    for name, x in (("1", one), ("1,024", many)):
        taken = seconds(partial(fifty, net, x), repeat) / 50
        found.append((f"shifts of {name}", f"{1000 * taken:.3f} ms"))
    return found + step_rows(net, torch.device("cpu"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--gpu", action="store_true", help="check and time CUDA instead")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.gpu:
        sys.exit(gpu_check())
    print(f"Python {platform.python_version()}, numpy {np.__version__}, torch {torch.__version__}")
    print("\n| What | Figure |\n|---|---|")
    for what, figure in rows(options.patients, options.repeat):
        print(f"| {what} | {figure} |")


if __name__ == "__main__":
    main()
