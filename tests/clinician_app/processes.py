"""The dashboard's processes as a supervisor starts them, on this test's databases and ports."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from services.settings import Settings
from tests.temporal import EmbeddedTemporal

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 60.0


@dataclass
class Processes:
    """Child processes of one test with their logs under the stack's home."""

    settings: Settings
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def dashboard_url(self) -> str:
        """Where the browser goes."""
        return f"http://127.0.0.1:{self.settings.dashboard_port}"

    def start(self, name: str, *arguments: str) -> None:
        """Start `python -m ARGUMENTS` with this test's settings in its environment."""
        log = (self.settings.home / f"{name}.log").open("wb")
        self.running[name] = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=environment(self.settings),
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def stop(self, name: str) -> None:
        """Stop one process, at once: what it must not lose is in the database."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    async def answers(self, url: str) -> None:
        """Return when `url` answers. Raises: AssertionError with the logs when it does not."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + READY_WITHIN_S
        async with httpx.AsyncClient(trust_env=False) as http:
            while loop.time() < give_up_at:
                try:
                    if (await http.get(url)).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                # A process gives no sign of being ready but its answer.
                await asyncio.sleep(0.05)
        raise AssertionError(f"{url} does not answer\n{self.logs()}")

    def logs(self) -> str:
        """Return the last lines of every log."""
        return "\n".join(
            f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}"
            for log in sorted(self.settings.home.glob("*.log"))
        )


def environment(settings: Settings) -> dict[str, str]:
    """Return an environment that gives a child exactly these settings."""
    named = {
        name.upper(): str(getattr(settings, name))
        for name in Settings.__slots__
        if name.endswith("_port") or name in ("home", "database_name", "metrics_port_base")
    }
    address = f"postgresql://127.0.0.1:{settings.postgres_port}"
    children = {f"CLINAIOPS_{name}": value for name, value in named.items()}
    return {**os.environ, **children, "DATABASE_URL": address, "PYTHONUNBUFFERED": "1"}


@asynccontextmanager
async def dashboard(settings: Settings) -> AsyncIterator[Processes]:
    """API and dashboard; the loops are away."""
    processes = Processes(settings)
    try:
        processes.start("api", "clinician_app", "api")
        processes.start("dashboard", "clinician_app", "dashboard")
        await processes.answers(f"{settings.clinician_api_url}/healthz")
        await processes.answers(f"{processes.dashboard_url}/_stcore/health")
        yield processes
    finally:
        for name in list(processes.running):
            processes.stop(name)


@asynccontextmanager
async def dashboard_with_loops(settings: Settings) -> AsyncIterator[Processes]:
    """API, dashboard, a Temporal server, a worker and the relay."""
    server = EmbeddedTemporal(port=settings.temporal_port, namespaces=1)
    server.start()
    try:
        async with dashboard(settings) as processes:
            processes.start("worker", "workflows", "worker", "--predictor", "titrator")
            processes.start("relay", "workflows", "relay")
            yield processes
    finally:
        server.stop()
