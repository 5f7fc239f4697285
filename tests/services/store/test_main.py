"""The commands: make, check, rotate, back up and restore, each by its exit status."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.keyring import make_missing_secrets
from services.settings import Settings
from services.store import cluster
from tests.stack import server_home, settings_for


def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "CLINAIOPS_HOME": str(settings.home),
        "CLINAIOPS_POSTGRES_PORT": str(settings.postgres_port),
    }
    command = [sys.executable, "-m", "services.store", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_home_is_made_checked_rotated_backed_up_and_restored(tmp_path: Path) -> None:
    with server_home() as home, server_home() as other:
        settings, target = settings_for(home), settings_for(other)
        make_missing_secrets(home)
        for command in ("init", "migrate", "check-roles"):
            done = run(settings, command)
            assert done.returncode == 0, done.stderr
        assert "0 data keys" in run(settings, "rewrap").stdout
        folder = tmp_path / "backup"
        assert run(settings, "backup", str(folder)).returncode == 0
        refused = run(settings, "backup", str(folder))
        assert (refused.returncode, "not empty" in refused.stderr) == (1, True)
        (home / "secrets").rename(other / "secrets")
        done = run(target, "restore", str(folder))
        assert done.returncode == 0, done.stderr
        assert not cluster.answers(target)


def test_without_secrets_it_says_what_to_do(tmp_path: Path) -> None:
    done = run(settings_for(tmp_path / "home"), "init")
    assert done.returncode == 1
    assert "make up" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("backup",)])
def test_an_unknown_command_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run(settings_for(tmp_path / "home"), *arguments).returncode == 2
