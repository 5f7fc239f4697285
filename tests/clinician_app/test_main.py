"""The commands: an account is made from standard input, or the reason why not is said."""

import socket
import subprocess
import sys
from datetime import UTC, datetime

from services.settings import Settings
from services.store import Acting, Role, credentials
from tests.clinician_app import clinic
from tests.clinician_app.processes import ROOT, environment
from tests.stack import StoreFactory


def run(
    settings: Settings, *arguments: str, password: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clinician_app", *arguments],
        cwd=ROOT,
        env=environment(settings),
        input=password,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_an_account_is_made_with_role_and_cover(
    settings: Settings, store_factory: StoreFactory
) -> None:
    make = ("create-clinician", "--name", "Dr B", "--role", "lead", "--username")
    ben = run(settings, *make, "ben", password=clinic.PASSWORD + "\n")
    anna = run(settings, *make, "anna", "--cover", "ben", password=clinic.PASSWORD)
    assert (ben.returncode, anna.returncode) == (0, 0), ben.stderr + anna.stderr
    store = await store_factory(Role.CLINICIAN)
    async with store.transaction(Acting("system", "test", None)) as tx:
        found = await credentials.clinician_by_username(tx, "anna")
    assert found is not None and found.clinician_id == anna.stdout.strip()
    assert found.cover_clinician_id == ben.stdout.strip() and found.roles == {"lead"}
    assert clinic.PASSWORD not in found.password_hash


async def test_a_clinician_is_set_away_until_a_moment_with_its_offset(
    settings: Settings, store_factory: StoreFactory
) -> None:
    make = ("create-clinician", "--name", "Dr A", "--role", "clinician", "--username", "anna")
    assert run(settings, *make, password=clinic.PASSWORD).returncode == 0
    away = ("set-away", "--until", "2026-03-02T09:00+01:00", "--username")
    assert run(settings, *away, "anna", password="").returncode == 0
    store = await store_factory(Role.CLINICIAN)
    async with store.transaction(Acting("system", "test", None)) as tx:
        found = await credentials.clinician_by_username(tx, "anna")
    assert found is not None
    assert found.away_until == datetime(2026, 3, 2, 8, tzinfo=UTC)
    nobody = run(settings, *away, "nobody", password="")
    assert nobody.returncode == 1 and "nobody" in nobody.stderr
    vague = ("set-away", "--username", "anna", "--until", "2026-03-02T09:00")
    assert run(settings, *vague, password="").returncode == 2


def test_a_refusal_says_what_to_change_and_makes_nothing(settings: Settings) -> None:
    make = ("create-clinician", "--name", "Dr B", "--role", "clinician", "--username", "ben")
    short = run(settings, *make, password="short")
    unknown = run(settings, *make, "--cover", "nobody", password=clinic.PASSWORD)
    first = run(settings, *make, password=clinic.PASSWORD)
    taken = run(settings, *make, password=clinic.PASSWORD)
    assert [short.returncode, unknown.returncode, first.returncode, taken.returncode] == [
        1,
        1,
        0,
        1,
    ]
    assert "12 to 256 characters" in short.stderr and "nobody" in unknown.stderr
    assert "taken" in taken.stderr


def test_a_port_in_use_is_said_with_what_to_do(settings: Settings) -> None:
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", settings.clinician_api_port))
        held.listen()
        done = run(settings, "api")
    assert done.returncode == 2
    assert f"port {settings.clinician_api_port} is in use" in done.stderr
    assert "CLINAIOPS_CLINICIAN_API_PORT" in done.stderr
