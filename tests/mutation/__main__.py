"""`python -m tests.mutation [target …]`: mutate the critical files, print score and survivors.

Each mutant runs in a forked child that has Python, pytest and z3 loaded but none of the product:
an import hook gives it the changed file, and the tests of that target run until the first failure.
A mutant whose tests fail, do not import, or outlast the limit is killed. Exit 1 under 95 %.
"""

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

# Loaded here so that no child pays for it.
import hypothesis
import numpy
import pytest
import z3

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.survivors import EQUIVALENT

LIMIT_PERCENT = 95.0
TIMEOUT_S = 60
ROOT = Path(__file__).parents[2]
_T = "tests/services/clinical/"
_SCENARIOS = f"{_T}test_scenario.py"
_CLAIMS = "tests/proof/test_claims.py"

TARGETS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "averaging": (
        ("averaging", "windows"),
        (f"{_T}test_averaging.py", f"{_T}test_windows.py"),
    ),
    "alarms": (
        ("alarms", "alarm_labs", "alarm_vitals", "ladders"),
        (
            f"{_T}test_alarms.py",
            f"{_T}test_alarm_labs.py",
            f"{_T}test_alarm_vitals.py",
            f"{_T}test_ladders.py",
        ),
    ),
    "envelope": (
        ("envelope", "plans", "autonomy"),
        (f"{_T}test_plans.py", f"{_T}test_autonomy.py", f"{_T}test_envelope.py"),
    ),
    "guard": (
        ("guard", "rule", "rules_input", "rules_drugs", "rules_labs", "rules_pressure",
         "rules_autonomy", "vocabulary", "facts", "move_facts", "history", "laboratory"),
        (f"{_T}test_guard.py", f"{_T}test_facts.py", f"{_T}test_move_facts.py",
         f"{_T}test_history.py",
         f"{_T}test_laboratory.py", _SCENARIOS, _CLAIMS),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Survivor:
    module: str
    mutant: Mutant


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves one module from changed source."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=_Source(self))

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, str(self._path), "exec"), module.__dict__)


class _Source(importlib.abc.Loader):
    def __init__(self, changed: _Changed) -> None:
        self._changed = changed

    def exec_module(self, module: ModuleType) -> None:
        self._changed.exec_module(module)


def survives(name: str, path: Path, mutant: Mutant, tests: tuple[str, ...]) -> bool:
    """Return whether every test passes on the mutant."""
    child = os.fork()
    if child == 0:
        os.setsid()
        _run_child(name, path, mutant, tests)
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run_child(name: str, path: Path, mutant: Mutant, tests: tuple[str, ...]) -> None:
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.meta_path.insert(0, _Changed(name, path, mutant.source))
    code = 1
    try:
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests]))
    finally:
        os._exit(code)


def mutate(target: str, share: tuple[int, int]) -> tuple[int, int, list[Survivor]]:
    """Return mutants, killed, and survivors that are not listed as equivalent."""
    files, tests = TARGETS[target]
    part, parts = share
    made = killed = 0
    survivors: list[Survivor] = []
    for file in files:
        path = ROOT / "services" / "clinical" / f"{file}.py"
        name = f"services.clinical.{file}"
        for index, mutant in enumerate(mutants(path.read_text())):
            if index % parts != part or (file, mutant.line, mutant.change) in EQUIVALENT:
                continue
            made += 1
            if survives(name, path, mutant, tests):
                survivors.append(Survivor(file, mutant))
                print(f"survived {file}.py:{mutant.line} {mutant.change}", flush=True)
            else:
                killed += 1
        print(f"{file}.py: {killed} of {made} killed so far in {target}", flush=True)
    return made, killed, survivors


def main(arguments: list[str]) -> int:
    """Return the exit code. `--share 0/4` runs every fourth mutant only."""
    share = (0, 1)
    if "--share" in arguments:
        place = arguments.index("--share")
        part, parts = arguments[place + 1].split("/")
        share = (int(part), int(parts))
        del arguments[place : place + 2]
    worst = 100.0
    for target in arguments or list(TARGETS):
        made, killed, _ = mutate(target, share)
        score = 100.0 * killed / max(made, 1)
        worst = min(worst, score)
        print(f"{target}: {killed} of {made} killed, {score:.1f} %", flush=True)
    return int(worst < LIMIT_PERCENT)


if __name__ == "__main__":
    assert hypothesis and numpy and z3
    sys.exit(main(sys.argv[1:]))
