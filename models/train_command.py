"""`python -m models cohort`, `train` and `audit-privacy`."""

import argparse
import json
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from models import artifact, audit, cohort, network, ranks, train
from models.cohort import Cohort
from models.ledger import POPULATION_LIMIT, BudgetSpent, Ledger
from models.network import TRAINED, Network
from models.privacy import Mechanism
from models.simulation import trial
from models.simulation.legal import MoveBook
from models.simulation.policies import POLICIES
from models.simulation.trial import Design
from models.simulation.windows import Recorder
from models.simulation.worlds import world
from models.train import Plan, Run
from services import clock

STEPS: Final = 300
LEARNING_RATE: Final = 0.005
AUDIT_SEED: Final = 515_000


def add_cohort(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `cohort`."""
    parser.add_argument("--world", default="shifted")
    parser.add_argument("--patients", type=int, default=3600)
    parser.add_argument("--days", type=int, default=364)
    parser.add_argument("--seed", type=int, default=901)
    parser.add_argument("--out", type=Path, required=True)


def run_cohort(options: argparse.Namespace) -> int:
    """Write a cohort file of simulated patients under the filter."""
    recorder = recorded(options.world, options.patients, options.days, options.seed)
    cohort.write(options.out, cohort.header("simulated", wearable=True), recorder.patients())
    print(f"{options.out}: simulated patients of the world {options.world}")
    return 0


def recorded(world_name: str, patients: int, days: int, seed: int) -> Recorder:
    """Return the windows of one simulated cohort under the filter."""
    recorder = Recorder(patients)
    design = Design(patients, days, 28)
    trial.run(POLICIES["filter"], world(world_name), design, seed, MoveBook(), recorder)
    return recorder


def add_train(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `train`."""
    parser.add_argument("--cohort", type=Path, required=True, help="a cohort file")
    parser.add_argument("--epsilon", type=float, default=3.0, help="all retrains together")
    parser.add_argument("--population", default="clinic", help="whose patients, for the ledger")
    parser.add_argument("--ledger", type=Path, default=Path("var/models/privacy.jsonl"))
    parser.add_argument("--folder", type=Path, default=Path("var/models/run"))
    parser.add_argument("--key", type=Path, default=Path("var/models/signing.pem"))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--learning-rate", type=float, default=LEARNING_RATE)
    parser.add_argument("--layers", choices=sorted(TRAINED), default="all", help="what is trained")
    parser.add_argument(
        "--processes", type=int, default=None, help="that train together; default: one a GPU"
    )
    parser.add_argument(
        "--mixed-precision", action="store_true", help="bfloat16 forward pass on a GPU"
    )


def run_train(options: argparse.Namespace) -> int:
    """Train, or go on where a killed run stopped; write the signed model.

    Raises:
        BadCohort, BudgetSpent, LedgerDamaged, PlanChanged, RankLost: refused by name.
    """
    torch.set_num_threads(1)
    if not 0.0 < options.epsilon <= POPULATION_LIMIT:
        raise BudgetSpent(f"--epsilon must be above 0 and at most {POPULATION_LIMIT:g}")
    mechanism = Mechanism()
    windows = cohort.read(options.cohort, at_least=train.least_patients(mechanism))
    ledger = Ledger(options.ledger)
    plan = train.read_plan(options.folder) or _planned(options, windows, ledger, mechanism)
    plan = _as_asked(plan, options, windows)
    count = ranks.most() if options.processes is None else options.processes
    if count > 1:
        train.together(count, options.cohort, plan, ledger, options.folder)
    run = Run(windows, plan, ledger, options.folder)
    trained = run.finish(clock.now, lambda step: print(f"step {step}", flush=True))
    widen = run.spread(trained, clock.now())
    manifest = train.manifest(run, trained, widen)
    artifact.save_signed(options.folder, trained, manifest, artifact.make_key(options.key))
    print(f"epsilon {manifest.epsilon} of {options.epsilon:g} spent on {plan.population!r}")
    return 0


def _planned(
    options: argparse.Namespace, windows: Cohort, ledger: Ledger, mechanism: Mechanism
) -> Plan:
    held = ledger.charges(options.population)
    try:
        plan = train.made(
            windows,
            population=options.population,
            epsilon=options.epsilon,
            steps=options.steps,
            learning_rate=options.learning_rate,
            held=held,
            mechanism=mechanism,
        )
    except ValueError as err:
        raise BudgetSpent(f"population {options.population!r}: {err}") from err
    return replace(plan, layers=options.layers, mixed_precision=options.mixed_precision)


def _as_asked(plan: Plan, options: argparse.Namespace, windows: Cohort) -> Plan:
    """Return the plan; a folder with another run's plan is refused by `Run`."""
    asked = replace(
        plan,
        population=options.population,
        cohort_sha256=windows.sha256,
        epsilon=options.epsilon,
        steps=options.steps,
        learning_rate=options.learning_rate,
        layers=options.layers,
        mixed_precision=options.mixed_precision,
    )
    changed = [f.name for f in fields(plan) if getattr(plan, f.name) != getattr(asked, f.name)]
    if changed:
        raise train.PlanChanged(
            f"{options.folder} holds a run with other {', '.join(changed)}; use a new folder"
        )
    return plan


def add_audit(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `audit-privacy`."""
    parser.add_argument("--epsilon", type=float, default=3.0)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--patients", type=int, default=3600, help="members; as many are not")
    parser.add_argument("--days", type=int, default=140)
    parser.add_argument("--json", type=Path, default=None)


def run_audit(options: argparse.Namespace) -> int:
    """Audit an honest run and every planted bug; exit 1 when one is missed or the run fails."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        result = audited(options, Path(folder))
    for name, caught in result["planted_caught_by"].items():
        print(f"{name:30s} caught by {', '.join(caught) or 'NOTHING'}")
    print(json.dumps({key: result[key] for key in ("membership", "epsilon_ledger")}))
    print("passed" if result["passed"] else "FAILED")
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if result["passed"] else 1


def audited(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return the whole audit: an honest training run, its checks, the attack, the planted bugs."""
    members, others = (
        _simulated(options, folder / f"{name}.jsonl", AUDIT_SEED + place)
        for place, name in enumerate(("members", "others"))
    )
    ledger = Ledger(folder / "ledger.jsonl")
    plan = train.made(
        members,
        population="audit",
        epsilon=options.epsilon,
        steps=options.steps,
        learning_rate=LEARNING_RATE,
        held=[],
        mechanism=Mechanism(),
    )
    run = Run(members, plan, ledger, folder / "run")
    trained = run.finish(clock.now)
    run.spread(trained, clock.now())
    claimed, mechanism = ledger.epsilon("audit"), plan.mechanism
    honest = audit.checks(audit.Subject("honest"), mechanism, options.steps, claimed)
    bugs = {
        bug.name: audit.checks(bug, mechanism, options.steps, claimed) for bug in audit.planted()
    }
    caught = {name: audit.caught_by(found) for name, found in bugs.items()}
    attack = audit.membership(_loss(members, trained), _loss(others, trained))
    failed = audit.caught_by(honest)
    return {
        "simulated": "No patient here is real.",
        "epsilon_ledger": claimed,
        "sigma": mechanism.sigma,
        "honest": honest,
        "honest_failed": failed,
        "membership": attack,
        "planted_caught_by": caught,
        "planted": bugs,
        "passed": not failed and all(caught.values()) and attack["low"] <= 0.52,
    }


def _simulated(options: argparse.Namespace, path: Path, seed: int) -> Cohort:
    recorder = recorded("shifted", options.patients, options.days, seed)
    cohort.write(path, cohort.header("simulated", wearable=True), recorder.patients())
    return cohort.read(path, at_least=train.least_patients(Mechanism()))


def _loss(windows: Cohort, trained: Network) -> np.ndarray:
    """Return each patient's loss less the untrained network's: what training did for them."""
    before = network.initial(0)
    worse = [
        np.abs(windows.observed - train.predict(n, windows.features, windows.expected))
        for n in (trained, before)
    ]
    change = worse[0] - worse[1]
    count = np.bincount(windows.patient)
    return np.asarray(np.bincount(windows.patient, change) / count)
