"""Start, stop and look at one stack on this machine. Start at `up`."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
from temporalio.client import Client

from services.keyring import make_missing_secrets
from services.settings import Settings
from services.store import cluster

CONFIGURATION = Path(__file__).with_name("supervisord.conf")
START_LIMIT_S = 90.0
PROBE_EVERY_S = 0.1


class StackError(RuntimeError):
    """The stack cannot start or stop. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Supervisor:
    """supervisord of one home, spoken to through supervisorctl."""

    settings: Settings

    @property
    def environment(self) -> dict[str, str]:
        """What supervisord and its processes read: the same settings, spelled out."""
        settings = self.settings
        return {
            **settings.inherited_environment(),
            "CLINAIOPS_HOME": str(settings.home),
            "CLINAIOPS_TEMPORAL_PORT": str(settings.temporal_port),
            "CLINAIOPS_PYTHON": sys.executable,
            "CLINAIOPS_TEMPORAL": temporal_command(),
            "PYTHONUNBUFFERED": "1",
        }

    def start(self) -> None:
        """Start supervisord under the stack's lock; its processes are started one by one later."""
        log = (self.settings.home / "logs" / "supervisord.out").open("ab")
        subprocess.Popen(
            [
                *(sys.executable, "-m", "deploy.exclusive", self.settings.home / "run/stack.lock"),
                *(sys.executable, "-m", "supervisor.supervisord", "-c", CONFIGURATION),
            ],
            env=self.environment,
            cwd=CONFIGURATION.parent.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one supervisorctl command and return what it said."""
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "supervisor.supervisorctl",
                "-c",
                str(CONFIGURATION),
                *arguments,
            ],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def running(self) -> bool:
        """Whether supervisord answers."""
        return self.ask("pid").stdout.strip().isdecimal()


def temporal_command() -> str:
    """Return the path of Temporal's own server from the environment that runs this program.

    Raises:
        StackError: it is not installed.
    """
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise StackError("the temporal program is missing: run `make` to install it")
    return found


def ports(settings: Settings) -> dict[str, int]:
    """Return the ports that the stack listens on, by the name of the setting that moves each."""
    return {
        "POSTGRES_PORT": settings.postgres_port,
        "TEMPORAL_PORT": settings.temporal_port,
        "WITNESS_PORT": settings.witness_port,
        "GATEWAY_PORT": settings.gateway_port,
        "CLINICIAN_API_PORT": settings.clinician_api_port,
        "DASHBOARD_PORT": settings.dashboard_port,
    }


def require_free_ports(settings: Settings) -> None:
    """Raise StackError naming every port that something else already listens on."""
    busy = [f"{port} ({name})" for name, port in ports(settings).items() if _listening(port)]
    if busy:
        raise StackError(
            f"ports in use: {', '.join(busy)}. Stop what listens there, or choose other ports: "
            "CLINAIOPS_<NAME>=<port> make up"
        )


def up(settings: Settings, say: Callable[[str], None] = print) -> None:
    """Start everything and return when every door answers.

    Raises:
        StackError: a second stack, a port in use, or a process that does not come up.
    """
    supervisor = Supervisor(settings)
    if supervisor.running():
        raise StackError(
            f"a stack already runs on {settings.home}: use it, or stop it: `make down`"
        )
    require_free_ports(settings)
    for folder in ("run", "logs"):
        (settings.home / folder).mkdir(parents=True, exist_ok=True)
    make_missing_secrets(settings.home)
    supervisor.start()
    try:
        _await("supervisor", supervisor.running, settings)
        _start_database(supervisor, say)
        _start_engine(supervisor, say)
        _start_doors(supervisor, say)
    except StackError:
        down(settings, say)
        raise


def down(settings: Settings, say: Callable[[str], None] = print) -> None:
    """Stop the doors and workers first, the database last, and return when all have ended."""
    supervisor = Supervisor(settings)
    if not supervisor.running():
        say("no stack is running")
        return
    for group in ("app:*", "engine:*", "store:*"):
        supervisor.ask("stop", group)
    supervisor.ask("shutdown")
    _await("the end of supervisor", lambda: not supervisor.running(), settings)
    say("stopped")


def _start_database(supervisor: Supervisor, say: Callable[[str], None]) -> None:
    say("database …")
    is_new = not cluster.is_embedded(supervisor.settings)
    _prepare(supervisor, "services.store", "init")
    supervisor.ask("start", "store:database")
    _await("database", lambda: cluster.answers(supervisor.settings), supervisor.settings)
    if is_new:
        # Only for a log without a leaf: a witness that starts anew later would hide a fork.
        _prepare(supervisor, "compliance", "begin-witness")


def _start_engine(supervisor: Supervisor, say: Callable[[str], None]) -> None:
    say("temporal …")
    supervisor.ask("start", "engine:temporal")
    address = supervisor.settings.temporal_address
    _await("temporal", lambda: asyncio.run(_temporal_answers(address)), supervisor.settings)


def _start_doors(supervisor: Supervisor, say: Callable[[str], None]) -> None:
    say("workers, gateway, clinician API, dashboard …")
    supervisor.ask("start", "app:*")
    settings = supervisor.settings
    doors = (
        ("gateway", f"{settings.gateway_url}/healthz"),
        ("clinician-api", f"{settings.clinician_api_url}/healthz"),
        ("dashboard", f"http://127.0.0.1:{settings.dashboard_port}/_stcore/health"),
    )
    for name, url in doors:
        _await(name, partial(_door_answers, supervisor, url), settings)
    _await("every process", lambda: all_running(supervisor), settings)


def _door_answers(supervisor: Supervisor, url: str) -> bool:
    """Whether the door answers.

    Raises:
        StackError: supervisor has given a process up, so that waiting on is of no use.
    """
    gone = [line.split()[0] for line in _status_lines(supervisor) if "FATAL" in line]
    if gone:
        raise StackError(f"{', '.join(gone)} cannot start: see {supervisor.settings.home / 'logs'}")
    return _answers(url)


def _status_lines(supervisor: Supervisor) -> list[str]:
    return supervisor.ask("status").stdout.splitlines()


def all_running(supervisor: Supervisor) -> bool:
    """Whether supervisor says RUNNING of every process."""
    lines = _status_lines(supervisor)
    return bool(lines) and all("RUNNING" in line for line in lines)


def _prepare(supervisor: Supervisor, *command: str) -> None:
    """Run one step, `python -m COMMAND`, and say what it said when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=supervisor.environment,
        cwd=CONFIGURATION.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StackError(f"the step {' '.join(command)!r} failed:\n{done.stderr.strip()}")


def _await(name: str, ready: Callable[[], bool], settings: Settings) -> None:
    """Wait until `ready` holds; the condition decides, the interval only spaces the questions."""
    limit = time.monotonic() + START_LIMIT_S
    while not ready():
        if time.monotonic() > limit:
            raise StackError(f"{name} did not answer in time: see {settings.home / 'logs'}")
        time.sleep(PROBE_EVERY_S)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


async def _temporal_answers(address: str) -> bool:
    try:
        client = await Client.connect(address)
        return await client.service_client.check_health()
    except RuntimeError:
        return False


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a port in TIME_WAIT is free, one with a listener is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
