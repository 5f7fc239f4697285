"""The models' command line: `python -m models <command> --help` says what each takes."""

import argparse
import sys

from models import agreement, card, edge_command, evaluate, train_command, trial_command
from models.artifact import BadArtifact
from models.cohort import BadCohort
from models.edge import BundleTooLarge
from models.ledger import BudgetSpent, LedgerDamaged
from models.onnx_graph import NotTheSame
from models.ranks import RankLost, RanksDiffer
from models.simulation.trial import BadTrial
from models.simulation.worlds import UnknownWorld
from models.train import PlanChanged

REFUSALS = (
    BadArtifact,
    BadCohort,
    BadTrial,
    BudgetSpent,
    BundleTooLarge,
    LedgerDamaged,
    NotTheSame,
    PlanChanged,
    RankLost,
    RanksDiffer,
    UnknownWorld,
)
"""What the operator can put right: said in one line, exit status 2."""
COMMANDS = (
    ("trial", trial_command.add_arguments, trial_command.run, "compare policies"),
    ("cohort", train_command.add_cohort, train_command.run_cohort, "simulate a cohort file"),
    ("train", train_command.add_train, train_command.run_train, "train under privacy"),
    ("audit-privacy", train_command.add_audit, train_command.run_audit, "audit the privacy"),
    ("evaluate", evaluate.add_arguments, evaluate.run, "every figure, in one page"),
    ("card", card.add_card, card.run_card, "model card and data sheet"),
    ("agreement", agreement.add_arguments, agreement.run, "learn what clinicians take"),
    ("export-edge", edge_command.add_arguments, edge_command.run, "signed bundle for a device"),
)


def main(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m models")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, declare, run, text in COMMANDS:
        command = commands.add_parser(name, help=text)
        declare(command)
        command.set_defaults(run=run)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except REFUSALS as err:
        print(f"{getattr(err, 'name', type(err).__name__)}: {err}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
