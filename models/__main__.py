"""The models' command line: `python -m models <command> --help` says what each takes."""

import argparse
import sys

from models import trial_command
from models.simulation.trial import BadTrial
from models.simulation.worlds import UnknownWorld

REFUSALS = (BadTrial, UnknownWorld)
"""What the operator can put right: said in one line, exit status 2."""


def main(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m models")
    commands = parser.add_subparsers(dest="command", required=True)
    trial = commands.add_parser("trial", help="compare policies on simulated patients")
    trial_command.add_arguments(trial)
    trial.set_defaults(run=trial_command.run)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except REFUSALS as err:
        print(f"{type(err).__name__}: {err}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
