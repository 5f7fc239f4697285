"""`python -m models evaluate`: everything that a sceptic asks, in one JSON file and one page.

Worlds (the literature and those that differ from it), the small world, coverage by subgroup, ε
against error, time. All patients are simulated, and none was in the training cohort.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from models import (
    artifact,
    choice,
    cohort,
    features,
    network,
    off_policy,
    report,
    sanity,
    timing,
    train,
    trial_command,
    workload,
)
from models.artifact import Artifact
from models.cohort import Cohort
from models.ledger import Charge, Ledger
from models.network import Network
from models.privacy import Mechanism, Quantile
from models.simulation import trial
from models.simulation.legal import MoveBook
from models.simulation.people import Bools, Floats
from models.simulation.policies import POLICIES
from models.simulation.trial import Design
from models.simulation.windows import Recorder
from models.simulation.worlds import MISSPECIFIED, REFERENCE, world
from models.train import Plan, Run
from models.train_command import LEARNING_RATE, STEPS
from services import clock

HELD_OUT_SEED: Final = 770_000
Z_90: Final = 1.6449
EPSILONS: Final = (1.0, 3.0, 8.0)
Json = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `evaluate`."""
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--public-key", type=Path, default=Path("var/models/signing.pub"))
    parser.add_argument("--cohort", type=Path, required=True, help="what it was trained on")
    parser.add_argument("--patients", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--worlds", nargs="+", default=["literature", *MISSPECIFIED])
    parser.add_argument("--epsilons", type=float, nargs="+", default=list(EPSILONS))
    parser.add_argument("--steps", type=int, default=STEPS, help="of each training for --epsilons")
    parser.add_argument("--json", type=Path, default=Path("var/models/evaluation.json"))
    parser.add_argument("--html", type=Path, default=Path("var/models/evaluation.html"))


def run(options: argparse.Namespace) -> int:
    """Run the command.

    Raises:
        BadArtifact, BadCohort, UnknownWorld: refused by name.
    """
    torch.set_num_threads(1)
    model = artifact.load_signed(options.weights, artifact.read_public(options.public_key))
    windows = cohort.read(options.cohort, at_least=train.least_patients(Mechanism()))
    result: Json = {
        "simulated": "No patient here is real.",
        "model": model.manifest.model_version,
        "epsilon": model.manifest.epsilon,
        "worlds": worlds(model, options),
        "small_world": small_world(model, options),
        "coverage": coverage(model, options.patients),
        **decisions(options.patients),
        "epsilon_sweep": sweep(windows, options.patients, options.epsilons, options.steps),
        "time": timing.measured(model.network),
    }
    result["verdict"] = verdict(result["worlds"])
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=1) + "\n")
    options.html.write_text(report.page(result))
    print(json.dumps(result["verdict"], indent=1))
    return 0


def worlds(model: Artifact, options: argparse.Namespace) -> Json:
    """Return the guarded trial in every world."""
    design = Design(options.patients, 182, 28)
    found = {}
    for name in options.worlds:
        outcomes = trial_command.guarded(design, name, options.seeds, trial_command.policies(model))
        found[name] = trial_command.report(outcomes, design, name, options.seeds)
        print(f"{name}\n{trial_command.table(found[name])}", flush=True)
    return found


def small_world(model: Artifact, options: argparse.Namespace) -> Json:
    """Return the small world without a guard at both cadences, and with one level a decision."""
    found = {}
    for cadence, levels in ((28, 2), (14, 2), (28, 1)):
        design = Design(options.patients, 182, cadence)
        outcomes = trial_command.small(
            design, options.seeds, trial_command.choosers(model), levels=levels
        )
        key = f"every_{cadence}_days_{levels}_levels"
        found[key] = trial_command.report(outcomes, design, REFERENCE.name, options.seeds)
    return found


