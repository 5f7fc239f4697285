"""Run one command under a lock that lives exactly as long as the command does.

`python -m deploy.exclusive LOCKFILE COMMAND ...` takes the lock, then becomes the command; the
open file goes along, so the lock survives this program and ends with the command, even by kill -9.
"""

import fcntl
import os
import sys
from pathlib import Path

IN_USE_STATUS = 75
LOCK_DESCRIPTOR = 3


class AlreadyRunning(RuntimeError):
    """Another process holds the lock. Stop that one first: `make down`."""


def take(path: Path) -> int:
    """Return the descriptor of the locked file, inherited by children.

    Raises:
        AlreadyRunning: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as err:
        os.close(handle)
        raise AlreadyRunning(
            f"{path} is held by a running stack: stop it with `make down`"
        ) from err
    # Supervisor closes every descriptor from 5 up when it starts; 3 survives and stays its own.
    if handle != LOCK_DESCRIPTOR:
        os.dup2(handle, LOCK_DESCRIPTOR, inheritable=True)
        os.close(handle)
    os.set_inheritable(LOCK_DESCRIPTOR, True)
    return LOCK_DESCRIPTOR


def main(arguments: list[str]) -> int:
    """Take the lock and become the command; return only when that is impossible."""
    if len(arguments) < 2:
        print("usage: python -m deploy.exclusive LOCKFILE COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 64
    try:
        take(Path(arguments[0]))
    except AlreadyRunning as err:
        print(err, file=sys.stderr)
        return IN_USE_STATUS
    os.execvp(arguments[1], arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
