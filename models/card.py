"""`python -m models card`: what goes with the model when it leaves training."""

import argparse
import json
from pathlib import Path
from typing import Any

from models import artifact
from models.artifact import Artifact
from models.features import FEATURES, RECORD_FEATURES
from models.network import SHIFT_MMHG


def add_card(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `card`."""
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--public-key", type=Path, default=Path("var/models/signing.pub"))
    parser.add_argument("--evaluation", type=Path, default=None, help="JSON of `evaluate`")
    parser.add_argument("--out", type=Path, default=None)


def run_card(options: argparse.Namespace) -> int:
    """Print or write the model card with its data sheet.

    Raises:
        BadArtifact: the weights are refused.
    """
    model = artifact.load_signed(options.weights, artifact.read_public(options.public_key))
    held = None if options.evaluation is None else json.loads(options.evaluation.read_text())
    text = card(model, held)
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text)
    return 0


def card(model: Artifact, evaluation: dict[str, Any] | None) -> str:
    """Return the card as Markdown; without an evaluation it says that there is none."""
    m = model.manifest
    wearable = "seen" if m.wearable_seen else "not in the training data, set to average in use"
    lines = [
        f"# Model card: {m.model_version}",
        "",
        "**Use**: ranks the legal, guarded dose moves of one patient with high blood pressure. It "
        "adds no move, names no dose, and abstains when it cannot tell.",
        "",
        "**Not for**: anyone outside the guard's rules; choosing a dose; judging a single reading.",
        "",
        "**How**: a closed-form dose-response filter per patient; a network of "
        f"{len(FEATURES)} features shifts the untreated level by at most {SHIFT_MMHG:g} mmHg.",
        "",
        f"**Privacy**: the patient is the unit; ε {m.epsilon} at δ {m.delta:g} for population "
        f"{m.population!r}, spread quantile included; σ {m.sigma:g}, rate {m.rate:g}, clip "
        f"{m.clip:g}, {m.steps} steps.",
        "",
        "## Data sheet",
        f"- Cohort file sha256 `{m.cohort_sha256}`.",
        f"- Features `{m.feature_version}`: {len(RECORD_FEATURES)} of the record, "
        f"{len(FEATURES) - len(RECORD_FEATURES)} of the wearable ({wearable}).",
        "- Only patients who agreed to research; random subject ids; numbers only.",
        "- Clinicians' decisions are not among the labels: the next week's mean is.",
        "",
        "## Evaluation",
        *_results(evaluation),
    ]
    return "\n".join(lines) + "\n"


def _results(evaluation: dict[str, Any] | None) -> list[str]:
    if evaluation is None:
        return ["None given: nothing is claimed. Run `python -m models evaluate`."]
    verdict = evaluation["verdict"]
    lines = [
        f"{evaluation['simulated']} Time in target against baselines at equal moves:",
        "",
        "| World | model wins | percent of what could be known | percent of oracle "
        "| network over filter, points (95 %) |",
        "|---|---|---|---|---|",
    ]
    for name, held in verdict["model"].items():
        gain = verdict["network_over_filter_points"][name]
        lines.append(
            f"| {name} | {'yes' if held['wins'] else 'no'} | {held['percent_of_knowable']} | "
            f"{held['percent_of_oracle']} | "
            f"{gain['mean']:+.2f} ({gain['low']:+.2f} to {gain['high']:+.2f}) |"
        )
    covered = evaluation["coverage"]["model"]
    lines += ["", f"90 % intervals held {covered['covered_percent']} % of next weeks; by group:"]
    lines += [f"- {g}: {s} %" for g, s in covered["covered_percent_by_group"].items()]
    return [*lines, *_decisions(evaluation)]


def _decisions(evaluation: dict[str, Any]) -> list[str]:
    """Return what is known of the filter's decisions, on which the network's rest."""
    held, work = evaluation["sanity"]["filter"], evaluation["workload"]
    loops, reviewed = work["arms"]["the_loops"], work["arms"]["review_of_every_step"]
    minutes = "clinician_minutes_per_year"
    return [
        "",
        f"Best moves that a clinician's checklist lets pass: {held['sane_percent']['mean']} %. By "
        "objection:",
        *(f"- {name}: {share} %" for name, share in held["frowned_at_percent"].items()),
        "",
        f"Steps taken alone inside a plan: {loops['steps_alone_percent']} %; a clinician's minutes "
        f"a patient-year: {loops[minutes]['mean']} with plans, {reviewed[minutes]['mean']} where "
        "every step is reviewed (minutes per task are assumed).",
        "",
        "Off-policy estimates rank the policies as the simulator does: "
        + ", ".join(
            f"{name} {'yes' if same else 'no'}"
            for name, same in evaluation["off_policy"]["ranks_as_the_truth"].items()
        )
        + ".",
        "",
        "Gaps between subgroups and the other worlds are in the evaluation's JSON and page.",
    ]
