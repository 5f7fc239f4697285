"""Time rankings as they are served: alone and by several who ask at once.

    python bench/serving.py [--rankings N] [--weights DIR --public-key FILE]

Wall-clock time from asking to the answer, with the limit lifted so that late answers are seen and
counted; CPU time of the process for each ranking. Without weights a random network stands in: its
corrections cost the same. `direct` has no thread, no batch and no limit.
"""

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from models import accelerated, artifact
from models.predict import FilterPredictor, ModelPredictor
from models.serving import LIMITS, Served
from models.simulation.course import Course
from models.simulation.legal import ENTRY, TARGET
from models.simulation.worlds import WORLDS
from services.clinical.moves import Path as MovePath
from services.clinical.moves import legal_moves
from services.clinical.proposal import Predictor
from tests.models import models_made

ASKING = (1, 8, 32)
PATIENTS = 64
Ask = Callable[[int], float]
PATIENT_LIMITS = replace(LIMITS, answer_within_s=60.0)


def asker(predictor: Predictor) -> Ask:
    """Return what ranks for one of the simulated patients and gives the seconds it took."""
    course = Course(PATIENTS, WORLDS["literature"], 1)
    now = ENTRY + timedelta(days=course.body.day)
    people = [course.snapshot(place) for place in range(PATIENTS)]
    moves = [legal_moves(person, path=MovePath.CLINICIAN, now=now) for person in people]

    def ask(number: int) -> float:
        place = number % PATIENTS
        started = time.perf_counter()
        predictor.rank(people[place], moves[place], TARGET, now)
        return time.perf_counter() - started

    return ask


def row(name: str, predictor: Predictor, asking: int, count: int) -> str:
    """Return one line of the table."""
    ask = asker(predictor)
    with ThreadPoolExecutor(asking) as pool:
        list(pool.map(ask, range(PATIENTS)))
        started, cpu = time.perf_counter(), time.process_time()
        found = list(pool.map(ask, range(count)))
        took, cpu = time.perf_counter() - started, time.process_time() - cpu
    p50, p95, p99 = (1000 * q for q in np.quantile(found, (0.5, 0.95, 0.99)))
    late = sum(seconds > LIMITS.answer_within_s for seconds in found)
    return (
        f"| {name} | {asking} | {p50:.1f} | {p95:.1f} | {p99:.1f} | {count / took:.0f} |"
        f" {1000 * cpu / count:.2f} | {late} |"
    )


def model(options: argparse.Namespace) -> ModelPredictor:
    """Return the trained model that was given, or a stand-in of the same shape."""
    if options.weights is not None:
        return accelerated.load(options.weights, options.public_key)
    with TemporaryDirectory() as folder:
        held = models_made.made(Path(folder), artifact.make_key(Path(folder) / "key.pem"))
    return models_made.predictor(held)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rankings", type=int, default=1_000)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--public-key", type=Path, default=Path("var/models/signing.pub"))
    options = parser.parse_args()
    print("| Predictor | at once | P50 ms | P95 ms | P99 ms | rankings/s | CPU ms | over 200 ms |")
    print("|---|---|---|---|---|---|---|---|")
    trained = model(options)
    for name, ranker in (("filter", FilterPredictor()), ("filter + network", trained)):
        print(row(f"{name}, direct", ranker, 1, options.rankings))
        for asking in ASKING:
            served = Served(ranker, PATIENT_LIMITS)
            print(row(f"{name}, served", served, asking, options.rankings))
            served.close()
        alone = Served(ranker, replace(PATIENT_LIMITS, most_together=1))
        print(row(f"{name}, served one by one", alone, 32, options.rankings))
        alone.close()


if __name__ == "__main__":
    main()
