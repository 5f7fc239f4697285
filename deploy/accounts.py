"""The people of the demo: a lead clinician, a colleague who covers, and the front desk.

Their passwords are made at random, once, and kept in `secrets/demo_login.txt`, one line each:
role, user name, password. A real clinic makes its own accounts with
`python -m clinician_app create-clinician`.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from services.ids import new_secret
from services.settings import Settings

FILE_NAME: Final = "demo_login.txt"
# Role, user name, printed name, user name of the one who covers.
PEOPLE: Final = (
    ("clinician", "dr.lindqvist", "Dr Maja Lindqvist (demo)", None),
    ("lead", "dr.okafor", "Dr Ifeoma Okafor (demo)", "dr.lindqvist"),
    ("registrar", "front.desk", "Front desk (demo)", None),
)


class AccountRefused(RuntimeError):
    """An account could not be made. The message holds the reason that was given."""


def make_demo_accounts(settings: Settings) -> Path:
    """Make the demo's accounts unless they are there; return the file with their passwords.

    Raises:
        AccountRefused: the clinician API's own command said no.
    """
    file = settings.home / "secrets" / FILE_NAME
    if file.exists():
        return file
    lines = []
    for role, username, name, cover in PEOPLE:
        password = new_secret(9).hex()
        _create(role, username, name, cover, password)
        lines.append(f"{role} {username} {password}\n")
    file.touch(mode=0o600)
    file.write_text("".join(lines))
    return file


def _create(role: str, username: str, name: str, cover: str | None, password: str) -> None:
    command = [sys.executable, "-m", "clinician_app", "create-clinician"]
    command += ["--username", username, "--name", name, "--role", role]
    command += [] if cover is None else ["--cover", cover]
    done = subprocess.run(command, input=password, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AccountRefused(f"{username}: {done.stderr.strip()}")
