"""The process itself: a real socket, a clear refusal without secrets, a clean stop."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services import clock
from services.settings import Settings
from tests.patient_gateway.phones import Clock, bundle, clinician_token
from tests.stack import free_port

ROOT = Path(__file__).parents[2]


def environment(settings: Settings, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "CLINAIOPS_HOME": str(settings.home),
        "CLINAIOPS_POSTGRES_PORT": str(settings.postgres_port),
        "CLINAIOPS_DATABASE_NAME": settings.database_name,
        "CLINAIOPS_GATEWAY_PORT": str(port),
        "CLINAIOPS_TEMPORAL_PORT": str(free_port()),
    }


@pytest.fixture
def process(settings: Settings) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    started = subprocess.Popen(
        [sys.executable, "-m", "patient_gateway"],
        cwd=ROOT,
        env=environment(settings, port),
        stderr=subprocess.PIPE,
    )
    yield started, port
    if started.poll() is None:
        started.kill()
        started.wait()


async def test_a_real_socket_answers_and_stops_in_order(
    process: tuple[subprocess.Popen[bytes], int], settings: Settings
) -> None:
    started, port = process
    transport = httpx.AsyncHTTPTransport(retries=60)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=20
    ) as http:
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        assert (await http.get("/v1/plan")).status_code == 401
        refused = await http.post("/v1/imports?simulated=true&timezone=UTC", json=bundle())
        assert refused.status_code == 401
        page = await http.get("/app/")
        assert "text/html" in page.headers["content-type"]
        assert "uvicorn" not in page.headers.get("server", "")
    started.send_signal(signal.SIGTERM)
    _, errors = started.communicate(timeout=20)
    assert started.returncode == 0, errors.decode()
    assert b'"route": "/healthz"' in errors and b"Canaryson" not in errors


def test_without_secrets_it_says_what_to_do(tmp_path: Path, settings: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "patient_gateway"],
        cwd=ROOT,
        env={**environment(settings, free_port()), "CLINAIOPS_HOME": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2 and "make up" in done.stderr
    assert "Traceback" not in done.stderr


async def test_an_import_through_the_socket(
    process: tuple[subprocess.Popen[bytes], int], settings: Settings
) -> None:
    """With the true clock: tokens are made for now."""
    _, port = process
    token = clinician_token(settings, Clock(clock.now()), "no-such-clinician")
    transport = httpx.AsyncHTTPTransport(retries=60)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=20
    ) as http:
        answer = await http.post(
            "/v1/imports?simulated=true&timezone=UTC",
            json=bundle(),
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "import-once"},
        )
    assert answer.status_code == 201 and answer.json()["enrolment_code"]


async def test_a_port_in_use_is_said_clearly(
    process: tuple[subprocess.Popen[bytes], int], settings: Settings
) -> None:
    _, port = process
    transport = httpx.AsyncHTTPTransport(retries=60)
    async with httpx.AsyncClient(transport=transport, timeout=20) as http:
        await http.get(f"http://127.0.0.1:{port}/healthz")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "patient_gateway"],
        cwd=ROOT,
        env=environment(settings, port),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2 and f":{port}" in done.stderr and "in use" in done.stderr
    assert "Traceback" not in done.stderr
