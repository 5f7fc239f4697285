"""A whole stack on free ports in a folder of its own: the same supervisor, the same processes."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.settings import Settings, load

ROOT = Path(__file__).parents[1]
PORTS = (
    "POSTGRES_PORT",
    "TEMPORAL_PORT",
    "WITNESS_PORT",
    "GATEWAY_PORT",
    "CLINICIAN_API_PORT",
    "DASHBOARD_PORT",
)


@dataclass(frozen=True, slots=True)
class WholeStack:
    """A running stack: its settings, and the environment that gives a child the same ones."""

    settings: Settings
    environment: dict[str, str]

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run `python -m ARGUMENTS` against this stack and return what it said."""
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def process_id(self, program: str) -> int:
        """Return the process id that supervisor has for a program."""
        status = self.run("supervisor.supervisorctl", "-c", "deploy/supervisord.conf", "status")
        for line in status.stdout.splitlines():
            if line.split()[0].endswith(f":{program}") and "pid" in line:
                return int(line.split("pid ")[1].split(",")[0])
        raise LookupError(f"{program} is not running: {status.stdout}")


def free_ports(count: int) -> list[int]:
    """Return ports that were free just now; all are held until all are known."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def free_neighbours(count: int, *, near: int) -> int:
    """Return the first of `count` neighbouring free ports, below those of outgoing connections."""
    for base in range(10_000 + near % 8_000, 19_000, count):
        with ExitStack() as held:
            try:
                for port in range(base, base + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return base
    raise LookupError("no neighbouring ports are free")


def environment_for(home: Path) -> dict[str, str]:
    """Return an environment with a home and ports of its own."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    return {
        **os.environ,
        "CLINAIOPS_HOME": str(home),
        "CLINAIOPS_METRICS_PORT_BASE": str(free_neighbours(12, near=ports["GATEWAY_PORT"])),
        **{f"CLINAIOPS_{name}": str(port) for name, port in ports.items()},
        # What supervisord.conf expands; `deploy` sets the same when it starts.
        "CLINAIOPS_PYTHON": sys.executable,
        "CLINAIOPS_TEMPORAL": str(Path(sys.executable).with_name("temporal")),
    }


@contextmanager
def running_stack(home: Path) -> Iterator[WholeStack]:
    """Start a stack, hand it out, stop it."""
    environment = environment_for(home)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        stack = WholeStack(load(), environment)
    started = stack.run("deploy", "up")
    assert started.returncode == 0, started.stderr + _logs(home)
    try:
        yield stack
    finally:
        stopped = stack.run("deploy", "down")
        assert stopped.returncode == 0, stopped.stderr


def _logs(home: Path) -> str:
    """The last lines of every log, so that a failed start explains itself."""
    return "\n".join(
        f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}"
        for log in sorted((home / "logs").glob("*.log"))
    )


@pytest.fixture(scope="session")
def whole_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeStack]:
    """One stack for every test of the session that needs all processes."""
    with running_stack(tmp_path_factory.mktemp("whole") / "home") as stack:
        yield stack
