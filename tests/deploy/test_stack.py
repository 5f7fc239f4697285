"""One whole stack: it comes up, guards its files and ports, and brings back what is killed."""

import os
import signal
import socket
import time
from collections.abc import Callable

import httpx
import pytest

from tests.whole_stack import WholeStack

LIMIT_S = 60.0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Return once the condition holds; the interval only spaces the questions."""
    limit = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < limit, f"{what} did not happen"
        time.sleep(0.1)


def all_run(stack: WholeStack) -> bool:
    lines = stack.run("deploy", "status").stdout.splitlines()
    return len(lines) == 9 and all("RUNNING" in line for line in lines)


def healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def test_every_process_runs(whole_stack: WholeStack) -> None:
    """Each is up at the same time; one that is started again and again never lets this hold."""
    wait_for(lambda: all_run(whole_stack), "nine running processes")


def test_no_role_that_a_process_uses_is_superuser_or_owner(whole_stack: WholeStack) -> None:
    done = whole_stack.run("services.store", "check-roles")
    assert done.returncode == 0, done.stderr


def test_a_second_stack_on_the_same_files_is_refused(whole_stack: WholeStack) -> None:
    done = whole_stack.run("deploy", "up")
    assert done.returncode == 1
    assert "already runs" in done.stderr
    assert "make down" in done.stderr


def test_a_port_in_use_is_named_with_the_setting_that_moves_it(
    whole_stack: WholeStack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        home = str(tmp_path_factory.mktemp("other"))
        environment = {**whole_stack.environment, "CLINAIOPS_HOME": home}
        environment["CLINAIOPS_GATEWAY_PORT"] = port
        other = WholeStack(whole_stack.settings, environment)
        done = other.run("deploy", "up")
    assert done.returncode == 1
    assert f"{port} (GATEWAY_PORT)" in done.stderr


@pytest.mark.parametrize(
    "program", ["worker", "relay", "sealer", "witness", "gateway", "clinician-api", "temporal"]
)
def test_what_is_killed_comes_back(whole_stack: WholeStack, program: str) -> None:
    wait_for(lambda: all_run(whole_stack), "nine running processes")
    killed = whole_stack.process_id(program)
    os.kill(killed, signal.SIGKILL)

    def is_back() -> bool:
        try:
            return whole_stack.process_id(program) != killed
        except LookupError:
            return False

    wait_for(is_back, f"a new {program}")
    settings = whole_stack.settings
    wait_for(lambda: healthy(settings.gateway_url), "the gateway's answer")
    wait_for(lambda: healthy(settings.clinician_api_url), "the clinician API's answer")
