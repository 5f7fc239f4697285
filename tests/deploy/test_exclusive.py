import subprocess
import sys
from pathlib import Path

from deploy.exclusive import IN_USE_STATUS

HOLD = [sys.executable, "-c", "print('held', flush=True); input()"]


def run(lock: Path, *command: str) -> list[str]:
    return [sys.executable, "-m", "deploy.exclusive", str(lock), *command]


def test_a_second_command_on_the_same_lock_is_refused_until_the_first_is_killed(
    tmp_path: Path,
) -> None:
    lock = tmp_path / "x.lock"
    first = subprocess.Popen(
        run(lock, *HOLD), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        second = subprocess.run(run(lock, "true"), capture_output=True, text=True, check=False)
        assert second.returncode == IN_USE_STATUS
        assert "make down" in second.stderr
    finally:
        first.kill()
        first.communicate()
    assert subprocess.run(run(lock, "true"), check=False).returncode == 0


def test_without_a_command_it_says_how_to_call_it(tmp_path: Path) -> None:
    done = subprocess.run(run(tmp_path / "x"), capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert "usage" in done.stderr
