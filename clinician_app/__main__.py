"""`python -m clinician_app api | dashboard | create-clinician | set-away`: composition root."""

import argparse
import asyncio
import logging
import socket
import sys
from collections.abc import Sequence
from datetime import datetime

from services import clock, settings
from services.settings import Settings, SettingsError

ROLES = ("clinician", "lead", "registrar", "auditor")
PORTS = {"api": "clinician_api_port", "dashboard": "dashboard_port"}


class PortInUse(RuntimeError):
    """Somebody listens there already. Stop that process, or set another port."""


def require_free(host: str, port: int, command: str) -> None:
    """Return when nobody listens at the port. Raises: PortInUse, with what to do."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as err:
            raise PortInUse(
                f"port {port} is in use: stop what listens there, or set "
                f"CLINAIOPS_{PORTS[command].upper()} to another port"
            ) from err


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    chosen = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(message)s")
    try:
        return _run(chosen, settings.load())
    except (SettingsError, PortInUse) as err:
        print(err, file=sys.stderr)
        return 2


def _run(chosen: argparse.Namespace, loaded: Settings) -> int:
    if chosen.command in PORTS:
        require_free(loaded.bind_host, getattr(loaded, PORTS[chosen.command]), chosen.command)
    if chosen.command == "api":
        return asyncio.run(_serve_api(loaded))
    if chosen.command == "dashboard":
        return _serve_dashboard(loaded)
    if chosen.command == "set-away":
        return asyncio.run(_set_away(loaded, chosen))
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
    away = commands.add_parser("set-away", help="let the one who covers in, until a moment")
    away.add_argument("--username", required=True)
    away.add_argument("--until", required=True, type=_moment, help="such as 2026-03-02T09:00Z")
    return parser


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("needs its offset from UTC")
    return moment


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


async def _set_away(loaded: Settings, chosen: argparse.Namespace) -> int:
    from clinician_app.accounts import AccountRefused, set_away
    from services.store import Role, Store

    store = await Store.open(loaded, Role.CLINICIAN)
    try:
        await set_away(store, chosen.username, chosen.until, now=clock.now())
    except AccountRefused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    finally:
        await store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
