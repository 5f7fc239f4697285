"""What every process sets up: logs without values, a clear word about a port, an orderly stop."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from dataclasses import replace

import pytest
from temporalio.runtime import Runtime

from services.settings import load
from workflows.process import JsonLines, PortInUse, serve_metrics, stop_on_signals, stopped_within


def logged(**extra: object) -> dict[str, str]:
    record = logging.makeLogRecord({"msg": "relay_broke", "levelname": "ERROR", **extra})
    line: dict[str, str] = json.loads(JsonLines().format(record))
    return line


def test_a_line_has_its_event_and_ids() -> None:
    line = logged(review_id="r-1")
    assert (line["event"], line["review_id"], line["level"]) == ("relay_broke", "r-1", "error")


def test_an_exception_is_named_and_its_text_is_not_written() -> None:
    try:
        raise ValueError("Zephyrine Quillfeather, potassium 6.1")
    except ValueError:
        line = logged(exc_info=sys.exc_info())
    assert line["error"] == "ValueError"
    assert "Quillfeather" not in json.dumps(line)


@pytest.mark.parametrize("offset_to_core", [0, 10])
def test_a_port_in_use_is_named(offset_to_core: int) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        settings = replace(load(), metrics_port_base=port - offset_to_core)
        with pytest.raises(PortInUse, match=str(port)):
            serve_metrics(settings, 0)


async def test_a_signal_stops_in_order() -> None:
    stop = stop_on_signals()
    assert not await stopped_within(stop, 0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await stopped_within(stop, 5)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)


def test_the_runtime_serves_the_cores_metrics() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        base = probe.getsockname()[1]
    assert isinstance(serve_metrics(replace(load(), metrics_port_base=base), 0), Runtime)
