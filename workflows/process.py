"""Process: what every process of the loops sets up first. Logs, telemetry, signals to stop."""

import asyncio
import json
import logging
import signal
import sys
from datetime import UTC, datetime

from prometheus_client import start_http_server
from temporalio.client import Client
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from services.settings import Settings
from workflows.codec import PayloadKeys, data_converter

logger = logging.getLogger(__name__)

# The process's own metrics are on its port, the Temporal core's ten above.
CORE_PORT_OFFSET = 10
_RECONNECT_S = 0.5
# Fields of every log record; what else a record carries was given as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "temporal_log"}


class PortInUse(RuntimeError):
    """Another process listens there. Stop it, or choose another CLINAIOPS_METRICS_PORT_BASE."""


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, event and the ids given as extra."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. Exceptions are named, not printed: their text may hold values."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {key: str(v) for key, v in vars(record).items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line)


def log_to_stdout() -> None:
    """Send every log of this process to stdout, where the supervisor keeps it."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # It logs each request with its text.
    logging.getLogger("sqlalchemy").setLevel(logging.WARNING)


def serve_metrics(settings: Settings, offset: int) -> Runtime:
    """Serve this process's metrics and return a runtime that serves the Temporal core's.

    Must come before the first Temporal client of the process.

    Raises:
        PortInUse: one of the two ports is taken.
    """
    port = settings.metrics_port_base + offset
    try:
        start_http_server(port, addr=settings.bind_host)
    except OSError as err:
        raise PortInUse(f"port {port} is in use") from err
    core_port = port + CORE_PORT_OFFSET
    try:
        return Runtime(telemetry=_telemetry(f"{settings.bind_host}:{core_port}"))
    except (RuntimeError, ValueError) as err:
        raise PortInUse(f"port {core_port} is in use") from err


def _telemetry(address: str) -> TelemetryConfig:
    # Forwarded, because a worker whose stdout pipe nobody reads hangs in the core's own writes.
    forwarding = LogForwardingConfig(logger=logging.getLogger("temporal_core"))
    return TelemetryConfig(
        logging=LoggingConfig(
            TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarding
        ),
        metrics=PrometheusConfig(bind_address=address, durations_as_seconds=True),
    )


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM or SIGINT sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def connect_when_up(
    settings: Settings, runtime: Runtime, stop: asyncio.Event
) -> Client | None:
    """Return a client, waiting for Temporal as long as it takes; None when told to stop."""
    converter = data_converter(PayloadKeys.from_json(settings.secret("payload.json")))
    while not stop.is_set():
        try:
            return await Client.connect(
                settings.temporal_address, data_converter=converter, runtime=runtime
            )
        except RuntimeError:
            logger.warning("temporal_away")
            await stopped_within(stop, _RECONNECT_S)
    return None


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for the stop at most so long; return whether it came."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
