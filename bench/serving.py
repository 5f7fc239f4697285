"""Time rankings: one by itself, many on arrays, and as they are served to several who ask at once.

    python bench/serving.py [--rankings N] [--weights DIR --public-key FILE]

First CPU time, the least of many runs, with how much slower than the reference machine this one is
at the moment: by a simulated half-year, whose time there is known (`bench/models.md`). Then
wall-clock time from asking to the answer, with the limit lifted so that late answers are seen and
counted; CPU time of the process for each ranking. Without weights a random network stands in: its
shifts cost the same. `direct` has no thread, no batch and no limit.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from bench.models import HALF_YEAR_DAYS, half_year, seconds
from models import accelerated, artifact, choice, dosage
from models.literature import CLASSES
from models.predict import FilterPredictor, ModelPredictor
from models.serving import LIMITS, Served
from models.simulation.course import Course
from models.simulation.legal import ENTRY, TARGET
from models.simulation.worlds import WORLDS
from services.clinical.formulary import Drug
from services.clinical.moves import Path as MovePath
from services.clinical.moves import legal_moves
from services.clinical.proposal import Predictor
from tests.models import models_made
from tests.models.patients import NOW, changed, prescription, snapshot

ASKING = (1, 8, 32)
PATIENTS = 64
Ask = Callable[[int], float]
REFERENCE_S = 0.32
"""10,000 simulated half-years on the reference machine."""
MANY, REGIMENS = 1_024, 10
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


def least_ms(act: Callable[[], object], runs: int = 200) -> float:
    """Return the least CPU time of one call: what other work adds is never taken off it."""
    taken = []
    for _ in range(runs):
        started = time.process_time()
        act()
        taken.append(time.process_time() - started)
    return 1000 * min(taken)


def half_a_year_read(predictor: Predictor) -> Callable[[], object]:
    """Return one ranking for a patient on three drugs who measured twice a day for half a year."""
    doses = ((Drug.AMLODIPINE, 5_000), (Drug.LOSARTAN, 50_000), (Drug.CHLORTHALIDONE, 12_500))
    regimen = tuple(prescription(drug, dose_ug) for drug, dose_ug in doses)
    moved = (changed(Drug.LOSARTAN, 25_000, 50_000, days_ago=60),)
    patient = snapshot([146.0] * HALF_YEAR_DAYS, regimen, moved)
    moves = legal_moves(patient, path=MovePath.CLINICIAN, now=NOW)
    return lambda: predictor.rank(patient, moves, TARGET, NOW)


def on_arrays() -> Callable[[], object]:
    """Return the best of ten regimens for each of 1,024 patients, from their posteriors."""
    chance = np.random.default_rng(1)
    patient = np.repeat(np.arange(MANY), REGIMENS)
    mean = dosage.prior_mean() * chance.uniform(0.8, 1.2, (MANY, dosage.STATES))
    covariance = np.tile(np.diag(dosage.PRIOR_SD**2), (MANY, 1, 1))
    shape = (len(patient), len(CLASSES))
    exposure = chance.uniform(0.0, 2.0, shape) * (chance.random(shape) < 0.4)
    drugs = chance.integers(0, 3, len(patient)).astype(float)

    def best() -> object:
        rows = dosage.row(dosage.effects(exposure), mean[patient, 0])
        level = (rows * mean[patient]).sum(1)
        _, low, score = choice.scores(
            level,
            dosage.spread(rows, covariance[patient]),
            symptoms=choice.symptom_probabilities(exposure),
            drugs_changed=drugs,
            skipped=choice.lines_skipped(0.8 * exposure, exposure),
            upper_mmhg=float(TARGET.systolic_below_mmhg),
        )
        return choice.rank_keys(low, score).reshape(MANY, REGIMENS).argmax(1)

    return best


def alone(rankers: Sequence[tuple[str, Predictor]]) -> None:
    """Print the table of CPU times."""
    slower = seconds(lambda: half_year(10_000), 3) / REFERENCE_S
    print(f"this machine takes {slower:.2f} times the reference machine's time at the moment\n")
    print("| What | CPU ms | on the reference machine, about |\n|---|---|---|")
    found = [(f"{MANY:,} rankings of {REGIMENS} regimens on arrays", least_ms(on_arrays()))]
    for name, ranker in rankers:
        ask = asker(ranker)
        week = np.mean([least_ms(partial(ask, place), 20) for place in range(PATIENTS)])
        found.append((f"{name}, one ranking, a week of readings", float(week)))
        half = least_ms(half_a_year_read(ranker))
        found.append((f"{name}, one ranking, half a year of readings twice a day", half))
    for what, took_ms in found:
        print(f"| {what} | {took_ms:.2f} | {took_ms / slower:.2f} |")


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
    trained = model(options)
    rankers: tuple[tuple[str, FilterPredictor | ModelPredictor], ...] = (
        ("filter", FilterPredictor()),
        ("filter + network", trained),
    )
    alone(rankers)
    print(
        "\n| Predictor | at once | P50 ms | P95 ms | P99 ms | rankings/s | CPU ms | over 200 ms |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, ranker in rankers:
        print(row(f"{name}, direct", ranker, 1, options.rankings))
        for asking in ASKING:
            served = Served(ranker, PATIENT_LIMITS)
            print(row(f"{name}, served", served, asking, options.rankings))
            served.close()
        single = Served(ranker, replace(PATIENT_LIMITS, most_together=1))
        print(row(f"{name}, served one by one", single, 32, options.rankings))
        single.close()


if __name__ == "__main__":
    main()
