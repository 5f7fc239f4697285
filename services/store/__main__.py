"""python -m services.store COMMAND: make, migrate, run, check, back up and restore the database."""

import argparse
import asyncio
import sys
from pathlib import Path

from services import clock
from services.settings import Settings, SettingsError, load
from services.store import backup, checks, cluster, migrate, provision, rotation


def main() -> int:
    """Run one command; 0 when it did what it says, 1 with a message when it could not."""
    arguments = _parser().parse_args()
    settings = load()
    try:
        return _run(settings, arguments)
    except (cluster.ClusterError, SettingsError, backup.BackupRefused) as err:
        sys.stderr.write(f"{err}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="services.store", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init", help="make the embedded cluster, its roles and databases; migrate")
    commands.add_parser("provision", help="make roles and databases on a server of one's own")
    commands.add_parser("migrate", help="bring both databases to the newest revision")
    commands.add_parser("database", help="become the database server, in the foreground")
    commands.add_parser("check-roles", help="fail when a role may more than it should")
    commands.add_parser("rewrap", help="wrap every data key under the newest key-encryption key")
    for name, text in (
        ("backup", "write a backup into a new folder"),
        ("restore", "restore a backup into an empty home"),
    ):
        commands.add_parser(name, help=text).add_argument("folder", type=Path)
    return parser


def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "init":
            cluster.initialise(settings)
            with cluster.running(settings):
                asyncio.run(migrate.migrate(settings))
        case "provision":
            made = asyncio.run(provision.provision(settings))
            sys.stdout.write(f"made: {', '.join(made) or 'nothing, all was there'}\n")
        case "migrate":
            with cluster.running(settings):
                asyncio.run(migrate.migrate(settings))
        case "database":
            cluster.serve(settings)
        case "check-roles":
            with cluster.running(settings):
                return _report(asyncio.run(checks.role_problems(settings)))
        case "rewrap":
            with cluster.running(settings):
                count = asyncio.run(rotation.rewrap_all(settings))
            sys.stdout.write(f"{count} data keys wrapped anew\n")
        case "backup":
            with cluster.running(settings):
                backup.write(settings, arguments.folder, now=clock.now())
        case "restore":
            backup.restore(settings, arguments.folder)
    return 0


def _report(problems: list[str]) -> int:
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
