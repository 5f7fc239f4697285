"""`python -m clinician_app api | dashboard | create-clinician`: this door's composition root."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from services import clock, settings
from services.settings import Settings

ROLES = ("clinician", "lead", "registrar", "auditor")


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    chosen = _parser().parse_args(arguments)
    loaded = settings.load()
    if chosen.command == "api":
        return asyncio.run(_serve_api(loaded))
    if chosen.command == "dashboard":
        return _serve_dashboard(loaded)
    return asyncio.run(_create_clinician(loaded, chosen))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m clinician_app")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("api", help="serve the clinician API")
    commands.add_parser("dashboard", help="serve the dashboard")
    create = commands.add_parser("create-clinician", help="make an account; password from stdin")
    create.add_argument("--username", required=True)
    create.add_argument("--name", required=True, help="as printed beside a signature")
    create.add_argument("--role", required=True, choices=ROLES)
    create.add_argument("--cover", metavar="USERNAME", help="who acts while this one is away")
    return parser


async def _serve_api(loaded: Settings) -> int:
    import uvicorn

    from clinician_app.api.app import create_app
    from services.store import Role, Store
    from workflows import client

    store = await Store.open(loaded, Role.CLINICIAN)
    try:
        app = create_app(loaded, store, await client.connect(loaded))
        # uvicorn's own access log would write paths, and paths hold ids.
        config = uvicorn.Config(
            app,
            host=loaded.bind_host,
            port=loaded.clinician_api_port,
            access_log=False,
            log_level="warning",
            server_header=False,
        )
        await uvicorn.Server(config).serve()
    finally:
        await store.close()
    return 0


def _serve_dashboard(loaded: Settings) -> int:
    from clinician_app.dashboard import run

    run(loaded)
    return 0


async def _create_clinician(loaded: Settings, chosen: argparse.Namespace) -> int:
    from clinician_app.accounts import AccountRefused, NewAccount, create_account
    from services.store import Role, Store

    password = sys.stdin.readline().rstrip("\n")
    account = NewAccount(chosen.username, chosen.name, chosen.role, chosen.cover, password)
    store = await Store.open(loaded, Role.CLINICIAN)
    try:
        clinician_id = await create_account(store, account, now=clock.now())
    except AccountRefused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    finally:
        await store.close()
    print(clinician_id)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
