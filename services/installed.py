"""The lock: which pinned packages this process runs on, as one hash kept with what was computed.

The hash is of what is installed, not of requirements.txt itself: a file says what should be there.
Only the packages that the file names count, so that two installations of one file agree whatever
else lies beside them. Python and platform are in it, since a wheel of another platform holds other
machine code under the same version. The processor is not: within a platform it is not recorded.
"""

import hashlib
import platform
import re
import sysconfig
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

REQUIREMENTS: Final = Path(__file__).resolve().parents[1] / "requirements.txt"
ABSENT: Final = "absent"


@cache
def lock_sha256() -> str | None:
    """Return the hash of this process's lock, 64 hex digits; None: no requirements.txt is here.

    Read once a process: packages exchanged under a running process are not what it has loaded.
    """
    try:
        requirements = REQUIREMENTS.read_text()
    except FileNotFoundError:
        return None
    return hashlib.sha256(lock_text(requirements).encode()).hexdigest()


def lock_text(requirements: str) -> str:
    """Return the lock line by line: Python, platform, each pinned package as it is installed."""
    python = f"python {platform.python_version()} {platform.python_implementation()}"
    names = sorted({_canonical(line.split("==")[0]) for line in _pins(requirements)})
    lines = [python, f"platform {sysconfig.get_platform()}"]
    return "".join(f"{line}\n" for line in [*lines, *(f"{n}=={_version(n)}" for n in names)])


def _pins(requirements: str) -> list[str]:
    lines = (line.split("#")[0].strip() for line in requirements.splitlines())
    return [line for line in lines if "==" in line]


def _canonical(name: str) -> str:
    # Source: PEP 503, normalised names.
    return re.sub(r"[-_.]+", "-", name).strip().lower()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ABSENT