def decisions(patients: int) -> Json:
    """Return what is asked of decisions, not of pressure: off-policy estimates beside the truth,
    the loops' workload, agreement with guideline engines and a clinician's sanity.
    """
    design = Design(patients, 182, 28)
    here = world("literature")
    # The clinical core's own code looks at every simulated patient in these two.
    fewer = max(patients // 3, 20)
    return {
        "off_policy": off_policy.compared(here, design, HELD_OUT_SEED),
        "workload": workload.compared(here, fewer, seed=HELD_OUT_SEED),
        "sanity": {
            name: sanity.judged(POLICIES[name], here, Design(fewer, 182, 28), HELD_OUT_SEED)
            for name in ("filter", "titrator")
        },
    }


def coverage(model: Artifact, patients: int, world_name: str = "shifted") -> Json:
    """Return how often the 90 % interval of the next week's mean holds it, and its RMSE."""
    recorder = Recorder(patients)
    outcomes = trial.run(
        POLICIES["filter"],
        world(world_name),
        Design(patients, 364, 28),
        HELD_OUT_SEED,
        MoveBook(),
        recorder,
    )
    x, expected = np.concatenate(recorder.features), np.concatenate(recorder.expected)
    observed, spread = np.concatenate(recorder.observed), np.concatenate(recorder.spread)
    counted = np.concatenate(recorder.counted)
    weeks = len(recorder.features)
    groups = {n: np.tile(inside, weeks)[counted] for n, inside in outcomes.groups.items()}
    kept = (x[counted], expected[counted], observed[counted], spread[counted])
    return {
        "world": world_name,
        "windows": int(counted.sum()),
        "filter": _held(network.initial(0), choice.WIDEN, *kept, groups),
        "model": _held(
            model.network, model.manifest.widen, _learned(model, kept[0]), *kept[1:], groups
        ),
    }


def _learned(model: Artifact, x: Floats) -> Floats:
    return features.masked(x, wearable=model.manifest.wearable_seen)


def _held(
    net: Network,
    widen: float,
    x: Floats,
    expected: Floats,
    observed: Floats,
    spread: Floats,
    groups: dict[str, Bools],
) -> Json:
    error = observed - train.predict(net, x, expected)
    inside = np.abs(error) <= Z_90 * widen * spread
    return {
        "rmse_mmhg": round(float(np.sqrt(np.mean(error**2))), 3),
        "bias_mmhg": round(float(error.mean()), 3),
        "covered_percent": round(100 * float(inside.mean()), 2),
        "covered_percent_by_group": {
            name: round(100 * float(inside[group].mean()), 2) for name, group in groups.items()
        },
    }


class _Uncharged(Ledger):
    """For runs on simulated patients without noise: there is nobody to account to."""

    def charge(self, charge: Charge, *, limit: float, at: object) -> float:
        return 0.0


def sweep(windows: Cohort, patients: int, epsilons: list[float], steps: int) -> Json:
    """Return RMSE on held-out simulated patients at several ε, each trained afresh."""
    x, expected, observed = _held_out(patients)
    held_out = (features.masked(x, wearable=windows.wearable), expected, observed)
    found: Json = {"filter": _rmse(network.initial(0), *held_out)}
    for epsilon in (*epsilons, np.inf):
        with tempfile.TemporaryDirectory() as folder:
            found[f"{epsilon:g}"] = _rmse(
                _trained(windows, epsilon, Path(folder), steps), *held_out
            )
    return found


def _trained(windows: Cohort, epsilon: float, folder: Path, steps: int) -> Network:
    if np.isinf(epsilon):
        mechanism = replace(Mechanism(), sigma=0.0)
        plan = Plan(
            "simulated", windows.sha256, epsilon, steps, LEARNING_RATE, mechanism, Quantile()
        )
        ledger: Ledger = _Uncharged(folder / "ledger.jsonl")
    else:
        plan = train.made(
            windows,
            population="simulated",
            epsilon=epsilon,
            steps=steps,
            learning_rate=LEARNING_RATE,
            held=[],
            mechanism=Mechanism(),
        )
        ledger = Ledger(folder / "ledger.jsonl")
    return Run(windows, plan, ledger, folder / "run").finish(clock.now)


def _held_out(patients: int) -> tuple[Floats, Floats, Floats]:
    recorder = Recorder(patients)
    design = Design(patients, 364, 28)
    trial.run(POLICIES["filter"], world("shifted"), design, HELD_OUT_SEED, MoveBook(), recorder)
    counted = np.concatenate(recorder.counted)
    x, expected = np.concatenate(recorder.features), np.concatenate(recorder.expected)
    return x[counted], expected[counted], np.concatenate(recorder.observed)[counted]


def _rmse(net: Network, x: Floats, expected: Floats, observed: Floats) -> float:
    return round(float(np.sqrt(np.mean((observed - train.predict(net, x, expected)) ** 2))), 4)


def verdict(found: Json) -> Json:
    """Return, world by world, whether a ranker beats every baseline at equal moves, and is safe.

    To win it must have more time in target than each baseline (the paired interval above zero)
    with latent low pressure on 0.1 % of days at most, under 100 mmHg on 3 days a year at most,
    and no more symptoms than dual-first. What does not win stays off.
    """
    return {
        ranker: {name: _wins(result, ranker) for name, result in found.items()}
        for ranker in ("filter", "model")
    } | {"network_over_filter_points": {n: _network(r) for n, r in found.items()}}


def _wins(result: Json, ranker: str) -> Json:
    policies, mine = result["policies"], result["policies"][ranker]
    gains = {b: result["minus"][f"{ranker}-{b}"] for b in trial_command.BASELINES}
    safe = (
        mine["latent_below_105_percent"]["mean"] <= 0.1
        and mine["sbp_below_100_days_per_year"]["mean"] <= 3.0
        and mine["symptomatic_ae_percent"]["mean"]
        <= policies["dual_first"]["symptomatic_ae_percent"]["mean"]
    )
    more = all(gain["ttr_percent"]["low"] > 0 for gain in gains.values())
    shares = {b: _share(mine, policies[b]) for b in trial_command.BOUNDS}
    return {
        "wins": more and safe and result["moves"]["held_equal"],
        "points_over": {b: gain["ttr_percent"] for b, gain in gains.items()},
        "safe": safe,
        **{f"percent_of_{bound}": share for bound, share in shares.items()},
    }


def _share(ours: Json, bound: Json) -> float:
    return round(100 * float(ours["ttr_percent"]["mean"] / bound["ttr_percent"]["mean"]), 1)


def _network(result: Json) -> Json:
    return dict(result["minus"]["model-filter"]["ttr_percent"])
