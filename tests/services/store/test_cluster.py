"""The embedded server: made once, closed to everyone without a password, up again after kill -9."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import psutil
import pytest

from services.keyring import make_missing_secrets
from services.settings import Settings
from services.store import Role, cluster
from tests.stack import EmbeddedPostgres, server_home, settings_for


@pytest.fixture(scope="module")
def fresh() -> Iterator[Settings]:
    with server_home() as home:
        settings = settings_for(home)
        make_missing_secrets(settings.home)
        assert cluster.initialise(settings)
        yield settings


async def connect(settings: Settings, role: str, password: str | None) -> None:
    connection = await asyncpg.connect(
        host="127.0.0.1",
        port=settings.postgres_port,
        user=role,
        password=password,
        database=settings.database_name,
    )
    await connection.close()


async def test_every_role_needs_its_own_password_also_the_superuser(
    postgres: EmbeddedPostgres,
) -> None:
    settings = postgres.settings
    for role in (*(role.database_user for role in Role), "postgres"):
        for wrong in ("", "wrong"):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await connect(settings, role, wrong)
    password = settings.secret("db_gateway.password").decode()
    await connect(settings, Role.GATEWAY.database_user, password)


def test_nobody_is_trusted_and_nothing_but_the_loopback_is_listened_on(
    postgres: EmbeddedPostgres,
) -> None:
    rules = postgres.sql("SELECT DISTINCT auth_method FROM pg_hba_file_rules")
    assert rules.split() == ["scram-sha-256"]
    assert postgres.sql("SHOW listen_addresses").strip() == "127.0.0.1"
    assert postgres.sql("SHOW unix_socket_directories").strip() == ""
    assert postgres.sql("SHOW data_checksums").strip() == "on"


def test_the_server_does_not_run_as_root(postgres: EmbeddedPostgres) -> None:
    pid = int((cluster.data_folder(postgres.settings) / "postmaster.pid").read_text().split()[0])
    assert psutil.Process(pid).uids().real != 0


def test_making_it_again_changes_nothing(fresh: Settings) -> None:
    before = (cluster.data_folder(fresh) / "PG_VERSION").stat().st_mtime_ns
    assert not cluster.initialise(fresh)
    assert (cluster.data_folder(fresh) / "PG_VERSION").stat().st_mtime_ns == before


def test_a_half_made_folder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "home")
    make_missing_secrets(settings.home)
    cluster.data_folder(settings).mkdir()
    (cluster.data_folder(settings) / "PG_VERSION").write_text("18\n")
    with pytest.raises(cluster.ClusterError, match="half made"):
        cluster.initialise(settings)


def test_a_killed_server_comes_back_and_a_stopped_one_is_stopped(fresh: Settings) -> None:
    with cluster.running(fresh):
        assert cluster.answers(fresh)
        pid = int((cluster.data_folder(fresh) / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    with cluster.running(fresh):
        assert cluster.answers(fresh)
    assert not cluster.answers(fresh)


def test_a_port_in_use_is_said_so(fresh: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = replace(fresh, postgres_port=int(taken.getsockname()[1]))
        cluster.initialise(busy)
        with pytest.raises(cluster.ClusterError, match="could not bind"), cluster.running(busy):
            pass
    cluster.initialise(fresh)


def test_served_in_the_foreground_it_is_stopped_by_sigint(fresh: Settings) -> None:
    environment = {
        **os.environ,
        "CLINAIOPS_HOME": str(fresh.home),
        "CLINAIOPS_POSTGRES_PORT": str(fresh.postgres_port),
    }
    command = [sys.executable, "-m", "services.store", "database"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        while not cluster.is_ready(fresh):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
