"""`python -m models trial`: every policy on the same people, written as one JSON file."""

import argparse
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from models import artifact
from models.artifact import Artifact
from models.simulation import place, reference, summary, trained, trial
from models.simulation.judged import CLINICIAN_RULES, OVERRIDDEN
from models.simulation.legal import MoveBook
from models.simulation.policies import POLICIES, Policy
from models.simulation.trial import BadTrial, Design, Outcomes
from models.simulation.worlds import REFERENCE, SMALL, World, world
from services.clinical.moves import MAX_RUNGS_CLINICIAN

FIRST_SEED: Final = 20_260_101
BASELINES: Final = ("stepped_care", "dual_first", "titrator")
BOUNDS: Final = ("knowable", "oracle")
TIME: Final = "ttr_percent"
LEFT_OUT: Final = {"model": "left out: it needs --weights FOLDER, as `train` writes it"}
Json = dict[str, Any]
T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--patients", type=int, default=3000, help="simulated patients per seed")
    parser.add_argument("--days", type=int, default=182)
    parser.add_argument(
        "--cadence", type=int, default=28, help="days between decisions, 14 or more"
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--world", default="literature", help="a name of models.simulation.worlds")
    parser.add_argument("--policies", nargs="+", default=None)
    parser.add_argument(
        "--device",
        default="cpu",
        help="where the days are computed: cpu (numpy), auto (a GPU if there is one), cuda:1, ...",
    )
    parser.add_argument(
        "--weights", type=Path, default=None, help="folder: adds the `model` policy"
    )
    parser.add_argument("--public-key", type=Path, default=Path("var/models/signing.pub"))
    parser.add_argument("--json", type=Path, default=None, help="file to write")


def policies(model: Artifact | None) -> dict[str, Policy]:
    """Return every policy by name; `model` only with weights, the two bounds last."""
    return _before_the_bounds(POLICIES, None if model is None else trained.policy(model))


def choosers(model: Artifact | None) -> dict[str, reference.Chooser]:
    """Return the same for the small world."""
    known = reference.CHOOSERS
    return _before_the_bounds(known, None if model is None else trained.chooser(model))


def _before_the_bounds(known: Mapping[str, T], model: T | None) -> dict[str, T]:
    found = {name: item for name, item in known.items() if name not in BOUNDS}
    if model is not None:
        found["model"] = model
    return found | {name: known[name] for name in BOUNDS}


def guarded(
    design: Design, world_name: str, seeds: int, named: Mapping[str, Policy]
) -> dict[str, Outcomes]:
    """Return each policy's outcomes over all seeds in the full guarded world."""
    book, here = MoveBook(), world(world_name)
    return {
        name: trial.pooled(
            [trial.run(policy, here, design, FIRST_SEED + s, book) for s in range(seeds)]
        )
        for name, policy in named.items()
    }


def small(
    design: Design,
    seeds: int,
    named: Mapping[str, reference.Chooser],
    *,
    levels: int = 2,
    here: World = REFERENCE,
) -> dict[str, Outcomes]:
    """Return each policy's outcomes over all seeds in the small world without a guard."""
    return {
        name: trial.pooled(
            [
                reference.run(c, design, FIRST_SEED + s, levels=levels, world=here)
                for s in range(seeds)
            ]
        )
        for name, c in named.items()
    }


def report(found: Mapping[str, Outcomes], design: Design, world_name: str, seeds: int) -> Json:
    """Return the result as JSON: figures, subgroups, paired differences, equality of moves."""
    return {
        "world": world_name,
        "patients_per_seed": design.patients,
        "seeds": [FIRST_SEED + s for s in range(seeds)],
        "days": design.days,
        "cadence_days": design.cadence_days,
        "simulated": "No patient here is real.",
        "moves": moves_held_equal(found, world_name),
        "policies": {
            name: {**summary.figures(o), "subgroups": summary.by_group(o)}
            for name, o in found.items()
        },
        "minus": _differences(found),
    }


def moves_held_equal(found: Mapping[str, Outcomes], world_name: str) -> Json:
    """Return whether all policies chose from the same moves, and what shows it."""
    most = {name: outcomes.most_rungs_raised for name, outcomes in found.items()}
    rules = ",".join(rule.rule_id for rule in CLINICIAN_RULES)
    in_small_world = world_name in SMALL
    return {
        "held_equal": max(most.values()) <= MAX_RUNGS_CLINICIAN,
        "from": "64 regimens, two levels a decision, no guard"
        if in_small_world
        else "services.clinical.moves.legal_moves, judged by the guard's own rules",
        "rules": 0 if in_small_world else len(CLINICIAN_RULES),
        "rules_sha256": hashlib.sha256(rules.encode()).hexdigest(),
        "passed_by_the_clinician": sorted(OVERRIDDEN),
        "most_rungs_raised": most,
    }


def _differences(found: Mapping[str, Outcomes]) -> Json:
    """Return each learned policy and each bound minus each other policy, paired by patient.

    `subgroups` has time in target alone: whether a group falls behind is asked of it.
    """
    return {
        f"{ours}-{theirs}": _difference(found[ours], other)
        for ours in ("filter", "model", *BOUNDS)
        for theirs, other in found.items()
        if ours in found and ours != theirs and theirs not in BOUNDS
    }


def _difference(ours: Outcomes, theirs: Outcomes) -> Json:
    figures = summary.difference(ours, theirs)
    by_group = {
        group: {TIME: summary.difference(ours, theirs, inside)[TIME].as_json()}
        for group, inside in ours.groups.items()
        if inside.sum() > 1
    }
    return {**{name: f.as_json() for name, f in figures.items()}, "subgroups": by_group}


def table(result: Json) -> str:
    """Return the figures as text, one policy a line."""
    names = (
        "ttr_percent",
        "sbp_below_100_days_per_year",
        "latent_below_105_percent",
        "symptomatic_ae_percent",
    )
    lines = [f"{'policy':14s}" + "".join(f"{name:>30s}" for name in names)]
    for policy, figures in result["policies"].items():
        cells = (figures[name] for name in names)
        texts = (f"{c['mean']:.2f} ({c['low']:.2f} to {c['high']:.2f})" for c in cells)
        lines.append(f"{policy:14s}" + "".join(f"{text:>30s}" for text in texts))
    equal = "yes" if result["moves"]["held_equal"] else "NO"
    left_out = [f"{name} {why}" for name, why in result.get("left_out", {}).items()]
    return "\n".join([*lines, *left_out, f"moves held equal: {equal}"])


def run(options: argparse.Namespace) -> int:
    """Run the command; return the exit status.

    Raises:
        BadArtifact: the weights are refused.
        BadTrial: a figure or a policy name cannot be right.
        UnknownWorld: no such world.
    """
    design = _design(options)
    model = None
    if options.weights is not None:
        model = artifact.load_signed(options.weights, artifact.read_public(options.public_key))
    if options.world in SMALL:
        chosen = _named(choosers(model), options.policies)
        found = small(design, options.seeds, chosen, here=SMALL[options.world])
    else:
        named = _named(policies(model), options.policies)
        found = guarded(design, options.world, options.seeds, named)
    result = report(found, design, options.world, options.seeds)
    if model is None:
        result["left_out"] = LEFT_OUT
    print(table(result))
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


def _design(options: argparse.Namespace) -> Design:
    """Return the trial's design; what cannot be reported is refused before hours are spent."""
    design = Design(
        options.patients, options.days, options.cadence, where=place.place(options.device)
    )
    if options.seeds < 1:
        raise BadTrial("--seeds must be positive")
    if options.patients * options.seeds < 2:
        raise BadTrial("one patient has no interval: raise --patients or --seeds")
    if options.weights is None and "model" in (options.policies or ()):
        raise BadTrial(f"the policy model is {LEFT_OUT['model']}")
    if options.json is not None and not options.json.parent.is_dir():
        raise BadTrial(f"--json: there is no folder {options.json.parent}")
    return design


def _named(known: Mapping[str, T], names: list[str] | None) -> Mapping[str, T]:
    """Return the named policies in the order of the table; all when none is named."""
    unknown = set(names or ()) - set(known)
    if unknown:
        raise BadTrial(f"no policy {sorted(unknown)}; there are {', '.join(known)}")
    return {name: item for name, item in known.items() if names is None or name in names}
