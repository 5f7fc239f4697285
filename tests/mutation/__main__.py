"""`python -m tests.mutation [target …]`: mutate the critical files, print score and survivors.

Each mutant runs in a forked child that has Python, pytest and z3 loaded but none of the product:
an import hook gives it the changed file, and the tests of that target run until the first failure.
A mutant whose tests fail, do not import, or take five times as long as they should is killed; that
the unchanged source passes is seen first. Exit 1 under 95 %.
"""

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
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
# An endless loop is killed by its time, which is as many times what the unchanged source took.
PATIENCE = 5
JOBS = len(os.sched_getaffinity(0))
ROOT = Path(__file__).parents[2]
_T = "tests/services/clinical/"
_SCENARIOS = f"{_T}test_scenario.py"
_RULES = ("input", "drugs", "labs", "pressure", "autonomy")
_CLAIMS = "tests/proof/test_claims.py"

Stages = tuple[tuple[str, ...], ...]

# Files to change, and the tests in stages: what is slow runs on what the quick ones let live.
TARGETS: dict[str, tuple[tuple[str, ...], Stages]] = {
    "averaging": (
        ("averaging", "windows"),
        ((f"{_T}test_averaging.py", f"{_T}test_windows.py"),),
    ),
    "alarms": (
        ("alarms", "alarm_labs", "alarm_vitals", "ladders"),
        (
            (
                f"{_T}test_alarms.py",
                f"{_T}test_alarm_labs.py",
                f"{_T}test_alarm_vitals.py",
                f"{_T}test_ladders.py",
            ),
        ),
    ),
    "envelope": (
        ("envelope", "plans", "autonomy", "drift"),
        ((f"{_T}test_plans.py", f"{_T}test_autonomy.py", f"{_T}test_envelope.py",
          f"{_T}test_drift.py"),),
    ),
    "guard": (
        ("guard", "rule", *(f"rules_{name}" for name in _RULES), "vocabulary", "facts",
         "move_facts", "history", "laboratory"),
        (
            (_SCENARIOS,),
            (f"{_T}test_guard.py", f"{_T}test_facts.py", f"{_T}test_move_facts.py",
             f"{_T}test_history.py", f"{_T}test_laboratory.py", f"{_T}test_vocabulary.py",
             *(f"{_T}test_rules_{name}.py" for name in _RULES)),
            (_CLAIMS,),
        ),
    ),
}  # fmt: skip


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


@dataclass(frozen=True, slots=True)
class _Child:
    """A running mutant and when it has had its time."""

    index: int
    deadline: float


def outcomes(
    name: str, path: Path, chosen: Sequence[Mutant], stages: Stages, *, limit_s: float
) -> Iterator[tuple[int, bool]]:
    """Yield for each mutant its index and whether every test passed on it, as they end."""
    waiting = list(reversed(range(len(chosen))))
    running: dict[int, _Child] = {}
    while waiting or running:
        while waiting and len(running) < JOBS:
            index = waiting.pop()
            child = _forked(name, path, chosen[index], stages)
            running[child] = _Child(index, time.monotonic() + limit_s)
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended:
            yield running.pop(ended).index, os.waitstatus_to_exitcode(status) == 0
            continue
        for pid, child_of in running.items():
            if time.monotonic() > child_of.deadline:
                # Killed by its time: its end is met by the wait above.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
        time.sleep(0.01)


def _forked(name: str, path: Path, mutant: Mutant, stages: Stages) -> int:
    child = os.fork()
    if child == 0:
        os.setsid()
        _run_child(name, path, mutant, stages)
    return child


def _run_child(name: str, path: Path, mutant: Mutant, stages: Stages) -> None:
    # A child needs none of the plugins; to load them takes as long as the vignettes do.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.meta_path.insert(0, _Changed(name, path, mutant.source))
    code = 1
    try:
        # A stage is collected only when the ones before it have passed.
        for tests in stages:
            code = int(pytest.main(["-x", "-q", "--noconftest", "-p", "no:cacheprovider", *tests]))
            if code:
                break
    finally:
        os._exit(code)


def mutate(target: str, share: tuple[int, int]) -> tuple[int, int]:
    """Return how many mutants there were and were killed, and print the survivors not listed."""
    files, stages = TARGETS[target]
    part, parts = share
    made = killed = 0
    limit_s = PATIENCE * _seconds_unchanged(files[0], stages)
    for file in files:
        path = ROOT / "services" / "clinical" / f"{file}.py"
        name = f"services.clinical.{file}"
        chosen = [
            mutant
            for index, mutant in enumerate(mutants(path.read_text()))
            if index % parts == part and (file, mutant.line, mutant.change) not in EQUIVALENT
        ]
        made += len(chosen)
        for index, survived in outcomes(name, path, chosen, stages, limit_s=limit_s):
            killed += not survived
            if survived:
                print(f"survived {file}.py:{chosen[index].line} {chosen[index].change}", flush=True)
        print(f"{file}.py: {killed} of {made} killed so far in {target}", flush=True)
    return made, killed


def _seconds_unchanged(file: str, stages: Stages) -> float:
    """Return how long the tests take on unchanged source.

    Raises:
        SystemExit: they fail, so that a kill would say nothing.
    """
    path = ROOT / "services" / "clinical" / f"{file}.py"
    name, unchanged = f"services.clinical.{file}", Mutant(0, "unchanged", path.read_text())
    begun = time.monotonic()
    ((_, passed),) = outcomes(name, path, [unchanged], stages, limit_s=3_600)
    if not passed:
        raise SystemExit(f"the tests of {file}.py fail unchanged: mend them first")
    return time.monotonic() - begun


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
        made, killed = mutate(target, share)
        score = 100.0 * killed / max(made, 1)
        worst = min(worst, score)
        print(f"{target}: {killed} of {made} killed, {score:.1f} %", flush=True)
    return int(worst < LIMIT_PERCENT)


if __name__ == "__main__":
    assert hypothesis and numpy and z3
    sys.exit(main(sys.argv[1:]))
