"""The audit of the run, by the commands that an auditor would use."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Audited:
    """Where the bundle lies and what the offline verifier said of it."""

    bundle: Path
    verified: bool
    said: str


def audit(home: Path) -> Audited:
    """Export the log into `home`/demo/export and verify it offline."""
    bundle = home / "demo" / "export"
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.parent.mkdir(parents=True, exist_ok=True)
    reason = "end of the demo"
    exported = _run("export", "--out", str(bundle), "--requester", "demo", "--reason", reason)
    if exported.returncode != 0:
        return Audited(bundle, False, exported.stderr.strip())
    checked = _run("verify", str(bundle))
    return Audited(bundle, checked.returncode == 0, (checked.stdout + checked.stderr).strip())


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "compliance", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
