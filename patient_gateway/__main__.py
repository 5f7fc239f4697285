"""`python -m patient_gateway`: the composition root of the gateway's process."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from patient_gateway.app import create_app
from patient_gateway.logs import log_as_json
from services.settings import SettingsError, load
from services.store import Role, Store
from workflows.client import connect

logger = logging.getLogger("clinaiops.gateway")


class PortTaken(RuntimeError):
    """The gateway cannot listen where it is told to."""


class _Server(uvicorn.Server):
    """Uvicorn raises a stop signal again when it is done, and the store would never be closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let a stop signal end the serving, and nothing else."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self.handle_exit, number, None)
        yield


async def serve() -> None:
    """Serve until a stop signal; requests in flight are finished first.

    Raises:
        SettingsError: a secret is missing.
        PortTaken: something else listens there.
    """
    settings = load()
    store = await Store.open(settings, Role.GATEWAY, pool_size=10)
    try:
        app = create_app(settings, store, await connect(settings))
        config = uvicorn.Config(
            app,
            # Its own access log would write paths, and a path holds ids; `observe` writes ours.
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=10,
            timeout_keep_alive=30,
        )
        with _listener(settings.bind_host, settings.gateway_port) as listener:
            logger.info("listening", extra={"port": settings.gateway_port})
            await _Server(config).serve(sockets=[listener])
    finally:
        await store.close()


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=2048)
    except OSError as err:
        raise PortTaken(
            f"cannot listen on {host}:{port} ({err.strerror}); stop what is there, or set"
            " CLINAIOPS_GATEWAY_PORT"
        ) from err


def main() -> int:
    """Run the process; return its exit status."""
    log_as_json()
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        asyncio.run(serve())
    except (SettingsError, PortTaken) as err:
        print(f"patient_gateway: {err}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
